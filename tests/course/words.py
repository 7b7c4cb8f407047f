"""The words of a page and of a notebook, found without the code that makes the one from the other."""

import re


def words(text):
    return re.findall(r"[^\W_]+", text)


def page_words(text, *, solutions, macros):
    """Return every word of a page's prose, formulas, titles and captions, without roles and names of macros."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)
    if not solutions:
        text = re.sub(r"^- \[[ x]\] (.*?)(?: \*\S.*\*)?$", r"- [ ] \1", text, flags=re.M)  # of a self-test
        text = re.sub(
            r"^(`{3,}|:{3,})\{solution-start\}.*?^(`{3,}|:{3,})\{solution-end\}\n\2", "", text, flags=re.S | re.M
        )
    text = re.sub(r"^(`{3,}|:{3,})\{code-cell\}[^\n]*\n(.*?)^\1$", _caption, text, flags=re.S | re.M)
    # the title of a solution is the label of its exercise
    text = re.sub(r"^(`{3,}|:{3,})\{solution-start\}.*$", "", text, flags=re.M)
    text = re.sub(r"^\s*(?:`{3,}|:{3,})\{(?!raw)[^}]*\}[ \t]*", "", text, flags=re.M)
    text = re.sub(r"^(`{3,}|:{3,})\{raw\}.*$", "", text, flags=re.M)
    text = re.sub(r"^\s*:[\w-]+:.*$", "", text, flags=re.M)
    text = re.sub(r"^%.*$", "", text, flags=re.M)
    text = re.sub(r"^\([\w-]+\)=\s*$", "", text, flags=re.M)
    text = re.sub(r"\$\$[ \t]*\([\w-]+\)[ \t]*$", "$$", text, flags=re.M)
    for name, body in macros.items():  # an argument may be one letter of a word: \inner wx
        text = re.sub(
            rf"\\{name}(?![A-Za-z])" + r"( \w)?" * isinstance(body, list),
            r" \1 " if isinstance(body, list) else " ",
            text,
        )
    return words(re.sub(r"\{[a-z:]+\}`[^`]*`", " ", text))


def _caption(match):
    found = re.search(r'^\s*(?:figure: \{)?caption: "((?:[^"\\]|\\.)*)"', match[2], flags=re.M)
    found = found or re.search(r'caption: "((?:[^"\\]|\\.)*)"[^\n]*name: ', match[2])
    return found[1] if found else ""


def lost(wanted, there):
    """Return the first words of ``wanted`` that do not occur in ``there``, in order; empty if none is lost."""
    rest = iter(there)
    for i, word in enumerate(wanted):
        if word not in rest:
            return wanted[max(0, i - 5) : i + 5]
    return []
