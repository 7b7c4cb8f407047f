"""Public checks of the exercises of *Against FGSM and PGD training*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-cx5-fgsm": "attacked_points",
    "ex-cx5-gates": "robust_value",
    "ex-cx5-both": "keeps_its_pattern",
}


def attacked_points(answer):
    q, e = np.array([2.0, -0.5, 1.0]), np.array([0.1, 0.3, 0.0])
    X, y = np.array([[1.0, 1.0, 1.0], [-1.0, 0.5, 1.0]]), np.array([1.0, -1.0])
    moved = numbers(call(answer, q, X, y, e, name="attacked_points"), name="attacked_points", shape=(2, 3))
    if (np.abs(moved - X) > e + 1e-12).any():
        fail(
            "attacked_points leaves the box; "
            "a step as long as the gradient is another attack, and the bias does not move."
        )
    if (y * (moved @ q) >= y * (X @ q)).any():
        fail("attacked_points raises the margin of a point: the adversary wants it small, for either label.")
    if (np.abs(moved - X)[:, :2] < e[:2] - 1e-12).any():
        fail("attacked_points does not go to a corner: every input can be moved further at a profit.")
    compare(call(answer, q, X, y, 0 * e, name="attacked_points"), X, name="attacked_points with an empty box")


def robust_value(answer):
    rng = np.random.default_rng(7)
    X, y, D = (
        np.column_stack([rng.standard_normal((6, 2)), np.ones(6)]),
        rng.choice([-1.0, 1.0], 6),
        rng.random((6, 4)) > 0.4,
    )
    V, none, e = rng.standard_normal((3, 4)), np.zeros((3, 4)), np.array([0.2, 0.1, 0.0])

    def value(*arguments):
        return numbers(call(answer, X, y, D, *arguments, name="robust_value"), name="robust_value")

    compare(
        value(none, none, e, 0.1),
        1.0,
        name="robust_value of the zero net",
        hint="The hinge loss is a mean over the points.",
    )
    compare(
        value(V, V, e, 0.0),
        1.0,
        name="robust_value with v = w and beta = 0",
        hint="What cancels cannot be attacked: the program charges the joint slope q_k.",
    )
    if value(V, none, e, 0.0) <= value(V, none, 0 * e, 0.0):
        fail("robust_value does not grow with the box.")
    once, twice = (value(V, V, e, beta) for beta in (1.0, 2.0))
    compare(twice - once, once - 1.0, name="what beta adds to robust_value", hint="It is linear in beta.")
    compare(
        value(V, none, e, 0.0), value(2 * V, V, e, 0.0), name="robust_value with the same v added to v and w, beta = 0,"
    )


def keeps_its_pattern(answer):
    X, e = np.array([[1.0, 1.0], [-1.0, 1.0]]), np.array([0.5, 0.0])
    units = np.array([[1.0, 0.0], [1.0, 0.9], [-1.0, -0.8], [0.0, 1.0], [0.0, -1.0]])
    got = numbers(call(answer, X, units, e, name="keeps_its_pattern"), name="keeps_its_pattern", shape=(5,))
    if not np.isin(got, (0, 1)).all():
        fail("keeps_its_pattern must hold True and False.")
    compare(
        got[3:], [1, 1], name="keeps_its_pattern for units that are all bias", hint="No move of an input changes them."
    )
    compare(got[0], 1, name="keeps_its_pattern for a unit that bends between the boxes")
    compare(
        got[1:3],
        [0, 0],
        name="keeps_its_pattern for units that bend inside a box",
        hint="Some move switches the unit, even if it is right at every point itself.",
    )
    compare(
        call(answer, X, 7 * units, e, name="keeps_its_pattern"),
        got,
        name="keeps_its_pattern with longer units",
        hint="Their length does not matter.",
    )
    compare(
        call(answer, X, units, 0 * e, name="keeps_its_pattern"), np.ones(5), name="keeps_its_pattern with an empty box"
    )
