"""Public checks of the exercises of *A quarter, not a half*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-bd2-count": "most_survived",
    "ex-bd2-sign": "opposite_unit",
    "ex-bd2-keep": "tied_labels",
    "ex-bd2-noise": "share_noticed",
}


def most_survived(answer):
    def counts(n, d, active):
        found = numbers(call(answer, n, d, active, name="most_survived"), name="most_survived", shape=(2,))
        if (found != np.round(found)).any():
            fail("most_survived must return whole numbers.")
        return found

    m, h = counts(60, 4, 31)
    if m >= 31 / 2:
        fail("m* is too large: with half of the active labels wrong nobody can tell.")
    if m + h > 60:
        fail("m* and h do not fit: more labels are wrong than are trimmed.")
    if h <= 60 - 31:
        fail("h is too small: all kept points may be asleep.")
    compare(counts(80, 4, 31)[0], m, name="m* with twenty sleeping points added", hint="Sleeping points have no vote.")
    compare(
        counts(62, 4, 33)[0],
        m + 1,
        name="m* with two active points added",
        hint="How many new votes are needed for one more lie?",
    )
    compare(
        counts(60, 4, 4)[0],
        0,
        name="m* with only d active points",
        hint="They determine u, and nothing is left over to contradict a lie.",
    )


def opposite_unit(answer):
    rng = np.random.default_rng(1)
    X, u = rng.standard_normal((40, 3)), np.array([1.0, 2.0, -1.0])
    for leak in (0.5, 0.1):
        v = numbers(call(answer, u, leak, name="opposite_unit"), name="opposite_unit", shape=(3,))
        z, truth = X @ v, X @ u
        if ((z > 0) & (truth > 0)).any():
            fail(
                "opposite_unit is active at a point where u is: with the sign turned its label is "
                "negative there, and the truth is positive."
            )
        gap = -np.where(z > 0, z, leak * z) - truth
        compare(
            np.abs(gap[truth > 0]).max(),
            0.0,
            name=f"The largest difference at the active points (leak {leak})",
            hint="Which slope has v at these points?",
        )


def tied_labels(answer):
    rng = np.random.default_rng(2)
    X = rng.standard_normal((100, 3))
    X[:, 0] = np.where(np.arange(100) < 50, 1, -1) * np.abs(X[:, 0])
    u = np.array([1.0, 0.0, 0.0])
    y = numbers(call(answer, X, u, 60, name="tied_labels"), name="tied_labels", shape=(100,))
    for c, who in ((1.0, "the truth"), (0.5, "the impostor")):
        fitted = int(np.isclose(y, c * np.maximum(X @ u, 0)).sum())
        if fitted < 60:
            fail(
                f"Of the labels of tied_labels {who} fits {fitted} of 100 exactly; at h = 60 its trimmed "
                "loss is not zero."
            )


def share_noticed(answer):
    z = np.random.default_rng(3).standard_normal(200)
    at = lambda *a: numbers(call(answer, *a, name="share_noticed"), name="share_noticed")  # noqa: E731
    some = at(z, 0.5, 0.1, 0.02)
    if not -1e-9 <= some <= 1 + 1e-9:
        fail("share_noticed is a share: it lies between 0 and 1.")
    compare(at(z, 1.0, 0.1, 0.0), 0.0, name="share_noticed at c = 1", hint="The two units are the same.")
    compare(
        at(z, 0.5, 0.0, 0.0),
        (z > 0).mean(),
        name="share_noticed without a leak and without noise",
        hint="Sleeping points notice nothing.",
    )
    compare(at(z, 0.5, 0.1, 0.0), 1.0, name="share_noticed with a leak and tau = 0", hint="Differences have a modulus.")
    compare(at(3 * z, 0.5, 0.1, 0.06), some, name="share_noticed with all sizes times three")
    compare(
        at(z, 1.5, 0.1, 0.02),
        some,
        name="share_noticed at c = 1.5 instead of 0.5",
        hint="Only the distance of c from 1 matters.",
    )
