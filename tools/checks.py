"""The checks of the exercises: what a student's notebook shows of them, and what a lecturer grades with.

Each page and each assignment with checks has two modules of one name. ``robustnn_core/course/checks`` has the
public checks; ``course/answers``, which is not in the package, has for each answer NAME

* a function NAME, the answer: its first line and its docstring are the student's stub,
* a function ``hidden_NAME``, what else is checked when it is graded,
* in ``WRONG``, answers that one of the two must refuse, and in ``POINTS`` the points of a hidden check (else 1).
"""

import ast
import importlib.util
import json
import re
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


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


def title(name):
    """Return the title of a page or an assignment."""
    part, _, page = name.rpartition("_")
    (path,) = [
        *(ROOT / "course" / "assignments").glob(f"{part}.md" if page == "assignment" else "-"),
        *(ROOT / "chapters" / part).glob(f"{page}-*.md" if page != "assignment" else "-"),
    ]
    return re.search(r"^# (.*)$", path.read_text(), flags=re.M)[1]


def archive(name, target):
    """Write what ``tools/grade.py`` grades with: which answers, their points, and the hidden checks of a page."""
    module, source = load(name), hidden(name)
    points = {answer: [1, getattr(module, "POINTS", {}).get(answer, 1)] for answer, _, _ in answers(name).values()}
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("questions.json", json.dumps({"page": name, "title": title(name), "questions": points}, indent=1))
        out.writestr("hidden.py", source)
