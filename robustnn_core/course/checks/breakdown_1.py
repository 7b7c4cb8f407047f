"""Public checks of the exercises of *What breaks a regression*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-bd1-median": "copies_survive",
    "ex-bd1-lad": "half_of_length",
    "ex-bd1-ols-start": "trap_from_ols",
}


def copies_survive(answer):
    for n in (1, 2, 7, 10):
        found = numbers(call(answer, n, name="copies_survive"), name="copies_survive", shape=(2,))
        if (found != np.round(found)).any():
            fail("copies_survive must return whole numbers.")
        distance, survived = found
        if not 1 <= distance <= n:
            fail(
                f"The distance from copies_survive cannot be right for n = {n}: it counts points, and two "
                "different functions differ somewhere."
            )
        if survived >= distance / 2:
            fail(
                f"The number of labels survived is too large for n = {n}: with so many the nearest other "
                "constant explains the labels as well."
            )
        if survived + 1 < distance / 2:
            fail(f"The number of labels survived is too small for the distance that copies_survive returns (n = {n}).")


def half_of_length(answer):
    rng = np.random.default_rng(1)
    X, v = rng.standard_normal((50, 3)), np.array([1.0, -2.0, 0.5])
    found = numbers(call(answer, X, v, name="half_of_length"), name="half_of_length")
    if found != round(float(found)) or not 1 <= found <= 50:
        fail("half_of_length must return a number of points: a whole number from 1 to n.")
    hint = "Only the shares of the sum matter."
    compare(call(answer, 3 * X, v, name="half_of_length"), found, name="half_of_length of a larger design", hint=hint)
    compare(
        call(answer, X[::-1].copy(), v, name="half_of_length"),
        found,
        name="half_of_length of the same points in another order",
        hint="Take the best points.",
    )
    compare(
        call(answer, X, -v, name="half_of_length"), found, name="half_of_length of -v", hint="Lengths have no sign."
    )
    giant = np.vstack([X, 1e6 * X[:1]])
    compare(
        call(answer, giant, v, name="half_of_length"),
        1,
        name="half_of_length with one giant point",
        hint="The points with the largest share come first.",
    )
    compare(
        call(answer, np.repeat(v[None], 8, axis=0), v, name="half_of_length"),
        4,
        name="half_of_length of eight equal points",
        hint="Each of them has an eighth.",
    )


def trap_from_ols(answer):
    z = np.random.default_rng(2).standard_normal(300)
    y = numbers(call(answer, z, 90, name="trap_from_ols"), name="trap_from_ols", shape=(300,))
    if (y != 0).sum() > 90:
        fail("trap_from_ols changes more than m labels; all labels that are not touched are 0.")
    w = z @ y / (z @ z)
    for _ in range(100):
        kept = np.argsort(np.abs(y - w * z), kind="stable")[:210]
        w = z[kept] @ y[kept] / (z[kept] @ z[kept])
    if abs(w) < 1e-6:
        fail(
            "TORRENT still finds w = 0 when 30 % of the labels are yours. Which points pull hardest at "
            "the first fit, and which lies survive the trimming?"
        )
