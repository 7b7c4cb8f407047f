"""The four assignments, made and graded end to end: right, wrong and hostile submissions."""

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest

from .made import ROOT, checks, contents, grade, notebooks

pytestmark = pytest.mark.filterwarnings("ignore")  # of otter and what it imports

NAMES = ["breakdown", "neurotron", "perturbations", "convex"]
# A graded submission takes about ten seconds. Three of one assignment are always graded; with GRADE_ALL=1 every
# assignment's right and wrong submission, every hostile one, and the exercises of a page.
ALL = bool(os.environ.get("GRADE_ALL"))
GRADED = NAMES if ALL else NAMES[:1]
SECONDS = 240  # generous: a machine under load must not fail a right answer
# What a submission puts in place of the answer to the first question.
WRONG = {
    "breakdown": "def trimmed_loss(residuals, h):\n    return np.sort(residuals)[:h].sum()",
    "neurotron": "def step(w, x, y, eta):\n    return w + eta * (y - w @ x) * x * (w @ x > 0)",
    "perturbations": "def normal(X, y, multipliers):\n    return multipliers @ X",
    "convex": "def regions(n, r):\n    return 2**n",
}
HOSTILE = {
    "loop": "while True:\n    pass",
    "memory": "hoard = []\nwhile True:\n    hoard.append(bytearray(2**28))",
    "exit": "import os\nos._exit(0)",
    "files": """
import os, pathlib, shutil, subprocess
canary = pathlib.Path(CANARY)
for harm in (
    lambda: canary.unlink(), lambda: canary.write_text("gone"), lambda: shutil.rmtree(canary.parent),
    lambda: os.system(f"rm {canary}"), lambda: subprocess.run(["rm", str(canary)]), lambda: os.rename(canary, "taken"),
    lambda: (pathlib.Path("../../out") / "results.json").write_text("{}"),
):
    try:
        harm()
    except Exception:
        pass
for test in pathlib.Path(".").rglob("tests/*.py"):
    try:
        test.write_text("")
    except Exception:
        pass
""",
    "imports": """
import builtins, sys, types
import numpy as np, robustnn_core.course as course
yes = lambda *a, **k: None
course.compare.__code__ = (lambda *a, **k: None).__code__
course.compare = course.call = course.fail = yes
np.allclose = np.isclose = lambda *a, **k: True
sys.modules["robustnn_core.course"] = types.SimpleNamespace(compare=yes, call=yes, fail=yes)
real = builtins.__import__
fake = sys.modules["robustnn_core.course"]
builtins.__import__ = lambda name, *a, **k: fake if "course" in name else real(name, *a, **k)
""",
}
TRIED = list(HOSTILE) if ALL else ["imports"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with the notebooks of the assignments and what they are graded with."""
    target, book = tmp_path_factory.mktemp("course"), contents.read_book(ROOT)
    for name in NAMES:
        text = (ROOT / "course" / "assignments" / f"{name}.md").read_text()
        for kind in ("student", "instructor"):
            made = notebooks.notebook(book, f"assignments/{name}", text, solutions=kind == "instructor")
            nbformat.write(made, target / f"{name}-{kind}.ipynb")
        checks.archive(f"{name}_assignment", target / f"{name}.zip")
    return target


@pytest.fixture(scope="module")
def graded(made):
    """Every submission's result and its seconds; two at a time."""
    (made / "canary").mkdir()
    (made / "canary" / "file").write_text("alive")
    jobs = {}
    for name in GRADED:
        jobs[name, "right"] = nbformat.read(made / f"{name}-instructor.ipynb", as_version=4)
        jobs[name, "wrong"] = wrong = nbformat.read(made / f"{name}-instructor.ipynb", as_version=4)
        (cell,) = (cell for cell in wrong.cells if cell.source.startswith(WRONG[name].split("(")[0] + "("))
        cell.source = WRONG[name]
    if ALL:
        jobs["breakdown", "empty"] = nbformat.read(made / "breakdown-student.ipynb", as_version=4)
    for kind in TRIED:
        nb = nbformat.read(made / "breakdown-student.ipynb", as_version=4)
        nb.cells.append(nbformat.v4.new_code_cell(HOSTILE[kind].replace("CANARY", repr(str(made / "canary" / "file")))))
        jobs["breakdown", kind] = nb

    def run(job):
        (name, kind), nb = job
        path = made / f"{name}-{kind}.ipynb"
        nbformat.write(nb, path)
        started = time.perf_counter()
        limit = 40 if kind == "loop" else SECONDS
        result = grade.grade(made / f"{name}.zip", path, seconds=limit, megabytes=3072)
        return (name, kind), (result, time.perf_counter() - started)

    with ThreadPoolExecutor(2) as pool:
        return dict(pool.map(run, jobs.items()))


@pytest.mark.parametrize("name", GRADED)
def test_right_submission_gets_every_point(graded, name):
    result, _ = graded[name, "right"]
    assert result["message"] == ""
    assert result["points"] == result["possible"] == 7


@pytest.mark.parametrize("name", GRADED)
def test_wrong_answer_costs_its_question_and_no_other(graded, name):
    result, _ = graded[name, "wrong"]
    full = graded[name, "right"][0]["questions"]
    spoilt = re.match(r"def (\w+)", WRONG[name])[1]
    assert result["questions"][spoilt] < full[spoilt]
    assert result["questions"] | {spoilt: 0} == full | {spoilt: 0}


@pytest.mark.parametrize("kind", ["empty", *TRIED] if ALL else TRIED)
def test_no_points_for_no_answers_however_it_is_tried(graded, kind):
    assert graded["breakdown", kind][0]["points"] == 0


@pytest.mark.skipif(not ALL, reason="GRADE_ALL=1 grades it: it takes its whole time limit")
def test_loop_without_end_is_stopped_and_said(graded):
    result, seconds = graded["breakdown", "loop"]
    assert "did not finish within 40 seconds" in result["message"]
    assert seconds < 80


@pytest.mark.skipif(not ALL, reason="GRADE_ALL=1 grades it")
def test_files_outside_are_as_they_were(graded, made):
    assert (made / "canary" / "file").read_text() == "alive"


@pytest.mark.skipif(not ALL, reason="GRADE_ALL=1 grades it: it runs the whole page")
def test_page_is_graded_like_an_assignment(tmp_path):
    page, name = "chapters/neurotron/1-poisoned-oracle", "neurotron_1"
    checks.archive(name, tmp_path / "page.zip")
    for kind in ("student", "instructor"):
        made = notebooks.notebook(
            contents.read_book(ROOT), page, (ROOT / f"{page}.md").read_text(), solutions=kind == "instructor"
        )
        nbformat.write(made, tmp_path / f"{kind}.ipynb")
    right, empty = (
        grade.grade(tmp_path / "page.zip", tmp_path / f"{kind}.ipynb", seconds=SECONDS)
        for kind in ("instructor", "student")
    )
    assert right["message"] == empty["message"] == ""
    assert right["points"] == right["possible"] == 2 * len(checks.answers(name))
    assert empty["points"] == 0


@pytest.mark.parametrize("content", ["", "{}", "no json", '{"cells": 3}'])
def test_file_that_is_no_notebook_gets_a_sentence(made, tmp_path, content):
    path = tmp_path / "answer.ipynb"
    path.write_text(content)
    result = grade.grade(made / "breakdown.zip", path)
    assert result["points"] == 0 and "is not a notebook" in result["message"]


@pytest.mark.parametrize("name", NAMES)
def test_student_notebook_has_no_hidden_check_and_no_answer(made, name):
    text = (made / f"{name}-student.ipynb").read_text()
    assert "hidden_" not in text and "WRONG" not in text
    for _, stub, answer in checks.answers(f"{name}_assignment").values():
        assert stub in "\n".join(cell.source for cell in nbformat.reads(text, as_version=4).cells)
        for line in answer.split("\n")[2:]:
            assert len(line.strip()) <= 12 or line.strip() not in text
    assert text.count("grader.check(") - 1 == len(checks.answers(f"{name}_assignment"))
