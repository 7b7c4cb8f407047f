"""Public checks of the exercises of *What the report gets wrong, and what is still open*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-bd6-singular": "singular_count",
    "ex-bd6-convex": "chord_breakers",
    "ex-bd6-walk": "can_go",
}


def singular_count(answer):
    one, two = (numbers(call(answer, k, name="singular_count"), name="singular_count") for k in (1, 2))
    if (one, two) != (round(float(one)), round(float(two))):
        fail("singular_count must return a whole number.")
    compare(one, 1, name="singular_count at k = 1", hint="The only singular number is 0.")
    if two < 7:
        fail("singular_count is too small at k = 2: seven matrices have a row of zeros, and others are singular too.")
    if two >= 15:
        fail("singular_count is too large at k = 2: the unit matrix and the one with its rows exchanged are regular.")
    compare(
        two % 2,
        0,
        name="the remainder of singular_count at k = 2 after division by two",
        hint="Exchanging the rows pairs the regular matrices, and there are 16 in all.",
    )


def chord_breakers(answer):
    for y in (2.0, -2.0):
        z = numbers(call(answer, y, name="chord_breakers"), name="chord_breakers", shape=(2,))
        at = [(np.maximum(t, 0) - y) ** 2 for t in (z[0], z[1], z.mean())]
        if (z != 0).any() and at[2] <= (at[0] + at[1]) / 2 + 1e-12:
            fail(
                f"At y = {y:g} the numbers of chord_breakers do not show that the loss is not convex: in "
                "their middle it is below the chord, or on it."
            )
        if y > 0 and (z == 0).all():
            fail(
                f"At y = {y:g} there are such numbers. Draw the loss as a function of z, and look at its "
                "slope on both sides of 0."
            )


def can_go(answer):
    patterns = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]])
    found = numbers(call(answer, patterns, name="can_go"), name="can_go", shape=(4,))
    if not np.isin(found, (0, 1)).all():
        fail("can_go must return True or False for every region.")
    compare(
        found,
        [1, 0, 0, 0],
        name="can_go (1 for True) for 000, 100, 110, 111",
        hint="A row of zeros adds nothing to the rank, and every other one is needed here.",
    )
    order = [2, 0, 3, 1]
    compare(
        call(answer, patterns[order], name="can_go"),
        found[order],
        name="can_go (1 for True) for the same regions in another order",
    )
    triangle = np.array([[1, 0], [1, 1], [0, 1]])
    if not numbers(call(answer, triangle, name="can_go"), name="can_go", shape=(3,)).any():
        fail("can_go finds no region to leave out of 10, 11, 01; but there is one row more than the rank.")
