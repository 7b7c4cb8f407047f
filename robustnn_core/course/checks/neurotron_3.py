"""Public checks of the exercises of *The proof, line by line*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-nt3-parity": "first_step",
    "ex-nt3-attack": "attack_ratio",
    "ex-nt3-uniform": "window_budget",
}


def first_step(answer):
    right, left = (numbers(call(answer, w, name="first_step"), name="first_step") for w in (1.0, -1.0))
    compare(
        call(answer, 3.0, name="first_step"), 3 * right, name="first_step at w* = 3", hint="The ReLU is homogeneous."
    )
    if right <= 0 or left >= 0:
        fail("first_step does not point from 0 towards w*.")
    if np.isclose(right, -left):
        fail("first_step has the same length for w* and -w*; but the law of x is not symmetric.")
    compare(
        right - left,
        1.0,
        name="the step for w* = 1 minus that for w* = -1",
        hint="The two gates share the inputs out, and the mean of their squares is 1.",
    )


def attack_ratio(answer):
    compare(
        call(answer, 1, name="attack_ratio"), 1.0, name="attack_ratio at n = 1", hint="There |u.x| is |x|, exactly."
    )
    found = [float(numbers(call(answer, n, name="attack_ratio"), name="attack_ratio")) for n in (2, 3, 10, 1000)]
    if not np.all(np.diff(found) < 0):
        fail("attack_ratio does not fall with the dimension.")
    if not 0.95 < found[-1] * np.sqrt(1000 * np.pi / 2) < 1.05:
        fail("attack_ratio is not near the square root of 2 / (pi n) for large n.")


def window_budget(answer):
    one = numbers(call(answer, 0.5, 0.1, 2.0, 1, name="window_budget"), name="window_budget")
    compare(
        one**2,
        0.5**2 * 0.1 * 2.0,
        name="the square of window_budget for a single time",
        hint="That is the budget of the theorem.",
    )
    compare(
        call(answer, 1.0, 0.1, 2.0, 5, name="window_budget"),
        2 * np.asarray(call(answer, 0.5, 0.1, 2.0, 5, name="window_budget")),
        name="window_budget with twice the eps",
    )
    if not numbers(call(answer, 0.5, 0.1, 2.0, 3, name="window_budget"), name="window_budget") < one:
        fail("window_budget does not fall with the number of times; more is asked, so less can be stood.")
