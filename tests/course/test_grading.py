"""Grading end to end: right, wrong, accidental and hostile submissions, tables, feedback, other tools' files."""

import csv
import functools
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import nbformat
import numpy as np
import pytest

from .hostile import BESIDE, NOTHING, RIGHT
from .made import ROOT, checks, confine, contents, examiner, grade, grade_many, gradebook, notebooks, pupil, submission

pytestmark = pytest.mark.filterwarnings("ignore")  # of IPython and what it imports

NAMES = ["breakdown", "neurotron", "perturbations", "convex"]
ALL = bool(os.environ.get("GRADE_ALL"))  # with it, the exercises of every page are graded too
SECONDS = 240  # generous: a machine under load must not fail a right answer
# What a submission puts in place of the answer to the first question.
WRONG = {
    "breakdown": "def trimmed_loss(residuals, h):\n    return np.sort(residuals)[:h].sum()",
    "neurotron": "def step(w, x, y, eta):\n    return w + eta * (y - w @ x) * x * (w @ x > 0)",
    "perturbations": "def multipliers(X, y, w):\n    return X @ w",
    "convex": "def most_points(budget, r):\n    return r",
}

FIRST = {"trimmed_loss": 2, "survived": 0, "attack": 0, "votes": 0}  # what RIGHT earns


def write(path, cells, **metadata):
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, path)
    return path


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


def graded(archive, paths, **options):
    return {path.stem: result for path, result in grade_many.grade_all(archive, paths, **options)}


def points(result):
    return {name: q["public"] + q["hidden"] for name, q in result["questions"].items()}


# ---------------------------------------------------------------- honest


@pytest.fixture(scope="module", params=NAMES)
def honest(request, made):
    name = request.param
    right = nbformat.read(made / f"{name}-instructor.ipynb", as_version=4)
    for cell in right.cells:
        if cell.source.startswith(WRONG[name].split("(")[0] + "("):
            cell.source = WRONG[name]
    nbformat.write(right, made / f"{name}-wrong.ipynb")
    found = graded(
        made / f"{name}.zip",
        [made / f"{name}-{kind}.ipynb" for kind in ("instructor", "student", "wrong")],
        seconds=SECONDS,
        jobs=1,
    )
    return name, {stem.split("-")[1]: result for stem, result in found.items()}


def test_right_submission_gets_every_point_and_a_stub_none(honest):
    _, found = honest
    assert found["instructor"]["message"] == found["student"]["message"] == ""
    assert found["instructor"]["points"] == found["instructor"]["possible"] == 9
    assert found["student"]["points"] == 0
    assert all("returned nothing" in q["public_said"] for q in found["student"]["questions"].values())


def test_wrong_answer_costs_its_question_and_no_other(honest):
    name, found = honest
    wrong, right = points(found["wrong"]), points(found["instructor"])
    spoilt = re.match(r"def (\w+)", WRONG[name])[1]
    assert wrong[spoilt] < right[spoilt]
    assert wrong | {spoilt: 0} == right | {spoilt: 0}


ACCIDENTS = {  # cells after the right answer to the first question, of a notebook that earns 2 of 9
    "a kernel of another name": [],
    "a cell that fails": ["1 / 0", "nosuch"],
    "a syntax error": ["def survived(X, u, counts)\n    return 1"],
    "magics and the shell": ["%matplotlib inline", "import matplotlib.pyplot as p\np.plot([1]); p.show()", "!ls"],
    "asks": ["input('your name? ')"],
    "exits": ["exit()"],
    "an answer that is a number": ["survived = 3"],
    "prints and draws": ["print('x' * 1000)", "np.random.seed(0)", "display(3)"],
    "the package missing elsewhere": ["import torch_that_nobody_has"],
    "its own check": [
        "from robustnn_core import course\ngrader = course.grader('breakdown_assignment')",
        "grader.check('trimmed_loss')",
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def accidents(made):
    folder = made / "accidents"
    for label, cells in ACCIDENTS.items():
        kernel = {"name": "myenv", "display_name": "my own", "language": "python"}
        write(folder / f"{label}.ipynb", [RIGHT, *cells], kernelspec=kernel)
    (folder / "with a mark.ipynb").write_bytes(b"\xef\xbb\xbf" + (folder / "asks.ipynb").read_bytes())
    return graded(made / "breakdown.zip", sorted(folder.glob("*.ipynb")), seconds=SECONDS, jobs=1)


@pytest.mark.parametrize("label", [*ACCIDENTS, "with a mark"])
def test_accident_costs_an_honest_student_nothing(accidents, label):
    assert points(accidents[label]) == FIRST, accidents[label]
    assert accidents[label]["message"] == ""
    assert "without having been run" in accidents[label]["notes"][0]


def test_the_wrong_assignment_is_named(made):
    (result,) = graded(made / "convex.zip", [made / "breakdown-instructor.ipynb"], seconds=SECONDS).values()
    assert result["points"] == 0
    assert (
        "No answer of this assignment found: it asks for most_points, patterns, objective, decay." in result["message"]
    )


@pytest.mark.parametrize("content", ["", "{}", "no json", '{"cells": 3}', '{"cells": [3]}', "[" * 10**5, "\xff"])
def test_file_that_is_no_notebook_gets_a_sentence(tmp_path, content):
    path = tmp_path / "answer.ipynb"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(ValueError, match="is not a notebook; hand in the .ipynb file"):
        submission.read(path)


@pytest.mark.skipif(not ALL, reason="GRADE_ALL=1 grades it: it runs whole pages")
@pytest.mark.parametrize("name", [name for name in checks.names() if not name.endswith("assignment")])
def test_page_is_graded_like_an_assignment(tmp_path, name):
    part, number = name.split("_")
    (path,) = (ROOT / "chapters" / part).glob(f"{number}-*.md")
    checks.archive(name, tmp_path / "page.zip")
    for kind in ("student", "instructor"):
        page = str(path.relative_to(ROOT).with_suffix(""))
        made = notebooks.notebook(contents.read_book(ROOT), page, path.read_text(), solutions=kind == "instructor")
        nbformat.write(made, tmp_path / f"{kind}.ipynb")
    found = graded(tmp_path / "page.zip", sorted(tmp_path.glob("*.ipynb")), seconds=SECONDS)
    assert found["instructor"]["message"] == found["student"]["message"] == ""
    assert found["instructor"]["points"] == found["instructor"]["possible"], found["instructor"]
    assert found["student"]["points"] == 0


# ---------------------------------------------------------------- hostile


@pytest.fixture(scope="module")
def heard():
    """UDP and TCP at one port of this machine, and what arrived."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        udp.bind(("127.0.0.1", 0))
        tcp.bind(("127.0.0.1", udp.getsockname()[1]))
        tcp.listen()
        udp.settimeout(0)
        tcp.settimeout(0)
        yield udp, tcp


@pytest.fixture(scope="module")
def hostile(made, heard):
    canary = made / "canary" / "file"
    canary.parent.mkdir()
    canary.write_text("alive")
    words = {
        "CANARY": repr(str(canary)),
        "ANSWERS": repr(str(ROOT / "course/answers")),
        "PORT": str(heard[0].getsockname()[1]),
    }
    folder, paths = made / "hostile", []
    for kind, cell in (*NOTHING.items(), *BESIDE.items()):
        for word, value in words.items():
            cell = cell.replace(word, value)
        paths.append(write(folder / f"{kind}.ipynb", [RIGHT, cell] if kind in BESIDE else [cell]))
    paths.append(write(folder / "last.ipynb", [RIGHT]))  # the batch goes on to the end
    return graded(made / "breakdown.zip", paths, seconds=20, megabytes=1536, jobs=3)  # most of them wait for their end


@pytest.mark.parametrize("kind", NOTHING)
def test_no_points_for_no_answers_however_it_is_tried(hostile, kind):
    result = hostile[kind]
    assert result["points"] == 0
    said = [result["message"], *(q["public_said"] for q in result["questions"].values())]
    assert any(said) and all(len(sentence) <= 500 and sentence.isprintable() for sentence in said)


@pytest.mark.parametrize("kind", [*BESIDE, "last"])
def test_what_was_earned_stays_and_nothing_more(hostile, kind):
    assert points(hostile[kind]) == FIRST, hostile[kind]


@pytest.mark.parametrize("kind", [*NOTHING, *BESIDE])
def test_this_machine_confines(hostile, kind):
    if kind not in ("exit", "loop", "except", "memory", "forged"):  # they left no report
        assert hostile[kind].get("confined") == ""


def test_nothing_outside_was_written_or_heard(hostile, heard, made):
    assert (made / "canary" / "file").read_text() == "alive"
    assert [p.name for p in (made / "canary").iterdir()] == ["file"]
    assert not os.path.exists("/tmp/made-by-a-submission")
    for listener, hear in zip(heard, (lambda udp: udp.recv(10), lambda tcp: tcp.accept())):
        with pytest.raises(BlockingIOError):
            hear(listener)


def test_loops_are_stopped_and_said(hostile):
    assert "did not finish within 20 seconds" in hostile["loop"]["message"]
    assert "did not finish within 20 seconds" in hostile["except"]["message"]
    said = hostile["C loop"]["questions"]["survived"]["public_said"]
    assert said.startswith("survived did not return within 10 seconds")
    assert "ended its own process" in hostile["exit"]["message"]


def test_a_killed_examiner_costs_one_submission(made, monkeypatch):
    """Where a machine cannot confine, a submission may end its examiner: the others are graded, and it is said."""
    desk = grade_many.Desk(made / "breakdown.zip", {"seconds": 60, "megabytes": 2048, "layers": list(examiner.LAYERS)})
    page = grade_many.questions(made / "breakdown.zip")
    path = write(made / "killer" / "a.ipynb", [RIGHT])
    assert desk.grade(path, page)["points"] == 2
    os.kill(desk.run.pid, signal.SIGKILL)
    desk.run.wait()
    line = desk._line
    assert desk.grade(path, page)["points"] == 2  # a new one
    monkeypatch.setattr(desk, "_line", lambda seconds: line(300) if seconds == 300 else None)
    assert "ended the examiner" in desk.grade(path, page)["message"]
    desk.close()


@pytest.mark.parametrize("done, said", [(set(), "files"), ({"files", "signals", "processes"}, "network")])
def test_a_machine_that_cannot_confine_says_so(done, said):
    assert said in confine.missing(done) and "cannot confine" in confine.missing(done)
    assert confine.missing({"files", "network", "processes", "signals"}) == ""


@pytest.mark.parametrize("left_out", ["namespaces", "calls"])
def test_without_a_layer_the_rest_still_grades(made, left_out):
    layers = [layer for layer in examiner.LAYERS if layer != left_out]
    path = write(made / "layers" / f"{left_out}.ipynb", [RIGHT, BESIDE["exit in an answer"]])
    (result,) = graded(made / "breakdown.zip", [path], layers=layers, seconds=SECONDS).values()
    assert points(result) == FIRST


# ---------------------------------------------------------------- plain data


def test_every_answer_and_argument_travels_as_it_is():
    """What the checks give and what right answers return: the same value comes out at the other end."""
    for page in checks.names():
        module = checks.load(page)
        for name, _, source in checks.answers(page).values():
            scope, seen = {"np": np}, []
            exec(source, scope)

            def spy(*arguments, answer=scope[name], seen=seen):
                seen.append((*(a for a in arguments if not callable(a)), answer(*arguments)))
                return seen[-1][-1]

            getattr(module, f"hidden_{name}")(spy)
            for value in sum(seen[:20], ()):
                np.testing.assert_equal(pupil.value_of(json.loads(json.dumps(pupil.plain(value)))), value)


def test_a_function_among_the_arguments_is_asked_for_its_values(tmp_path):
    checks.archive("convex_2", tmp_path / "page.zip")
    (source,) = (s for _, (name, _, s) in checks.answers("convex_2").items() if name == "count_essential")
    path = write(tmp_path / "a.ipynb", ["import numpy as np", source])
    (result,) = graded(tmp_path / "page.zip", [path], seconds=SECONDS).values()
    assert points(result)["count_essential"] == 2, result


@pytest.mark.parametrize(
    "data",
    [
        ["a", "O", [1], ""],
        ["a", "<f8", [2**40], ""],
        ["a", "<f8", [-1], ""],
        ["a", "<f8", ["x"], ""],
        ["a", "V8", [1], "AAAAAAAAAAA="],
        ["z"],
        [],
        [[]],
        {"value": 1},
        "text",
        ["i", "zz"],
        ["f", "0x1", "0x0"],
        ["t", 3],
        ["d", [[["l", []], 1]]],
        functools.reduce(lambda deep, _: ["l", [deep]], range(20), 1),
    ],
)
def test_what_is_no_plain_data_is_refused(data):
    with pytest.raises((ValueError, TypeError, ZeroDivisionError)):
        pupil.value_of(data)


# ---------------------------------------------------------------- tables and feedback


@pytest.fixture(scope="module")
def batch(made):
    """Twenty submissions as Moodle packs them, graded by the command; the folder, and what it printed."""
    folder = made / "batch"
    full = [
        c.source
        for c in nbformat.read(made / "breakdown-instructor.ipynb", as_version=4).cells
        if c.cell_type == "code"
    ]
    stub = [
        c.source for c in nbformat.read(made / "breakdown-student.ipynb", as_version=4).cells if c.cell_type == "code"
    ]
    truth = {}
    for number in range(20):
        cells, earned = [(full, 9), ([RIGHT], 2), (stub, 0), ([NOTHING["frames"]], 0), ([RIGHT, BESIDE["pidfd"]], 2)][
            number % 5
        ]
        path = folder / f"Ada Æ. O'Hara {number}_{100 + number}_assignsubmission_file" / "breakdown.ipynb"
        write(path, cells)
        truth[str(100 + number)] = earned
    (folder / "worksheet.csv").write_text(
        "\ufeffIdentifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,"
        "Last modified (grade),Feedback comments\r\n"
        + "".join(f'Participant {100 + n},"O\'Hara, Ada {n}",a{n}@x.org,Submitted,,7.00,Yes,-,\r\n' for n in range(20))
        + 'Participant 999,"Nobody, N",n@x.org,No submission,,7.00,Yes,-,\r\n',
        newline="",
    )
    command = [
        sys.executable, "tools/grade.py", made / "breakdown.zip", folder, "--csv", folder / "grades.csv", "--feedback",
        folder / "feedback", "--pattern", r"_(?P<student>\d+)_assignsubmission", "--fill", folder / "worksheet.csv",
    ]  # fmt: skip
    run = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return folder, truth, command, run.stdout


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_table_tells_the_truth(batch):
    folder, truth, _, said = batch
    rows = table(folder / "grades.csv")
    assert {row["student"]: float(row["points"]) for row in rows} == truth
    assert [row["student"] for row in rows] == [p.parent.name.split("_")[1] for p in sorted(folder.rglob("*.ipynb"))]
    assert list(rows[0]) == [
        "student", "file", "digest", "points", "possible", "trimmed_loss public", "trimmed_loss hidden",
        "survived public", "survived hidden", "attack public", "attack hidden", "votes public", "votes hidden",
        "reason", "notes",
    ]  # fmt: skip
    assert all(bool(row["reason"]) == (row["points"] == "0") for row in rows)
    assert said.count(" of 9 (") == 20


def test_feedback_is_one_page_for_each(batch):
    folder, truth, _, _ = batch
    pages = {path.stem: path.read_text() for path in (folder / "feedback").glob("*.html")}
    assert set(pages) == set(truth)
    assert "<strong>9 of 9</strong>" in pages["100"] and "returned nothing" in pages["102"]
    assert "Assignment 1: how many wrong labels?" in pages["100"]


def test_moodle_worksheet_is_filled_in_and_nothing_else_changed(batch):
    folder, truth, _, _ = batch
    before, after = table(folder / "worksheet.csv"), table(folder / "worksheet-filled.csv")
    assert [row["Email address"] for row in before] == [row["Email address"] for row in after]
    for row in after:
        number = row["Identifier"].removeprefix("Participant ")
        assert row["Grade"] == (f"{truth[number]:g}" if number in truth else "")
    assert "returned nothing" in after[2]["Feedback comments"]


def test_resume_grades_only_what_is_new_or_changed(batch):
    folder, truth, command, _ = batch
    (changed,) = folder.glob("*_101_*/breakdown.ipynb")
    write(changed, [RIGHT.replace("**2", "")])
    rows = table(folder / "grades.csv")
    (folder / "grades.csv").write_text("".join((folder / "grades.csv").read_text().splitlines(keepends=True)[:15]))
    run = subprocess.run([*map(str, command), "--resume", "--jobs", "1"], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout.count(" of 9 (") == 20 - 14 + 1
    after = table(folder / "grades.csv")
    assert [row["student"] for row in after] == [row["student"] for row in rows]
    assert {row["student"]: float(row["points"]) for row in after} == truth | {"101": 0}


def test_lines_are_there_as_soon_as_they_are_known(made, tmp_path):
    fast, slow = write(tmp_path / "a.ipynb", [RIGHT]), write(tmp_path / "b.ipynb", ["while True:\n    pass"])
    command = ["tools/grade.py", made / "breakdown.zip", fast, slow, "--csv", tmp_path / "g.csv", "--jobs", "1"]
    run = subprocess.Popen([sys.executable, *map(str, command)], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert run.stdout.readline().decode().startswith(f"{fast}: 2 of 9")
        assert [row["student"] for row in table(tmp_path / "g.csv")] == ["a"]
    finally:
        run.send_signal(signal.SIGINT)
        run.wait(timeout=30)


GRADEBOOK = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Assignment 1 (4711),Final Score\n"
    "    Points Possible,,,,,7,\n"
    '"Lovelace, Ada",17,s17,ada,A,,\n'
    '"Byron, George",18,s18,byron,A,3,\n'
)


def test_canvas_gradebook_is_filled_in():
    rows = [{"student": "ada", "points": "5", "reason": ""}]
    lines = list(csv.reader(io.StringIO(gradebook.filled(GRADEBOOK, rows, column="Assignment 1"))))
    assert [line[5] for line in lines] == ["Assignment 1 (4711)", "7", "5", "3"]
    assert lines[0] == next(csv.reader([GRADEBOOK.splitlines()[0]]))
    with pytest.raises(ValueError, match="column: the gradebook has 0 columns called 'Assignment 2'"):
        gradebook.filled(GRADEBOOK, rows, column="Assignment 2")
    with pytest.raises(ValueError, match="neither a Moodle"):
        gradebook.filled("a,b\n", rows)


def test_a_name_cannot_be_a_formula_or_leave_the_folder(made, tmp_path):
    page = grade_many.questions(made / "breakdown.zip")
    path = write(tmp_path / "=cmd()|x.ipynb", ["1"])
    result = examiner.empty(page, "<script>alert(1)</script>")
    assert gradebook.row(path, path.stem, result)["student"].startswith("'=")
    assert "<script>" not in gradebook.feedback(page, "<b>", result, hidden=True)
    with pytest.raises(SystemExit, match="two files for x"):
        grade.students([tmp_path / "a" / "x.ipynb", tmp_path / "b" / "x.ipynb"], None)


def test_archive_has_hidden_checks_and_no_answer():
    for name in checks.names():
        source = checks.hidden(name)
        assert "WRONG" not in source
        scope = {}
        exec(source, scope)
        for answer, _, _ in checks.answers(name).values():
            assert callable(scope[f"hidden_{answer}"]) and f"def {answer}(" not in source


@pytest.mark.parametrize("name", NAMES)
def test_student_notebook_has_no_hidden_check_and_no_answer(made, name):
    text = (made / f"{name}-student.ipynb").read_text()
    assert "hidden_" not in text and "WRONG" not in text
    for _, stub, answer in checks.answers(f"{name}_assignment").values():
        assert stub in "\n".join(cell.source for cell in nbformat.reads(text, as_version=4).cells)
        assert answer not in text


@pytest.mark.skipif(not ALL, reason="GRADE_ALL=1 measures it")
def test_sixty_submissions_take_four_minutes_at_most(made, tmp_path):
    paths = []
    for number in range(60):
        cells = [
            cell.source
            for cell in nbformat.read(made / "neurotron-instructor.ipynb", as_version=4).cells
            if cell.cell_type == "code"
        ]
        paths.append(write(tmp_path / f"{number}.ipynb", cells))
    started = time.perf_counter()
    found = graded(made / "neurotron.zip", paths)
    assert all(result["points"] == 9 for result in found.values())
    assert time.perf_counter() - started < 240
