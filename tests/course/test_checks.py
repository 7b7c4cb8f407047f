"""The checks of the exercises: they accept the answer, refuse wrong ones, and say why whatever they are given."""

import ast
import re
import shutil
import sys
import time
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from robustnn_core import course

from .made import ROOT, checks, question_tool

PAGES = {
    checks.module_name(path.with_suffix("")): path
    for path in [*ROOT.glob("chapters/*/[0-9]*.md"), *ROOT.glob("course/assignments/*.md")]
}
QUESTIONS = [(page, name) for page in checks.names() for name, _, _ in checks.answers(page).values()]


def fails(**_):
    raise RuntimeError("two\nlines")


BAD = {
    "nothing": None,
    "dots": ...,
    "number": 3.0,
    "text": "3",
    "returns nothing": lambda *a: None,
    "returns nan": lambda *a: float("nan"),
    "returns text": lambda *a: "many",
    "returns a complex number": lambda *a: 1j,
    "returns a dict": lambda *a: {},
    "returns a ragged list": lambda *a: [[1.0], [1.0, 2.0]],
    "returns another shape": lambda *a: np.zeros((7, 1, 3)),
    "returns an array of nan": lambda *a: np.full(3, np.nan),
    "returns a pair of nothing": lambda *a: (None, None),
    "returns its argument": lambda *a: a[0],
    "takes no argument": lambda: 0.0,
    "raises": fails,
    "leaves": lambda *a: sys.exit("bye"),
    "asks": lambda *a: float(input()),
}


@pytest.fixture(scope="module", params=QUESTIONS, ids=lambda question: "-".join(question))
def question(request):
    return request.param


def answer(page, name):
    """The answer as it stands in the lecturer's notebook: it may use ``np`` and what it imports itself."""
    (source,) = (source for other, _, source in checks.answers(page).values() if other == name)
    scope = {"np": np}
    exec(source, scope)
    return scope[name]


def test_every_part_has_an_assignment_and_every_page_checks_two_answers():
    for page, path in PAGES.items():
        assert len(checks.answers(page)) >= (3 if "assignment" in page else 2), (
            f"{path.name}: write its checks, see tools/checks.py"
        )
    assert set(checks.names()) == set(PAGES)


@pytest.mark.parametrize(
    "path",
    [path for page, path in PAGES.items() if "assignment" not in page],
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_every_page_asks_on_three_levels_and_says_how_long(path):
    text = path.read_text()
    asked = re.findall(r"\{exercise-start\}.*\n:label: ([\w-]+)\n(?:`{3,}|:{3,})\n+(.*)", text)
    levels = [re.match(r"\*(Warm-up|Real|Open-ended)(?: \(research\))?, \d+ minutes\.\*", first) for _, first in asked]
    assert all(levels), [label for (label, _), level in zip(asked, levels, strict=True) if level is None]
    assert {level[1] for level in levels} == {"Warm-up", "Real", "Open-ended"}
    assert sorted(re.findall(r"\{solution-start\} ([\w-]+)", text)) == sorted(label for label, _ in asked)


def test_answer_meets_both_checks(question):
    page, name = question
    course.check(page, name, answer(page, name))
    getattr(checks.load(page), f"hidden_{name}")(answer(page, name))


def test_wrong_answers_are_refused(question):
    page, name = question
    module = checks.load(page)
    assert len(module.WRONG[name]) >= 2
    for index, wrong in enumerate(module.WRONG[name]):
        try:
            course.check(page, name, wrong)
            getattr(module, f"hidden_{name}")(wrong)
        except (course.Wrong, AssertionError):
            continue
        pytest.fail(f"wrong answer {index} to {name} passed both checks")


def styled(value, leaf):
    """Return an answer's value with every number or array in it written differently."""
    return tuple(styled(v, leaf) for v in value) if isinstance(value, tuple) else leaf(value)


def other_sum(value):
    """As if the numbers had been added up in another order; whole numbers are exact."""
    value = np.asarray(value, dtype=float)
    return np.asarray(np.where(value == np.round(value), value, value * (1 + 1e-13)), order="F")


def one_array(value):
    """Arrays, and one stacked array where the parts have one shape."""
    if isinstance(value, tuple) and len({np.shape(v) for v in value}) == 1:
        return np.array(value)
    return styled(value, np.asarray)


def in_lists(value):
    found = styled(value, lambda v: np.asarray(v).tolist())
    return list(found) if isinstance(found, tuple) else found


STYLES = {
    "lists": in_lists,
    "one array": one_array,
    "floats that are added up in another order": lambda value: styled(value, other_sum),
    "exact numbers": lambda value: styled(value, lambda v: Fraction(float(v)) if np.ndim(v) == 0 else v),
}


@pytest.mark.parametrize("style", STYLES)
def test_right_answers_of_another_style_meet_both_checks(question, style):
    page, name = question
    right = answer(page, name)

    def other(*arguments):
        value = right(*arguments)
        return STYLES[style](value)

    course.check(page, name, other)
    getattr(checks.load(page), f"hidden_{name}")(other)


def test_other_right_answers_meet_both_checks(question):
    page, name = question
    for other in getattr(checks.load(page), "RIGHT", {}).get(name, []):
        course.check(page, name, other)
        getattr(checks.load(page), f"hidden_{name}")(other)


def test_hidden_check_adds_to_the_public_one(question):
    """Something that the public check lets through is refused: who fits the visible check alone gets no more points."""
    page, name = question
    module, right = checks.load(page), answer(page, name)
    seen = []

    def spy(*arguments):
        seen.append(repr(arguments))
        return right(*arguments)

    course.check(page, name, spy)
    visible = set(seen)
    seen.clear()
    getattr(module, f"hidden_{name}")(spy)
    assert set(seen) - visible


CONSTANT = {
    "0": lambda *a: 0.0,
    "1": lambda *a: 1.0,
    "a pair of zeros": lambda *a: (0.0, 0.0),
    "zeros": lambda *a: np.zeros_like(np.asarray(a[0], dtype=float)),
    "ones": lambda *a: np.ones_like(np.asarray(a[0], dtype=float)),
    "the last argument": lambda *a: a[-1],
}


@pytest.mark.parametrize("kind", CONSTANT)
@pytest.mark.filterwarnings("ignore")  # a check divides by what was returned
def test_no_point_for_what_does_not_look_at_the_question(question, kind):
    page, name = question
    with pytest.raises(course.Wrong):
        course.check(page, name, CONSTANT[kind])
    with pytest.raises(Exception):  # noqa: B017  (the hidden half may stumble)
        getattr(checks.load(page), f"hidden_{name}")(CONSTANT[kind])


@pytest.mark.parametrize("kind", BAD)
def test_whatever_the_answer_the_check_says_a_sentence(question, kind):
    page, name = question
    with pytest.raises(course.Wrong) as said:
        course.check(page, name, BAD[kind])
    sentence = str(said.value)
    assert 20 < len(sentence) < 400 and "\n" not in sentence and sentence.endswith(".")
    assert said.value.__cause__ is None


def test_stub_says_what_to_return_and_is_not_the_answer(question):
    page, name = question
    ((label, stub, source),) = (
        (label, stub, source) for label, (other, stub, source) in checks.answers(page).items() if other == name
    )
    scope = {}
    exec(stub, scope)
    assert ast.get_docstring(ast.parse(stub).body[0]), "the docstring tells a student what to return"
    assert stub != source and stub.endswith("    ...")
    with pytest.raises(course.Wrong, match="returned nothing"):
        course.check(page, name, scope[name])
    assert PAGES[page].read_text().count(f":label: {label}\n") == 1


def test_no_half_of_a_question_is_missing():
    assert checks.missing() == []


def test_a_question_from_the_template_is_complete_but_for_what_it_says(tmp_path, monkeypatch):
    for folder in ("course", "robustnn_core/course", "chapters"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("api", "*.pyc"))
    question_tool.add("convex_assignment", "width_of", "as-cx-width", root=tmp_path)
    monkeypatch.setattr(checks, "ROOT", tmp_path)
    (_, stub, _) = checks.answers("convex_assignment")["as-cx-width"]
    assert stub.startswith("def width_of(x):")
    assert {line.split(": ", 1)[1] for line in checks.missing()} == {
        "WRONG has fewer than two wrong answers to width_of",
        "no page has the exercise as-cx-width",
        "course/answers/convex_assignment.py has a TODO",
        "robustnn_core/course/checks/convex_assignment.py has a TODO",
    }
    private = tmp_path / "course" / "answers" / "convex_assignment.py"
    private.write_text(private.read_text().replace("def hidden_width_of", "def forgotten"))
    assert "convex_assignment: hidden_width_of is not in course/answers/convex_assignment.py" in checks.missing()


def test_name_of_the_answer_is_free_on_its_page(question):
    page, name = question
    code = re.findall(
        r"^(?:`{3,}|:{3,})\{code-cell\}[^\n]*\n(.*?)^(?:`{3,}|:{3,})$", PAGES[page].read_text(), flags=re.S | re.M
    )
    code = [re.sub(r"\A---\n.*?\n---\n", "", cell, flags=re.S) for cell in code]
    tree = ast.parse("\n".join(re.sub(r"^:.*$", "", cell, flags=re.M) for cell in code))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
    }
    assert name not in used, "a student's answer would replace what the page uses"
    assert "import numpy as np\n" in "\n".join(code)


def test_package_has_no_hidden_check_and_no_answer():
    for path in (ROOT / "robustnn_core" / "course" / "checks").glob("*.py"):
        text = path.read_text()
        assert "hidden_" not in text and "WRONG" not in text
    for page, name in QUESTIONS:
        body = answer_lines(page, name)
        public = (ROOT / "robustnn_core" / "course" / "checks" / f"{page}.py").read_text()
        assert not [line for line in body if line in public]


def answer_lines(page, name):
    (source,) = (source for other, _, source in checks.answers(page).values() if other == name)
    return [line.strip() for line in source.split("\n")[2:] if len(line.strip()) > 25]


def test_page_without_checks_is_named():
    with pytest.raises(ValueError, match="page: there are no checks for 'nosuch_1'"):
        course.grader("nosuch_1")


def test_grader_says_the_sentence_and_nothing_else():
    page, name = QUESTIONS[0]
    grader = course.grader(page)
    scope = {name: None, "grader": grader}
    said = eval(f"grader.check({name!r})", scope)
    assert repr(said) == f"{name} is still empty; replace the dots by your code."
    scope[name] = answer(page, name)
    assert repr(eval(f"grader.check({name!r})", scope)) == f"{name}: public checks passed."
    with pytest.raises(ValueError, match=f"name: {page} has no answer 'nosuch'; it asks for {name}"):
        grader.check("nosuch")


@pytest.mark.parametrize(
    "value, said",
    [
        (float("nan"), "contains nan"),
        (float("inf"), "division by zero, or for an overflow"),
        (10**400, "look for an overflow"),
        ([1, "2"], "is a list; it must be"),
    ],
)
def test_a_number_that_is_none_is_told_why(value, said):
    with pytest.raises(course.Wrong, match=said):
        course.numbers(value, name="w", shape=(2,) if isinstance(value, list) else ())


def test_exact_numbers_are_numbers():
    third = course.numbers([Fraction(1, 3), Decimal("0.5"), 10**20], name="w", shape=(3,))
    np.testing.assert_array_equal(third, [1 / 3, 0.5, 1e20])


def test_what_is_too_slow_is_told_about_time():
    with pytest.raises(course.Wrong, match="within 1 seconds. If it is right, it is too slow"):
        course.call(lambda: time.sleep(5), name="f", seconds=1)
