"""What the pages of the book are called and numbered: read from their sources, as Sphinx counts them."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import yaml
from pybtex.database import parse_file

ROOT = Path(__file__).resolve().parent.parent
STATEMENTS = (
    "algorithm assumption axiom conjecture corollary criterion definition "
    "example lemma notation observation property proposition remark theorem"
)
FENCE = re.compile(r"^(\s*)(`{3,}|:{3,})\{([^}]+)\}[ \t]*(.*)$")
ROLE = re.compile(r"\{([a-z]+(?::[a-z]+)?)\}`([^`]+)`")


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
    for part in toc.get("parts", ()):
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
        collect(book, page, chapter, (root / f"{page}.md").read_text(), {} if chapter else unnumbered)
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


def collect(book, page, chapter, text, counts):
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


def closing(lines, start, fence):
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
