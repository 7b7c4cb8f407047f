"""Whatever a student answers, a check ends in silence or in one sentence."""

import time

import numpy as np
import pytest

from robustnn_core import course

RAGGED = [[1.0], [1.0, 2.0]]
BAD = {
    "empty": (None, "still empty"),
    "dots": (..., "still empty"),
    "text": ("abc", "must be an array of numbers"),
    "object": (object(), "must be an array of numbers"),
    "ragged": (RAGGED, "must be an array of numbers"),
    "complex": (np.ones(3) * 1j, "must be an array of numbers"),
    "empty list": ([], "has shape (0,)"),
    "shape": (np.ones((3, 1)), "must have shape (3,)"),
    "nan": ([1.0, np.nan, 1.0], "contains nan"),
    "infinity": ([1.0, np.inf, 1.0], "contains an infinity"),
    "value": ([1.0, 1.0, 0.5], "too small at index (2,)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_answer_gets_a_sentence_that_does_not_give_the_answer(name):
    answer, part = BAD[name]
    with pytest.raises(course.Wrong) as caught:
        course.compare(answer, np.full(3, 1.0), name="w")
    message = str(caught.value)
    assert part in message and message.endswith(".") and "1.0" not in message


class Evil:
    def __array__(self, *_, **__):
        raise RuntimeError("no")

    def __eq__(self, other):
        return True


def test_answer_that_lies_about_itself():
    with pytest.raises(course.Wrong, match="Evil"):
        course.compare(Evil(), 1.0, name="w")


def stops():
    raise KeyError("x")


def interrupted():
    raise KeyboardInterrupt


class Leaves:
    def __array__(self, *_, **__):
        raise SystemExit


@pytest.mark.parametrize(
    ("function", "part"),
    [
        (None, "still empty"),
        (..., "still empty"),
        (3, "must be a function"),
        (lambda: None, "returned nothing"),
        (stops, "stopped with KeyError"),
        (lambda x: x, "stopped with TypeError"),
        (interrupted, "interrupted"),
        (lambda: input(), "cannot ask"),
    ],
)
def test_bad_function_gets_a_sentence(function, part):
    with pytest.raises(course.Wrong, match=part):
        course.call(function, name="f")


def test_exit_does_not_end_the_kernel(monkeypatch):
    class Shell:
        def ask_exit(self):
            pytest.fail("the kernel would end")

    shell = Shell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    with pytest.raises(course.Wrong, match="SystemExit"):
        course.call(lambda: shell.ask_exit(), name="f")
    assert "ask_exit" not in vars(shell)


def test_number_that_leaves_gets_a_sentence():
    with pytest.raises(course.Wrong, match="SystemExit"):
        course.check("breakdown_assignment", "trimmed_loss", lambda residuals, h: Leaves())


def test_loop_without_end_is_stopped():
    def forever():
        while True:
            pass

    started = time.perf_counter()
    with pytest.raises(course.Wrong, match="did not return within 1 seconds"):
        course.call(forever, name="f", seconds=1)
    assert time.perf_counter() - started < 5


def test_answer_cannot_change_the_arguments():
    X = np.ones(3)
    course.call(lambda x: x.fill(0.0) or 1, X, name="f")
    assert X.sum() == 3
