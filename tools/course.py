"""Write ``_build/course/``: pages and assignments as notebooks that need nothing but Jupyter, for students and for lecturers.

    .venv/bin/python tools/course.py            # after `make book`
    .venv/bin/python tools/course.py --index    # renew what the teaching pages list of the other pages

A page of the book is MyST; plain Jupyter shows its directives and roles as source. Here they become
Markdown that reads the same: statements keep their numbers, references their names, and a number that
the book takes from the run is taken from the same run. The lecturer's notebook has the solutions, the
student's an empty cell in their place, or a stub and its check (see ``checks.py``). Nothing else differs
from the page, and a test compares the words.
"""

import copy
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import checks
import jupytext
import nbformat
import yaml
from pybtex.database import parse_file

ROOT = Path(__file__).resolve().parent.parent
STATEMENTS = "algorithm assumption axiom conjecture corollary criterion definition example lemma notation observation property proposition remark theorem"
FENCE = re.compile(r"^(\s*)(`{3,}|:{3,})\{([^}]+)\}[ \t]*(.*)$")
ROLE = re.compile(r"\{([a-z]+(?::[a-z]+)?)\}`([^`]+)`")
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
TODO = "# Your code. Add cells as you like.\n"
OTTER = """
if importlib.util.find_spec("otter") is None:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "otter-grader==7.0.0"], check=True)
    importlib.invalidate_caches()"""
GRADER = """\
# grader.check("NAME") says what is wrong with the answer NAME
from robustnn_core import course

grader = course.grader("{page}")"""


@dataclass
class Book:
    """What a page needs to know of the others: names and numbers of everything that can be referred to."""

    pages: list  # names as in _toc.yml, in order
    titles: dict = field(default_factory=dict)  # page -> title
    labels: dict = field(default_factory=dict)  # label -> (kind, number, title, page)
    values: dict = field(default_factory=dict)  # glued name -> value
    works: dict = field(default_factory=dict)  # key -> pybtex entry
    macros: dict = field(default_factory=dict)  # name -> TeX, or [TeX, number of arguments]


def contents(root):
    """Return ``[(page, chapter number or None, part), ...]`` in the order of the book."""
    toc = yaml.safe_load((root / "_toc.yml").read_text())
    found, number = [(toc["root"], None, None)], 0
    for part in toc["parts"]:
        for chapter in part["chapters"]:
            if part.get("numbered"):
                number += 1
            found.append((chapter["file"], number if part.get("numbered") else None, part["caption"]))
    return found


def read_book(root, values=None):
    """Return the :class:`Book` of the pages in ``_toc.yml``; ``values`` are those of the run, if there was one."""
    listed = contents(root)
    macros = yaml.safe_load((root / "_config.yml").read_text())["sphinx"]["config"]["mathjax3_config"]["tex"]["macros"]
    book = Book([page for page, _, _ in listed], values=values or {}, macros=macros)
    book.works = parse_file(root / "references.bib").entries
    unnumbered = {}  # chapters without a number share their counters
    for page, chapter, _ in listed:
        _collect(book, page, chapter, (root / f"{page}.md").read_text(), {} if chapter else unnumbered)
    return book


def run_values(root):
    """Return what the pages glued when they were last executed, by name."""
    values = {}
    for path in sorted((root / ".jupyter_cache" / "executed").glob("*/base.ipynb"), key=lambda p: p.stat().st_mtime):
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                name = output.get("metadata", {}).get("scrapbook", {}).get("name")
                if name:
                    (text,) = (v for k, v in output["data"].items() if k.endswith("text/plain"))
                    values[name] = yaml.safe_load(text) if isinstance(text, str) else text
    return values


def notebook(book, page, text, *, solutions):
    """Return one page as a notebook that plain Jupyter reads; without ``solutions`` an empty cell or a stub stands for each."""
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
                needed = INSTALL + OTTER if checked else INSTALL
                out.cells.append(_code(needed, tags=["hide-input"], jupyter={"source_hidden": True}))
                coded = "installed"
            if inside and not solutions:
                continue
            code = cell.source
            if GLUED in code:
                code = code.replace(GLUED, "").strip("\n") + "\n\n\n" + GLUE
            metadata = copy.deepcopy(cell.metadata)
            figure = metadata.pop("mystnb", {}).get("figure", {})
            if {"hide-input", "remove-input"} & set(metadata.get("tags", [])):
                metadata["jupyter"] = {"source_hidden": True}
            out.cells.append(_code(code, **metadata))
            if figure:
                number = book.labels[figure["name"]][1]
                out.cells.append(_markdown(f"*Figure {number}.* {Writer(book, page).inline(figure['caption'])}"))
            continue
        for kind, lines in _split_solutions(cell.source.split("\n")):
            if kind == "start":
                inside = True
                if not solutions:
                    if asked not in checked:
                        out.cells += [_markdown("**Your answer**"), _code(TODO)]
                    continue
            elif kind == "end":
                inside = False
                continue
            elif inside and not solutions:
                continue
            written = Writer(book, page).block(lines).strip()
            if written:
                out.cells.append(_markdown(written))
            if kind == "asked":
                asked = re.findall(r"^:label: ([\w-]+)", "\n".join(lines), flags=re.M)[-1]
            if kind == "asked" and asked in checked:
                name, stub, answer = checked[asked]
                if not graded:
                    out.cells.append(_code(GRADER.format(page=checks.module_name(page))))
                    graded = True
                out.cells += [_code(answer if solutions else stub), _code(f'grader.check("{name}")')]
    cited = [key for key in dict.fromkeys(re.findall(r"\{cite:[tp]\}`([^`]+)`", text))]
    if cited:
        keys = sorted({key.strip() for group in cited for key in group.split(",")})
        out.cells.append(_markdown("## References\n\n" + "\n".join(f"* {_reference(book.works[key])}" for key in keys)))
    for index, cell in enumerate(out.cells):
        cell.id = f"cell-{index}"  # else every build would differ
        if cell.cell_type == "markdown":
            cell.source = spelled_out(cell.source, book.macros)
    return out


class Writer:
    """Turns the MyST of one page into Markdown."""

    def __init__(self, book, page):
        self.book, self.page = book, page

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
            end = _closing(lines, i, fence)
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
        inner = "\n" + self.block(body).strip("\n") if body else ""
        title = self.inline(title.strip())
        label = self.book.labels.get(options.get("label"))
        if name == "raw" and "file" in options:
            return (ROOT / Path(self.page).parent / options["file"]).read_text().strip()
        if name == "bibliography":
            return "\n".join(f"* {_reference(entry)}" for entry in self.book.works.values())
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
            f"{self.page}: tools/course.py does not know the directive {{{name}}}; teach it in Writer.directive"
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
            link = os.path.relpath(page, Path(self.page).parent)
            return f"[{named or self.book.titles[page]}]({link}.ipynb)"
        if name in ("ref", "prf:ref", "numref"):
            kind, number, title, page = self.book.labels[target]
            said = named or (f"{kind} {number}" if number else title)
            if page == self.page:
                return said
            return f"[{said}]({os.path.relpath(page, Path(self.page).parent)}.ipynb)"
        if name == "eq":
            return f"({self.book.labels[target][1]})"
        if name in ("cite:t", "cite:p", "cite"):
            cited = [_author_year(self.book.works[key.strip()]) for key in target.split(",")]
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
        raise ValueError(f"{self.page}: tools/course.py does not know the role {{{name}}}; teach it in Writer.role")

    def _numbered(self, text):
        """Give every display that has a label its number, as the book does."""

        def tagged(match):
            number = self.book.labels[match[2]][1]
            return f"$${match[1].rstrip()} \\tag{{{number}}}\n$$" if "\\tag" not in match[1] else f"$${match[1]}$$"

        return re.sub(r"\$\$((?:(?!\$\$).)*)\$\$[ \t]*\(([\w-]+)\)", tagged, text, flags=re.S)


def _collect(book, page, chapter, text, counts):
    def number(kind):
        counts[kind] = counts.get(kind, 0) + 1
        return f"{chapter}.{counts[kind]}" if chapter else str(counts[kind])

    lines, pending, coded = text.split("\n"), [], None
    for i, line in enumerate(lines):
        if coded:
            if line.strip() == coded:
                coded = None
            elif match := re.search(r"\bname: ([\w-]+)", line):
                if match[1].startswith("fig-"):
                    book.labels[match[1]] = ("Fig.", number("figure"), "", page)
            continue
        if match := FENCE.match(line):
            if match[3] == "code-cell":
                coded = match[2]
                continue
            kind = match[3].removeprefix("prf:").removesuffix("-start")
            if kind == "exercise" or (match[3].startswith("prf:") and kind in STATEMENTS.split()):
                count = number("exercise" if kind == "exercise" else "statement")
                for option in lines[i + 1 : i + 4]:
                    if found := re.match(r"\s*:label:\s*([\w-]+)", option):
                        book.labels[found[1]] = (kind.capitalize(), count, match[4], page)
        elif re.match(r"^```\w", line):
            coded = "```"
        elif match := re.fullmatch(r"\(([\w-]+)\)=\s*", line):
            pending.append(match[1])
        elif match := re.match(r"#+ (.*)", line):
            book.titles.setdefault(page, match[1])
            for label in pending:
                book.labels[label] = ("", "", match[1], page)
            pending = []
        elif line.strip():
            for label in pending:
                book.labels[label] = ("", "", line.strip(), page)
            pending = []
            if match := re.search(r"\$\$\s*\(([\w-]+)\)\s*$", line):
                book.labels[match[1]] = ("", number("equation"), "", page)


def _closing(lines, start, fence):
    """Return the line that closes the directive opened at ``start``."""
    inside = []
    for j in range(start + 1, len(lines)):
        line = lines[j].strip()
        opened = re.match(r"^(`{3,}|:{3,})[\w{]", line)
        if inside and line == inside[-1]:
            inside.pop()
        elif opened:
            inside.append(opened[1])
        elif not inside and line == fence:
            return j
    raise ValueError(f"{lines[start]!r} is not closed")


def _split_solutions(lines):
    """Cut Markdown where solutions begin and end and where exercises end: ``(start, end, asked or text, lines)``."""
    part, i = [], 0
    while i < len(lines):
        match = FENCE.match(lines[i])
        if match and match[3] == "exercise-end":
            end = _closing(lines, i, match[2])
            yield "asked", [*part, *lines[i : end + 1]]
            part, i = [], end + 1
        elif match and match[3] in ("solution-start", "solution-end"):
            yield "text", part
            end = _closing(lines, i, match[2])
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


def _author_year(entry):
    names = [" ".join(person.prelast_names + person.last_names).strip("{}") for person in entry.persons["author"]]
    who = names[0] if len(names) == 1 else " and ".join(names) if len(names) == 2 else f"{names[0]} et al."
    return who, entry.fields.get("year", "")


def _reference(entry):
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


def build_wheel(target):
    """Build the package's wheel into ``target``."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)],
        check=True,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def statements(book):
    """Return the list of everything to prove, as Markdown: one line for each lemma, proposition and theorem."""
    lines = []
    for page in book.pages:
        text = (ROOT / f"{page}.md").read_text()
        stated = re.findall(
            r"^(?:`{3,}|:{3,})\{prf:(?:theorem|proposition|lemma|corollary)\}[ \t]*(.*)\n:label: ([\w-]+)",
            text,
            flags=re.M,
        )
        proved = [(title, label) for title, label in stated if "cited" not in title]
        if proved:
            lines += ["", f"**{{doc}}`{book.titles[page]} </{page}>`**", ""]
            lines += [f"- [ ] {{prf:ref}}`{label}`: {title.strip()}" for title, label in proved]
    return "\n".join(lines).strip()


def needs(book):
    """Return ``{page: (minutes, pages it needs)}`` from what the pages say at their top, without ``chapters/``."""
    found = {}
    for page in book.pages:
        text = (ROOT / f"{page}.md").read_text()
        head = re.search(r"\*\*You need\*\*(.*?)\*\*Time\*\* (\w+) minutes", text, flags=re.S)
        if head:
            targets = re.findall(r"\{doc\}`(?:[^`<]*<)?([^`>]+)>?`", head[1])
            pages = [os.path.normpath(Path(page).parent / target).removeprefix("chapters/") for target in targets]
            found[page.removeprefix("chapters/")] = (int(head[2]), pages)
    return found


def table(book):
    """Return the pages with their minutes and exercises, as a Markdown table."""
    rows = ["| page | minutes to read | exercises | minutes for them |", "|---|---|---|---|"]
    for page, (minutes, _) in needs(book).items():
        text = (ROOT / f"chapters/{page}.md").read_text()
        times = [
            int(n)
            for n in re.findall(r"^\*(?:Warm-up|Real|Open-ended|Research|Hard)[^*\n]*?(\d+) minutes", text, flags=re.M)
        ]
        rows.append(f"| {{doc}}`/chapters/{page}` | {minutes} | {len(times)} | {sum(times)} |")
    return "\n".join(rows)


def blocks(book):
    """Return what stands between the marks of the teaching pages: ``{file: {mark: text}}``."""
    edges = "".join(f"    {page!r}: {pages!r},\n" for page, (_, pages) in needs(book).items()).replace("'", '"')
    return {
        "chapters/appendix/students.md": {"statements": statements(book)},
        "chapters/appendix/lecturers.md": {"table": table(book), "needs": "needs = {\n" + edges + "}"},
    }


def renewed(text, marked):
    """Return a page with new text between its marks (``% begin NAME`` in prose, ``# begin NAME`` in a cell)."""
    for name, block in marked.items():
        text = re.sub(
            rf"^([%#] begin {name})\n.*?^([%#] end {name})$",
            lambda m: f"{m[1]}\n{block}\n{m[2]}" if m[1][0] == "#" else f"{m[1]}\n\n{block}\n\n{m[2]}",
            text,
            flags=re.S | re.M,
        )
    return text


def index():
    for name, marked in blocks(read_book(ROOT)).items():
        (ROOT / name).write_text(renewed((ROOT / name).read_text(), marked))


def main():
    if sys.argv[1:] == ["--index"]:
        return index()
    values = run_values(ROOT)
    book = read_book(ROOT, values)
    target = ROOT / "_build" / "course"
    for name in ("student", "instructor"):
        shutil.rmtree(target / name, ignore_errors=True)
    build_wheel(target / "student")
    assignments = sorted(f"course/assignments/{path.stem}" for path in (ROOT / "course" / "assignments").glob("*.md"))
    for page in assignments:
        _collect(book, page, None, (ROOT / f"{page}.md").read_text(), {})
    for page in (*book.pages, *assignments):
        text = (ROOT / f"{page}.md").read_text()
        for name in ("student", "instructor"):
            path = target / name / f"{page.removeprefix('chapters/').removeprefix('course/')}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            made = notebook(book, page, text, solutions=name == "instructor")
            path.write_text(json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    for name in checks.names():
        checks.archive(name, target / "instructor" / "grading" / f"{name}.zip")
    missing = sorted(
        {key for page in book.pages for key in re.findall(r"\{glue:text\}`([\w-]+)", (ROOT / f"{page}.md").read_text())}
        - set(values)
    )
    if missing:
        sys.exit(f"the run has no value for {', '.join(missing)}: run `make book` first")
    print(
        f"{len(book.pages)} pages and {len(assignments)} assignments as notebooks in _build/course/student and _build/course/instructor,"
    )
    print(
        "the package's wheel in _build/course/student, and what tools/grade.py grades with in _build/course/instructor/grading: keep that to yourself"
    )


if __name__ == "__main__":
    main()
