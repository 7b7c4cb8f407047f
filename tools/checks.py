"""The checks of the exercises: what a student's notebook shows of them, and what a lecturer grades with.

Each page and each assignment with checks has two modules of one name. ``robustnn_core/course/checks`` has the
public checks; ``course/answers``, which is not in the package, has for each answer NAME

* a function NAME, the answer: its first line and its docstring are the student's stub,
* a function ``hidden_NAME``, what else is checked when it is graded,
* in ``WRONG``, answers that one of the two must refuse, in ``RIGHT``, others that both must accept (where there are
  other ways than a style), and in ``POINTS`` the points of a hidden check (else 1).
"""

import ast
import contextlib
import importlib.util
import io
import json
import re
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A question as otter-grader reads it.
QUESTION = """\
from otter.test_files import test_case

{source}

from robustnn_core import course

OK_FORMAT = False
name = "{name}"
points = {points}


@test_case(points=1)
def test_public({name}):
    course.check("{page}", "{name}", {name})


@test_case(points={hidden}, hidden=True)
def test_hidden({name}):
    hidden_{name}({name})
"""


def module_name(page):
    """Return the name of a page's modules: ``breakdown_1`` for ``chapters/breakdown/1-what-breaks``."""
    folder, name = Path(page).parent.name, Path(page).name
    return f"{name}_assignment" if folder == "assignments" else f"{folder}_{name.split('-')[0]}"


def names():
    """Return the names of all modules with checks."""
    return sorted(path.stem for path in (ROOT / "course" / "answers").glob("*.py"))


def load(name, folder="course/answers"):
    """Return a module with the answers (``course/answers``) or the public checks (``robustnn_core/course/checks``)."""
    spec = importlib.util.spec_from_file_location(f"{folder.split('/')[-1]}_{name}", ROOT / folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answers(name):
    """Return ``{label: (answer's name, stub, answer)}`` of a page, the last two as source; empty without checks."""
    if not (ROOT / "course" / "answers" / f"{name}.py").exists():
        return {}
    text = (ROOT / "course" / "answers" / f"{name}.py").read_text()
    found = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    lines = text.split("\n")
    return {
        label: (
            answer,
            "\n".join([*lines[found[answer].lineno - 1 : found[answer].body[0].end_lineno], "    ..."]),
            "\n".join(lines[found[answer].lineno - 1 : found[answer].end_lineno]),
        )
        for label, answer in load(name, "robustnn_core/course/checks").EXERCISES.items()
    }


def missing():
    """Return what is missing of questions, a sentence each: a half, an answer, a wrong answer, the exercise itself."""
    said, texts = [], [*ROOT.glob("chapters/*/*.md"), *ROOT.glob("course/assignments/*.md")]
    asked = {label for path in texts for label in re.findall(r"^:label: ([\w-]+)$", path.read_text(), flags=re.M)}
    for name in names():
        public, private = load(name, "robustnn_core/course/checks"), load(name)
        for label, answer in public.EXERCISES.items():
            for module, half in ((public, answer), (private, answer), (private, f"hidden_{answer}")):
                if not callable(getattr(module, half, None)):
                    said.append(f"{name}: {half} is not in {Path(module.__file__).relative_to(ROOT)}")
            if len(private.WRONG.get(answer, ())) < 2:
                said.append(f"{name}: WRONG has fewer than two wrong answers to {answer}")
            if label not in asked:
                said.append(f"{name}: no page has the exercise {label}")
        folder = ROOT / "course" / "answers" / f"{name}.py"
        for path in (folder, ROOT / "robustnn_core" / "course" / "checks" / f"{name}.py"):
            if "TODO" in path.read_text():
                said.append(f"{name}: {path.relative_to(ROOT)} has a TODO")
        for half in set(re.findall(r"^def hidden_(\w+)", folder.read_text(), flags=re.M)) - set(
            public.EXERCISES.values()
        ):
            said.append(f"{name}: hidden_{half} belongs to no exercise of EXERCISES")
    return said


def hidden(name):
    """Return the source of a page's hidden checks: what stands beside its answers, and no answer, right or wrong."""
    text = (ROOT / "course" / "answers" / f"{name}.py").read_text()
    left_out = {answer for answer, _, _ in answers(name).values()} | {"WRONG", "POINTS", "RIGHT"}
    kept = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign):
            names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        else:
            names = {getattr(node, "name", "")}
        if not names & left_out:
            kept.append("\n".join(text.split("\n")[node.lineno - 1 : node.end_lineno]))
    return "\n\n\n".join(kept[1:]) + "\n"  # the first is the docstring


def points(name):
    """Return ``{answer: [points of the public check, points of the hidden one]}`` of a page."""
    more = getattr(load(name), "POINTS", {})
    return {answer: [1, more.get(answer, 1)] for answer, _, _ in answers(name).values()}


def title(name):
    """Return the title of a page or an assignment."""
    part, _, page = name.rpartition("_")
    (path,) = [
        *(ROOT / "course" / "assignments").glob(f"{part}.md" if page == "assignment" else "-"),
        *(ROOT / "chapters" / part).glob(f"{page}-*.md" if page != "assignment" else "-"),
    ]
    return re.search(r"^# (.*)$", path.read_text(), flags=re.M)[1]


def archive(name, target, wheel=None):
    """Write what a page is graded with: which answers, their points, and the hidden checks.

    ``tools/grade.py`` reads the first two files. With the package's ``wheel`` the archive is also one for otter-grader
    (``otter run``, ``otter grade``, Gradescope) and needs nothing else: tests, wheel, requirements.
    """
    source, asked = hidden(name), points(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("questions.json", json.dumps({"page": name, "title": title(name), "questions": asked}, indent=1))
        out.writestr("hidden.py", source)
        if wheel is not None:
            for member, content in otter_members(name, source, asked).items():
                out.writestr(member, content)
            out.write(wheel, f"files/{wheel.name}")


def otter_members(name, source, asked):
    """Return ``{member: content}`` of an archive for otter-grader, all but the wheel."""
    sys.modules["rfc3987_syntax"] = None  # seconds to import, for a format that no notebook has
    import otter
    from otter.generate import main as generate

    needed = requirements()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        folder = Path(folder)
        for answer, (_, more) in asked.items():
            question = QUESTION.format(name=answer, page=name, source=source, hidden=more, points=1 + more)
            (folder / f"{answer}.py").write_text(question)
        (folder / "requirements").write_text("\n".join(needed))
        (folder / "config").write_text(json.dumps({"plugins": ["robustnn_core.course.kernel.AnyKernel"]}))
        generate(
            tests_dir=str(folder),
            output_path=str(folder / "made.zip"),
            config=str(folder / "config"),
            requirements=str(folder / "requirements"),
            no_environment=True,
            python_version="3.11",
        )
        with zipfile.ZipFile(folder / "made.zip") as made:
            members = {member: made.read(member).decode() for member in made.namelist()}
    # in a container the environment is made before the wheel is there
    run = "python /autograder/source/run_otter.py"
    assert run in members["run_autograder"]
    install = "python -m pip install --quiet --no-deps --no-index /autograder/source/files/robustnn_core-*.whl"
    members["run_autograder"] = members["run_autograder"].replace(run, f"{install}\n{run}")
    needed = [f"otter-grader[grading,plugins]=={otter.__version__}", *needed]
    return members | {"requirements.txt": "\n".join(needed) + "\n"}


def requirements():
    """Return the package's dependencies at the versions of ``requirements.lock``."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.match(r"[\w-]+", line)[0] for line in wanted}
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    return [line for line in lock if re.match(r"[\w-]+", line) and re.match(r"[\w-]+", line)[0] in names]
