"""The four assignments, made and graded end to end: right, wrong and hostile submissions."""

import os
import re
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import grade  # noqa: E402

otter = pytest.importorskip("otter")
from otter.test_files.exception_test import ExceptionTestFile  # noqa: E402

NAMES = ["breakdown", "neurotron", "perturbations", "convex"]
# A graded submission takes about ten seconds. Three of one assignment are always graded; with GRADE_ALL=1 every
# assignment's right and wrong submission, and every hostile one. Each solution meets its checks in any case.
ALL = bool(os.environ.get("GRADE_ALL"))
GRADED = NAMES if ALL else NAMES[:1]
SECONDS = 240  # generous: a machine under load must not fail a right answer

# What a submission puts in place of the answer to one question, of each assignment.
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
builtins.__import__ = lambda name, *a, **k: sys.modules["robustnn_core.course"] if "course" in name else real(name, *a, **k)
""",
}
TRIED = list(HOSTILE) if ALL else ["imports"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    import subprocess

    target = tmp_path_factory.mktemp("course")
    program = "import sys; sys.path.insert(0, 'tools'); import assignments; from pathlib import Path; assignments.main(Path(sys.argv[1]))"
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", program, str(target)], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return target


@pytest.fixture(scope="module")
def graded(made):
    """Every submission's result and its seconds; two at a time."""
    (made / "canary").mkdir()
    (made / "canary" / "file").write_text("alive")
    jobs = {}
    for name in GRADED:
        right = nbformat.read(made / "grading" / f"{name}-solution.ipynb", as_version=4)
        jobs[name, "right"] = right
        wrong = nbformat.from_dict(right)
        function = re.match(r"def (\w+)", WRONG[name])[1]
        wrong = nbformat.reads(nbformat.writes(right), as_version=4)
        for cell in wrong.cells:
            if cell.cell_type == "code" and cell.source.startswith(f"def {function}("):
                cell.source = WRONG[name]
        jobs[name, "wrong"] = wrong
    if ALL:
        jobs["breakdown", "empty"] = nbformat.read(made / "assignments" / "breakdown.ipynb", as_version=4)
    for kind in TRIED:
        source = HOSTILE[kind]
        nb = nbformat.read(made / "assignments" / "breakdown.ipynb", as_version=4)
        nb.cells.append(nbformat.v4.new_code_cell(source.replace("CANARY", repr(str(made / "canary" / "file")))))
        jobs["breakdown", kind] = nb

    def run(job):
        (name, kind), nb = job
        path = made / f"{name}-{kind}.ipynb"
        nbformat.write(nb, path)
        started = time.perf_counter()
        limit = 40 if kind == "loop" else SECONDS
        result = grade.grade(made / "grading" / f"{name}.zip", path, seconds=limit, megabytes=3072)
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
    assert result["questions"]["q1"] < full["q1"]
    assert {q: result["questions"][q] for q in ("q2", "q3")} == {q: full[q] for q in ("q2", "q3")}


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


@pytest.mark.parametrize("name", NAMES)
def test_checks_accept_the_solution_and_refuse_the_wrong_answer(made, name):
    """The same checks as in the grading, in this process: seconds instead of a kernel each."""
    env = {"__name__": "submission"}
    cells = nbformat.read(made / "grading" / f"{name}-solution.ipynb", as_version=4).cells
    for cell in cells:
        if cell.cell_type == "code" and "find_spec" not in cell.source:
            exec("\n".join(line for line in cell.source.split("\n") if not re.search("otter|grader", line)), env)
    with zipfile.ZipFile(made / "grading" / f"{name}.zip") as archive:
        tests = [archive.read(test).decode() for test in archive.namelist() if re.fullmatch(r"tests/\w+\.py", test)]
    assert len(tests) == 3

    def points():
        files = [ExceptionTestFile.from_string(test) for test in tests]
        for test in files:
            test.run(env)
        return {test.name: test.score for test in files}

    full = points()
    assert sum(full.values()) == 7
    exec(WRONG[name], env)
    wrong = points()
    assert wrong["q1"] < full["q1"]


@pytest.mark.parametrize("content", ["", "{}", "no json", '{"cells": 3}'])
def test_file_that_is_no_notebook_gets_a_sentence(made, tmp_path, content):
    path = tmp_path / "answer.ipynb"
    path.write_text(content)
    result = grade.grade(made / "grading" / "breakdown.zip", path)
    assert result["points"] == 0 and "is not a notebook" in result["message"]


def hidden(name):
    """Names of the hidden tests of an assignment, from its source."""
    text = (ROOT / "assignments" / f"{name}.md").read_text()
    return re.findall(r"hidden: true\n.*?END TEST CONFIG\ndef (\w+)", text, flags=re.S)


@pytest.mark.parametrize("name", NAMES)
def test_student_notebook_has_no_hidden_test_and_no_solution(made, name):
    text = (made / "assignments" / f"{name}.ipynb").read_text()
    cells = "\n".join(cell.source for cell in nbformat.reads(text, as_version=4).cells)
    source = (ROOT / "assignments" / f"{name}.md").read_text()
    assert len(hidden(name)) == 3
    assert not [test for test in hidden(name) if test in text]
    for solution in re.findall(r"# BEGIN SOLUTION\n(.*?)# END SOLUTION\n```", source, flags=re.S):
        for line in solution.strip().split("\n"):
            if line.strip().startswith("return") and len(line.strip()) > 12:
                assert line.strip() not in text
    assert len(re.findall(r"^grader\.check\(", cells, flags=re.M)) == 3


def test_every_question_has_a_public_and_a_hidden_check():
    for name in NAMES:
        text = (ROOT / "assignments" / f"{name}.md").read_text()
        for question in text.split("# BEGIN QUESTION")[1:]:
            assert len(re.findall(r"^def test_", question, flags=re.M)) == 2
            assert question.count("hidden: true") == 1
