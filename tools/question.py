"""Add a question to a page or an assignment, from a template; then fill in what says TODO.

    .venv/bin/python tools/question.py breakdown_assignment my_name as-bd-my-label

The text of the exercise, with its label, stands on the page or in ``course/assignments``.
"""

import re
import sys

import checks

ANSWER = '''def {name}(x):
    """TODO: return what, from what; this is the student's stub."""
    raise NotImplementedError("TODO: the answer")


def hidden_{name}(answer):
    raise NotImplementedError("TODO: what the public check does not show")


'''
PUBLIC = """

def {name}(answer):
    raise NotImplementedError("TODO: one sentence on what is wrong, and not what is right")
"""
WRONG = """WRONG = {{
    "{name}": [  # TODO: at least two answers that one half must refuse
    ],
"""


def add(page, name, label, root=checks.ROOT):
    """Write the two halves of a question into the files of a page."""
    private = root / "course" / "answers" / f"{page}.py"
    public = root / "robustnn_core" / "course" / "checks" / f"{page}.py"
    if not private.exists():
        sys.exit(f"there is no page {page!r}; it must be one of {', '.join(checks.names())}")
    answers, shown = private.read_text(), public.read_text()
    if not name.isidentifier() or f"def {name}(" in answers:
        sys.exit(f"{name!r} is taken on {page}, or is no name of a function")
    first = min(at for mark in ("RIGHT = {", "POINTS = {", "WRONG = {") if (at := answers.find(mark)) >= 0)
    answers = answers[:first] + ANSWER.format(name=name) + answers[first:]
    private.write_text(answers.replace("WRONG = {\n", WRONG.format(name=name), 1))
    listed = re.sub(r"^(EXERCISES = \{.*?)^\}", rf'\1    "{label}": "{name}",\n}}', shown, count=1, flags=re.S | re.M)
    public.write_text(listed + PUBLIC.format(name=name))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    add(*sys.argv[1:])
