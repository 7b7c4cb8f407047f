"""Public checks of the exercises of *Breakdown curves of ReLU nets*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-bd5-trials": "trials_needed",
    "ex-bd5-parallel": "split_step",
    "ex-bd5-antipodal": "quiet_moves",
    "ex-bd5-own": "tilted_labels",
    "ex-bd5-three": "noticed_share",
    "ex-bd5-thin": "hopeless_coverage",
}


def trials_needed(answer):
    def at(p):
        T = numbers(call(answer, p, name="trials_needed"), name="trials_needed")
        if T != round(float(T)) or T < 1:
            fail("trials_needed must return a whole number, at least 1.")
        return T

    compare(at(0.02), 1, name="trials_needed at p = 0.02", hint="One success is already surprising.")
    if at(0.8) <= at(0.5):
        fail("trials_needed does not grow with p.")
    if 0.9 ** at(0.9) > 0.05:
        fail(
            "trials_needed is too small at p = 0.9: so many successes in a row happen to a method of that "
            "quality in more than one case of twenty."
        )
    if 0.9 ** (at(0.9) - 2) < 0.02:
        fail("trials_needed is too large at p = 0.9: fewer successes would do.")


def split_step(answer):
    rng = np.random.default_rng(1)
    X, u, v = rng.standard_normal((50, 3)), np.array([1.0, -1.0, 0.5]), np.array([0.0, 1.0, 2.0])
    eps = numbers(call(answer, X, u, v, name="split_step"), name="split_step")
    if eps <= 0:
        fail("split_step must return a positive number.")
    halves = np.maximum(X @ (u + eps * v), 0) + np.maximum(X @ (u - eps * v), 0)
    differ = int((np.abs(halves - 2 * np.maximum(X @ u, 0)) > 1e-12).sum())
    if differ != 1:
        fail(
            f"With the eps of split_step the two nets differ at {differ} design points and not at one; the "
            f"step is too {'large' if differ else 'small'}."
        )


def quiet_moves(answer):
    rng = np.random.default_rng(2)
    V = rng.standard_normal((3, 2))
    c = numbers(call(answer, V, name="quiet_moves"), name="quiet_moves", shape=(6, 2))
    if np.abs(c).max() < 1e-6:
        fail("quiet_moves moves no unit.")
    awake = rng.standard_normal((300, 2)) @ np.vstack([V, -V]).T > 0
    if np.abs(awake @ c).max() > 1e-9 * np.abs(c).max():
        fail(
            "The moves of the active units do not cancel at some x. Exactly one of v_k and -v_k is "
            "active; which one depends on x."
        )


def tilted_labels(answer):
    rng = np.random.default_rng(3)
    X, u, v = rng.standard_normal((60, 3)), np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 1.0])
    clean, wanted = (np.maximum(X @ w, 0) for w in (u, u + v))
    compare(
        call(answer, X, u, v, 0, name="tilted_labels"),
        clean,
        name="tilted_labels with m = 0",
        hint="Nothing may change.",
    )
    y = numbers(call(answer, X, u, v, 10, name="tilted_labels"), name="tilted_labels", shape=(60,))
    changed = ~np.isclose(y, clean, rtol=1e-9, atol=1e-12)
    if changed.sum() != 10:
        fail(
            f"tilted_labels changes {int(changed.sum())} labels with a budget of 10; a label that stays "
            "the same is wasted."
        )
    compare(
        y[changed],
        wanted[changed],
        name="the changed part of tilted_labels",
        hint="The lies come from the tilted unit.",
    )
    if np.median(np.abs(y - clean)[changed]) > np.median(np.abs(wanted - clean)[wanted != clean]):
        fail("tilted_labels changes labels where the change is easy to see.")


def noticed_share(answer):
    def at(U, c):
        return numbers(call(answer, np.array(U), np.array(c), name="noticed_share"), name="noticed_share")

    right_angle = [[1.0, 0.0], [0.0, 2.0]]
    compare(
        at(right_angle, [1.0, 0.0]),
        0.5,
        name="noticed_share of one moving unit",
        tol=2e-3,
        hint="It is awake on a half plane.",
    )
    compare(
        at(right_angle, [1.0, 1.0]),
        0.75,
        name="noticed_share of two equal moves of orthogonal units",
        tol=2e-3,
        hint="Both are asleep on a quarter of the plane.",
    )
    compare(at([[1.0, 0.0], [-3.0, 0.0]], [0.0, 0.0]), 0.0, name="noticed_share of no move")
    U, c = [[1.0, 0.2], [-0.3, 1.0], [-1.0, -1.0]], [1.0, -1.0, 2.0]
    some = at(U, c)
    compare(
        at(5 * np.array(U), c),
        some,
        name="noticed_share of units five times as long",
        tol=2e-3,
        hint="Who is awake does not depend on lengths.",
    )
    compare(at(U, -3 * np.array(c)), some, name="noticed_share of the move times -3", tol=2e-3)


def hopeless_coverage(answer):
    right, small, half = (
        numbers(call(answer, angle, name="hopeless_coverage"), name="hopeless_coverage") for angle in (90.0, 20.0, 10.0)
    )
    if not -1e-9 <= right <= 1 + 1e-9:
        fail("hopeless_coverage is a share of the points, between 0 and 1.")
    if small <= right:
        fail(
            "hopeless_coverage must be larger for 20 degrees than for 90: the nearer the units, the more "
            "labels the impostor gets right."
        )
    compare(
        1 - half,
        (1 - small) / 2,
        name="1 - hopeless_coverage at 10 degrees, given that at 20,",
        hint="Half the angle, half the wedge.",
    )
