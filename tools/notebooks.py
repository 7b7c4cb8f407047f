"""A page of the book as a notebook that needs nothing but Jupyter: MyST becomes Markdown that reads the same.

Statements keep their numbers, references their names, and a number that the book takes from the run is taken from the
same run. The lecturer's notebook has the solutions, the student's an empty cell in their place, or a stub and its check
(see ``checks.py``). Nothing else differs from the page, and a test compares the words.
"""

import copy
import os
import re
from pathlib import Path

import checks
import jupytext
import nbformat
from contents import FENCE, ROLE, ROOT, closing

# Wants to be told nothing twice: it does not run where the package is there already.
INSTALL = """\
# On Colab, or wherever the package is missing: installs it from the wheel that came with this notebook.
import importlib.util
import pathlib
import subprocess
import sys

if importlib.util.find_spec("robustnn_core") is None:
    places = [pathlib.Path.cwd(), *list(pathlib.Path.cwd().parents)[:3], pathlib.Path("/content")]
    wheels = [wheel for place in places for wheel in sorted(place.glob("robustnn_core-*.whl"))]
    if not wheels:
        raise FileNotFoundError(
            "robustnn_core is not installed. Put robustnn_core-*.whl, which is in the course "
            "folder, beside this notebook (on Colab: the folder symbol, then upload), and run this cell again."
        )
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", str(wheels[-1])], check=True)
    importlib.invalidate_caches()"""
GLUED = "from myst_nb import glue\n"  # not in plain Jupyter, and not needed there
GLUE = '''\
def glue(name, value, display=False):
    """Print a number that the text quotes, under its name."""
    print(f"{name}: {value}")'''
OPTION = re.compile(r"^- \[[ x]\] (.*?)(?: \*\S.*\*)?$")  # of a self-test, and what is said when it is chosen
WRITTEN = "**Your proof** *(double-click and write here, in place of this line; it is marked by hand)*"
TODO = "# Your code. Add cells as you like.\n"
POINTS = "*{points}: {public} for the public check, {hidden} for checks on other data, which you do not see.*"
GRADER = """\
# grader.check("NAME") says what is wrong with the answer NAME
from robustnn_core import course

grader = course.grader("{page}")"""


def notebook(book, page, text, *, solutions, written=None):
    """Return one page as a notebook that plain Jupyter reads; without ``solutions`` a stub stands for each.

    ``written`` are the pages that are handed out; a reference to another becomes plain text (None: all are).
    """
    writer = Writer(book, page, key=solutions, written=written)
    checked, graded, asked = checks.answers(checks.module_name(page)), False, None
    source = jupytext.reads(text, fmt="md:myst")
    out = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": source.metadata.get(
                "kernelspec", {"display_name": "Python 3", "language": "python", "name": "python3"}
            ),
            "language_info": {"name": "python"},
        }
    )
    coded, inside = any(cell.cell_type == "code" for cell in source.cells), False
    for cell in source.cells:
        if cell.cell_type == "code":
            if coded is True:
                out.cells.append(_code(INSTALL, tags=["hide-input"], jupyter={"source_hidden": True}))
                coded = "installed"
            if inside and not solutions:
                continue
            out.cells += _copied(cell, writer)
            continue
        for kind, lines in _split_solutions(cell.source.split("\n")):
            if kind == "start":
                inside = True
                if not solutions:
                    if asked not in checked:
                        by_hand = [_markdown(WRITTEN)] if Path(page).parent.name == "assignments" else None
                        out.cells += by_hand or [_markdown("**Your answer**"), _code(TODO)]
                    continue
            elif kind == "end":
                inside = False
                continue
            elif inside and not solutions:
                continue
            if prose := writer.block(lines).strip():
                out.cells.append(_markdown(prose))
            if kind == "asked":
                asked = re.findall(r"^:label: ([\w-]+)", "\n".join(lines), flags=re.M)[-1]
            if kind == "asked" and asked in checked:
                name, stub, answer = checked[asked]
                if not graded:
                    out.cells.append(_code(GRADER.format(page=checks.module_name(page))))
                    graded = True
                public, hidden = checks.points(checks.module_name(page))[name]
                said = POINTS.format(points=f"{public + hidden} points", public=public, hidden=hidden)
                out.cells += [_markdown(said), _code(answer if solutions else stub), _code(f'grader.check("{name}")')]
    cited = [key for key in dict.fromkeys(re.findall(r"\{cite:[tp]\}`([^`]+)`", text))]
    if cited:
        keys = sorted({key.strip() for group in cited for key in group.split(",")})
        out.cells.append(_markdown("## References\n\n" + "\n".join(f"* {reference(book.works[key])}" for key in keys)))
    for index, cell in enumerate(out.cells):
        cell.id = f"cell-{index}"  # else every build would differ
        if cell.cell_type == "markdown":
            cell.source = spelled_out(cell.source, book.macros)
    return out


def _copied(cell, writer):
    """A code cell of the page as it is in plain Jupyter, and the caption of its figure."""
    code = cell.source
    if GLUED in code:
        code = code.replace(GLUED, "").strip("\n") + "\n\n\n" + GLUE
    metadata = copy.deepcopy(cell.metadata)
    figure = metadata.pop("mystnb", {}).get("figure", {})
    if {"hide-input", "remove-input"} & set(metadata.get("tags", [])):
        metadata["jupyter"] = {"source_hidden": True}
    yield _code(code, **metadata)
    if figure:
        number = writer.book.labels[figure["name"]][1]
        yield _markdown(f"*Figure {number}.* {writer.inline(figure['caption'])}")


class Writer:
    """Turns the MyST of one page into Markdown."""

    def __init__(self, book, page, *, key=True, written=None):
        self.book, self.page, self.key, self.written = book, page, key, written

    def block(self, lines):
        out, i = [], 0
        while i < len(lines):
            match = FENCE.match(lines[i])
            if match is None:
                if re.match(r"^\s*(`{3,}|~{3,})\w", lines[i]):  # code: as it is
                    end = next(j for j in range(i + 1, len(lines)) if lines[j].strip() == lines[i].strip()[:3])
                    out += lines[i : end + 1]
                    i = end + 1
                elif not re.fullmatch(r"\([\w-]+\)=\s*|%.*", lines[i]):
                    out.append(self.inline(lines[i]))
                    i += 1
                else:
                    i += 1
                continue
            _, fence, name, title = match.groups()
            end = closing(lines, i, fence)
            body = [line for line in lines[i + 1 : end]]
            options = {}
            while body and (option := re.match(r"^\s*:([\w-]+):\s*(.*)$", body[0])):
                options[option[1]] = option[2]
                body = body[1:]
            out += ["", *self.directive(name, title, options, body).split("\n"), ""]
            i = end + 1
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(out))
        return re.sub(r"^(.*\$\$)[ \t]*\(([\w-]+)\)[ \t]*$", r"\1", self._numbered(text), flags=re.M)

    def directive(self, name, title, options, body):
        if options.get("class") == "self-test" and not self.key:
            body = [OPTION.sub(r"- [ ] \1", line) for line in body]
        inner = "\n" + self.block(body).strip("\n") if body else ""
        title = self.inline(title.strip())
        label = self.book.labels.get(options.get("label"))
        if name == "raw" and "file" in options:
            return (ROOT / Path(self.page).parent / options["file"]).read_text().strip()
        if name == "bibliography":
            return "\n".join(f"* {reference(entry)}" for entry in self.book.works.values())
        if name == "nb-exec-table":
            return "*(This table is made when the book is built; it is on the page of the site.)*"
        if name == "prf:proof":
            return f"**Proof{f' ({title})' if title else ''}.**\n{inner}\n\n∎"
        if name.startswith("prf:"):
            number = f" {label[1]}" if label else ""
            return f"---\n\n**{name[4:].capitalize()}{number}{f' ({title})' if title else ''}.**\n{inner}\n\n---"
        if name == "exercise-start" or name == "exercise":
            return f"### Exercise{f' {label[1]}' if label else ''}{f' ({title})' if title else ''}\n{inner}"
        if name == "solution-start":
            target = self.book.labels.get(title)
            return f"**Solution{f' of Exercise {target[1]}' if target else ''}**\n{inner}"
        if name in ("exercise-end", "solution-end"):
            return ""
        if name in ("admonition", "note", "tip", "warning", "important", "dropdown", "hint", "seealso"):
            return f"---\n\n**{title or name.capitalize()}**\n{inner}\n\n---"
        if name == "raw":
            return "\n".join(body)
        raise ValueError(
            f"{self.page}: tools/notebooks.py does not know the directive {{{name}}}; teach it in Writer.directive"
        )

    def inline(self, text):
        # a role in a code span (how MyST is explained) stays
        return ROLE.sub(lambda match: self.role(*match.groups()), text)

    def role(self, name, text):
        words, target = text, text
        if match := re.fullmatch(r"(.*)<(.*)>", text, flags=re.S):
            words, target = match[1].strip(), match[2]
        named = words if words != target else None
        if name == "doc":
            page = os.path.normpath(target.lstrip("/") if target.startswith("/") else Path(self.page).parent / target)
            if page not in self.book.titles:
                return named or f"another page ({Path(page).name})"
            return self.link(named or self.book.titles[page], page)
        if name in ("ref", "prf:ref", "numref"):
            if target not in self.book.labels:
                return named or f"a statement of another page ({target})"
            kind, number, title, page = self.book.labels[target]
            said = named or (f"{kind} {number}" if number else title)
            return said if page == self.page else self.link(said, page)
        if name == "eq":
            return f"({self.book.labels[target][1]})" if target in self.book.labels else "(of another page)"
        if name in ("cite:t", "cite:p", "cite"):
            cited = [author_year(self.book.works[key.strip()]) for key in target.split(",")]
            if name == "cite:t":
                return "; ".join(f"{who} [{year}]" for who, year in cited)
            return "[" + "; ".join(f"{who}, {year}" for who, year in cited) + "]"
        if name in ("glue:text", "glue"):
            key, _, form = target.partition(":")
            if key not in self.book.values:
                return f"(the value of `{key}`, printed by a cell)"
            value = self.book.values[key]
            return format(value, form) if form else str(value).strip("'\"")
        if name == "math":
            return f"${text}$"
        raise ValueError(f"{self.page}: tools/notebooks.py does not know the role {{{name}}}; teach it in Writer.role")

    def link(self, said, page):
        """Return a link to a page, or its words where the page is not handed out."""
        if self.written is not None and page not in self.written:
            return said
        return f"[{said}]({os.path.relpath(page, Path(self.page).parent)}.ipynb)"

    def _numbered(self, text):
        """Give every display that has a label its number, as the book does."""

        def tagged(match):
            number = self.book.labels[match[2]][1]
            return f"$${match[1].rstrip()} \\tag{{{number}}}\n$$" if "\\tag" not in match[1] else f"$${match[1]}$$"

        return re.sub(r"\$\$((?:(?!\$\$).)*)\$\$[ \t]*\(([\w-]+)\)", tagged, text, flags=re.S)


def _split_solutions(lines):
    """Cut Markdown where solutions begin and end and where exercises end: ``(start, end, asked or text, lines)``."""
    part, i = [], 0
    while i < len(lines):
        match = FENCE.match(lines[i])
        if match and match[3] == "exercise-end":
            end = closing(lines, i, match[2])
            yield "asked", [*part, *lines[i : end + 1]]
            part, i = [], end + 1
        elif match and match[3] in ("solution-start", "solution-end"):
            yield "text", part
            end = closing(lines, i, match[2])
            yield match[3].removeprefix("solution-"), lines[i : end + 1]
            part, i = [], end + 1
        else:
            part.append(lines[i])
            i += 1
    yield "text", part


def spelled_out(text, macros):
    """Return Markdown with the book's macros replaced: not every notebook carries a definition from cell to cell."""
    out, at = "", 0
    for match in re.finditer(r"```.*?```|`[^`\n]*`|\\([A-Za-z]+)", text, flags=re.S):
        if match.start() < at or match[1] not in macros:  # inside an argument, code, or a command of TeX
            continue
        body, count = macros[match[1]] if isinstance(macros[match[1]], list) else (macros[match[1]], 0)
        out, at = out + text[at : match.start()], match.end()
        for n in range(count):
            argument, at = _argument(text, at)
            body = body.replace(f"#{n + 1}", spelled_out(argument, macros))
        out += body + " " * bool(re.search(r"\\[A-Za-z]+$", body) and re.match("[A-Za-z]", text[at:]))
    return out + text[at:]


def _argument(text, at):
    """Return what TeX takes as an argument at ``at``, without its braces, and where it ends."""
    found = re.compile(r"\s*(\\[A-Za-z]+|\\.|[^{])|\s*(?=\{)").match(text, at)
    if found[1]:
        return found[1], found.end()
    start, depth = found.end(), 0
    for brace in re.compile(r"\\.|[{}]", flags=re.S).finditer(text, start):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return text[start + 1 : brace.start()], brace.end()
    raise ValueError(f"a brace is not closed: {text[start : start + 40]!r}")


def author_year(entry):
    names = [" ".join(person.prelast_names + person.last_names).strip("{}") for person in entry.persons["author"]]
    who = names[0] if len(names) == 1 else " and ".join(names) if len(names) == 2 else f"{names[0]} et al."
    return who, entry.fields.get("year", "")


def reference(entry):
    who = ", ".join(
        str(" ".join(p.first_names + p.middle_names + p.prelast_names + p.last_names)) for p in entry.persons["author"]
    )
    where = [entry.fields[key] for key in ("journal", "booktitle", "publisher", "institution") if key in entry.fields]
    if "eprint" in entry.fields:
        where.append(f"arXiv:{entry.fields['eprint']}")
    return re.sub(
        r"[{}]", "", f"{who}. *{entry.fields['title']}*. {', '.join([*where, entry.fields.get('year', '')])}."
    )


def _markdown(text):
    return nbformat.v4.new_markdown_cell(text)


def _code(text, **metadata):
    return nbformat.v4.new_code_cell(text, metadata=metadata)
