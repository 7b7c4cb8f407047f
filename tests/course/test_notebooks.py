"""The notebooks of the course: every sentence of a page, no markup of the book, no solution where none belongs."""

import ast
import re

import nbformat
import pytest

from .made import ROOT, checks, contents, course, notebooks
from .words import lost, page_words, words

BOOK = contents.read_book(ROOT)
PAGES = {page: (ROOT / f"{page}.md").read_text() for page in BOOK.pages}


@pytest.fixture(scope="module", params=PAGES)
def page(request):
    return request.param


@pytest.fixture(scope="module", params=["student", "instructor"])
def made(request, page):
    return notebooks.notebook(BOOK, page, PAGES[page], solutions=request.param == "instructor")


def prose(nb):
    return "\n\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("solutions", [True, False])
def test_no_sentence_is_lost(page, solutions):
    made = notebooks.notebook(BOOK, page, PAGES[page], solutions=solutions)
    assert lost(page_words(PAGES[page], solutions=solutions, macros=BOOK.macros), words(prose(made))) == []


def test_no_markup_of_the_book_is_left(made):
    text = re.sub(r"```.*?```", "", prose(made), flags=re.S)
    assert re.findall(r"\{[a-z]+(?::[a-z]+)?\}`|^\s*[:`]{3,}\{.*|^:[a-z]+:.*|^\([\w-]+\)=.*", text, flags=re.M) == []


def test_is_a_valid_notebook_that_imports_nothing_of_the_book_s_tools(made):
    nbformat.validate(made)
    for cell in made.cells:
        if cell.cell_type == "code":
            imported = {n.split(".")[0] for node in ast.walk(ast.parse(cell.source)) for n in _names(node)}
            assert not imported & {"myst_nb", "sphinx", "jupyter_book", "jupytext", "otter"}


def _names(node):
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) else []


def test_first_code_cell_installs(made):
    code = [cell.source for cell in made.cells if cell.cell_type == "code"]
    assert not code or code[0] == notebooks.INSTALL


def test_drawing_cells_are_folded_as_on_the_page(made):
    for cell in made.cells:
        assert bool({"hide-input", "remove-input"} & set(cell.metadata.get("tags", []))) == cell.metadata.get(
            "jupyter", {}
        ).get("source_hidden", False)


def test_formulas_need_no_macros(made):
    text = re.sub(r"```.*?```|`[^`\n]*`", "", prose(made), flags=re.S)
    assert set(re.findall(r"\\([A-Za-z]+)", text)) & set(BOOK.macros) == set()


@pytest.mark.parametrize(
    "tex, spelled",
    [
        (r"$\eps x + \norm{x_{\eps}}y$", r"$\varepsilon x + \lVert x_{\varepsilon}\rVert y$"),
        (
            r"$\inner w{\abs{x}}, \norm\eps, \norm v$",
            r"$\langle w,\lvert x\rvert\rangle, \lVert \varepsilon\rVert, \lVert v\rVert$",
        ),
        (r"$\epsdelta\T x$ and `\norm` stay", r"$\epsdelta^{\mathsf{T}} x$ and `\norm` stay"),
    ],
)
def test_macros_are_spelled_out(tex, spelled):
    assert notebooks.spelled_out(tex, BOOK.macros) == spelled


def test_students_get_a_place_to_write_and_lecturers_the_solution(page):
    count = len(re.findall(r"\{solution-start\}", PAGES[page]))
    student, instructor = (notebooks.notebook(BOOK, page, PAGES[page], solutions=full) for full in (False, True))
    checked = checks.answers(checks.module_name(page))
    assert sum(cell.source == notebooks.TODO for cell in student.cells) == count - len(checked)
    for name, stub, answer in checked.values():
        for made, source in ((student, stub), (instructor, answer)):
            code = [cell.source for cell in made.cells if cell.cell_type == "code"]
            assert code[code.index(source) + 1] == f'grader.check("{name}")'
    assert not any(cell.source == notebooks.TODO for cell in instructor.cells)
    assert len(re.findall(r"\*\*Solution", prose(instructor))) >= count
    assert "**Solution of Exercise" not in prose(student)


def test_students_get_no_key_of_a_self_test():
    for page in PAGES:
        if page.endswith("/summary"):
            student, instructor = (
                prose(notebooks.notebook(BOOK, page, PAGES[page], solutions=s)) for s in (False, True)
            )
            asked = re.findall(r"^- \[x\] .*$", instructor, flags=re.M)
            assert asked and "[x]" not in student
            assert student.count("- [ ] ") == instructor.count("- [ ] ") + len(asked)
            assert not [line for line in student.split("\n") if line.startswith("- [ ]") and line.endswith("*")]


def test_reference_to_what_is_not_handed_out_is_plain_text():
    page = "chapters/breakdown/2-a-quarter"
    text = (
        "See {doc}`1-what-breaks`, {prf:ref}`thm-half-distance`, {prf:ref}`t-nosuch`, {doc}`9-nosuch`, {eq}`e-nosuch`."
    )
    said = prose(notebooks.notebook(BOOK, page, text, solutions=False, written={page}))
    assert said == (
        "See What breaks a regression, Theorem 1.2, a statement of another page (t-nosuch), "
        "another page (9-nosuch), (of another page)."
    )


SNIPPET = """# Title

```{prf:theorem} A name
:label: thm-half-distance
See {prf:ref}`thm-half-distance` and {doc}`1-what-breaks`, by {cite:t}`mukherjee2020guarantees`, {glue:text}`k:.2f`.
```

$$
a = b
$$ (bd2-limits)
"""


def test_roles_read_as_text():
    book = contents.Book(**{**vars(BOOK), "values": {"k": 0.5}})
    text = prose(notebooks.notebook(book, "chapters/breakdown/1-what-breaks", SNIPPET, solutions=True))
    assert "**Theorem 1.2 (A name).**" in text
    assert "See Theorem 1.2 and [What breaks a regression](1-what-breaks.ipynb)" in text
    assert "by Mukherjee and Muthukumar [2020], 0.50." in text
    assert "\\tag{2." in text


def test_value_that_was_not_run_is_named():
    assert "(the value of `k`, printed by a cell)" in prose(
        notebooks.notebook(BOOK, "chapters/notation", SNIPPET.replace("1-what", "breakdown/1-what"), solutions=True)
    )


@pytest.mark.parametrize("text", ["```{nosuch}\nx\n```\n", "{nosuch}`x`"])
def test_unknown_markup_stops_instead_of_passing_through(text):
    with pytest.raises(ValueError, match="tools/notebooks.py does not know the"):
        notebooks.notebook(BOOK, "chapters/notation", text, solutions=True)


def test_teaching_pages_list_what_the_book_has():
    for name, marked in course.blocks(BOOK).items():
        text = (ROOT / name).read_text()
        assert course.renewed(text, marked) == text, (
            f"{name} is behind the book: run .venv/bin/python tools/course.py --index"
        )


def test_weeks_of_the_course_hold_what_they_say():
    exercises = {
        label: int(minutes)
        for text in PAGES.values()
        for label, minutes in re.findall(
            r"^:label: (ex-[\w-]+)\n.*?^\*(?:Warm-up|Real|Open-ended)[^*\n]*?(\d+) minutes", text, flags=re.S | re.M
        )
    }
    assignments = {
        path.stem: sum(map(int, re.findall(r"^\*(\d+) minutes", path.read_text(), flags=re.M)))
        for path in ROOT.glob("course/assignments/*.md")
    }
    read = {page: minutes for page, (minutes, _) in course.needs(BOOK).items()}
    table = PAGES["chapters/appendix/lecturers"].split("### A course of twelve weeks")[1]
    rows = [row.strip("| ").split(" | ") for row in re.findall(r"^\| \d+ \|.*", table, flags=re.M)]
    assert [int(row[0]) for row in rows] == list(range(1, 13))
    for week, lecture, in_class, handed_in, own in rows[:-1]:
        pages = re.findall(r"(half of )?\{doc\}`/chapters/([^`]+)`", lecture)
        reading = sum(read.get(page, 0) / (2 if half else 1) for half, page in pages)
        spent, tasks = (
            sum(exercises[label] for label in re.findall(r"\{ref\}`([^`]+)`", cell)) for cell in (in_class, handed_in)
        )
        tasks += sum(assignments[name] for name in re.findall(r"assignment \*(\w+)\*", handed_in))
        assert reading * 4 / 3 <= 95 and spent <= 90, week  # a third more than reading, in 90 minutes
        assert abs(int(own) - reading - tasks) <= 0.5 and int(own) <= 150, (
            f"week {week}: {reading + tasks} minutes of own work"
        )


def test_word_that_is_lost_is_found():
    text = next(iter(PAGES.values()))
    there = page_words(text, solutions=True, macros=BOOK.macros)
    assert lost(there, there) == []
    assert there[100] in lost(there, there[:100] + there[101:])
