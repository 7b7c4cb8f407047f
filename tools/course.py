"""Write ``_build/course/``: pages and assignments as notebooks, for students and for lecturers (see ``notebooks.py``).

.venv/bin/python tools/course.py            # after `make book`
.venv/bin/python tools/course.py convex     # one part, and what belongs to all
.venv/bin/python tools/course.py --index    # renew what the teaching pages list of the other pages
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import checks
from contents import ROOT, collect, read_book, run_values
from notebooks import notebook


def build_wheel(target):
    """Build the package's wheel into ``target``; return its path."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)],
        check=True,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    (wheel,) = target.glob("robustnn_core-*.whl")
    return wheel


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

        def filled(match, block=block):
            space = "\n" if match[1][0] == "#" else "\n\n"
            return f"{match[1]}{space}{block}{space}{match[2]}"

        text = re.sub(rf"^([%#] begin {name})\n.*?^([%#] end {name})$", filled, text, flags=re.S | re.M)
    return text


def index():
    for name, marked in blocks(read_book(ROOT)).items():
        (ROOT / name).write_text(renewed((ROOT / name).read_text(), marked))


def wanted(page, part):
    """Return whether a page is handed out in a course on one part (``convex``; empty for all)."""
    folder, name = Path(page).parent.name, Path(page).name
    if not part:
        return True
    return folder in (part, "appendix", "chapters", "api") or (folder == "assignments" and name == part)


def main(part=""):
    if sys.argv[1:] == ["--index"]:
        return index()
    part = part or " ".join(sys.argv[1:])
    parts = sorted(path.stem for path in (ROOT / "course" / "assignments").glob("*.md"))
    if part and part not in parts:
        sys.exit(f"PART: there is no part {part!r}; it must be one of {', '.join(parts)}")
    if said := checks.missing():
        sys.exit("\n".join(said))
    values = run_values(ROOT)
    book = read_book(ROOT, values)
    target = ROOT / "_build" / "course"
    for name in ("student", "instructor"):
        shutil.rmtree(target / name, ignore_errors=True)
    wheel = build_wheel(target / "student")
    assignments = sorted(f"course/assignments/{path.stem}" for path in (ROOT / "course" / "assignments").glob("*.md"))
    for page in assignments:
        collect(book, page, None, (ROOT / f"{page}.md").read_text(), {})
    for_lecturers = "chapters/appendix/lecturers"
    pages = [page for page in (*book.pages, *assignments) if wanted(page, part)]
    for page in pages:
        text = (ROOT / f"{page}.md").read_text()
        for name in ("student", "instructor"):
            if name == "student" and page == for_lecturers:
                continue
            handed = set(pages) - ({for_lecturers} if name == "student" else set())
            path = target / name / f"{page.removeprefix('chapters/').removeprefix('course/')}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            made = notebook(book, page, text, solutions=name == "instructor", written=handed)
            path.write_text(json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    for name in checks.names():
        if part and not name.startswith(f"{part}_"):
            continue
        checks.archive(name, target / "instructor" / "grading" / f"{name}.zip", wheel)
    missing = sorted(
        {
            key
            for page in book.pages
            if wanted(page, part)
            for key in re.findall(r"\{glue:text\}`([\w-]+)", (ROOT / f"{page}.md").read_text())
        }
        - set(values)
    )
    if missing:
        sys.exit(f"the run has no value for {', '.join(missing)}: run `make book` first")
    print(
        f"{len([p for p in pages if p not in assignments])} pages and {len([p for p in pages if p in assignments])} "
        "assignments as notebooks in _build/course/student "
        "and _build/course/instructor,"
    )
    print(
        "the package's wheel in _build/course/student, and what tools/grade.py grades with "
        "in _build/course/instructor/grading: keep that to yourself"
    )


if __name__ == "__main__":
    main()
