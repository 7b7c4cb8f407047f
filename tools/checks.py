"""The checks of the exercises: what a student's notebook shows of them, and what a lecturer grades with.

Each page and each assignment with checks has two modules of one name. ``robustnn_core/course/checks`` has the
public checks; ``course/answers``, which is not in the package, has for each answer NAME

* a function NAME, the answer: its first line and its docstring are the student's stub,
* a function ``hidden_NAME``, what else is checked when it is graded,
* in ``WRONG``, answers that one of the two must refuse, and in ``POINTS`` the points of a hidden check (else 1).
"""

import ast
import contextlib
import importlib.util
import io
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
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


def archive(name, target):
    """Write what ``tools/grade.py`` grades with: the public and the hidden checks of a page, as otter reads them."""
    sys.modules["rfc3987_syntax"] = None  # seconds to import, for a format that no notebook has
    from otter.generate import main as generate

    module, source = load(name), (ROOT / "course" / "answers" / f"{name}.py").read_text().strip()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        for answer, _, _ in answers(name).values():
            hidden = getattr(module, "POINTS", {}).get(answer, 1)
            (Path(folder) / f"{answer}.py").write_text(
                QUESTION.format(name=answer, page=name, source=source, hidden=hidden, points=1 + hidden)
            )
        generate(tests_dir=folder, output_path=str(target), no_config=True, no_requirements=True, no_environment=True)
