"""Public checks of the exercises of *Partition training*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-bd3-kink": "slope_at_kink",
    "ex-bd3-rank": "regions_suffice",
    "ex-bd3-signs": "pick_pattern",
    "ex-bd3-draws": "draws_needed",
}


def slope_at_kink(answer):
    def at(X, y, u, step):
        return numbers(call(answer, X, y, u, step, name="slope_at_kink"), name="slope_at_kink")

    rng = np.random.default_rng(1)
    X, y, u, step = rng.standard_normal((20, 2)), rng.standard_normal(20), np.array([1.0, 0.0]), np.array([0.3, 2.0])
    one = at(X, y, u, step)
    compare(
        at(X, y, u, 3 * step),
        3 * one,
        name="slope_at_kink along three times the step",
        hint="The slope grows with the length of the step.",
    )
    compare(
        at(X, y, u, -step),
        -one,
        name="slope_at_kink along minus the step, no point on the kink,",
        hint="There the loss is differentiable.",
    )
    single = np.array([[0.0, 1.0]]), np.array([-10.0]), u
    compare(
        at(*single, np.array([0.0, -1.0])),
        0.0,
        name="slope_at_kink for one point on the kink that the step leaves asleep",
    )
    if at(*single, np.array([0.0, 1.0])) <= 0:
        fail(
            "slope_at_kink is not positive for one point on the kink with a negative label that the step "
            "wakes up: its residual grows."
        )


def regions_suffice(answer):
    hint = "Two units are never seen apart."
    for patterns, known, why in (
        (np.eye(3, dtype=int), 1, "Every region shows one unit."),
        (np.array([[1, 1], [1, 1], [1, 1]]), 0, hint),
        (np.array([[1, 0, 0], [0, 1, 0]]), 0, "One unit is awake nowhere."),
    ):
        shown = ", ".join("".join(map(str, row)) for row in patterns.tolist())
        found = call(answer, patterns, name="regions_suffice")
        compare(found, known, name=f"regions_suffice (1 for True) for the patterns {shown}", hint=why)


def pick_pattern(answer):
    rng = np.random.default_rng(2)
    R = rng.standard_normal((3, 20))
    found = numbers(call(answer, R, 15, name="pick_pattern"), name="pick_pattern")
    if found not in (0, 1, 2):
        fail("pick_pattern must return the number of a row: 0, 1 or 2 here.")
    compare(
        call(answer, -10 * R, 15, name="pick_pattern"),
        found,
        name="pick_pattern for residuals of the other sign, ten times as large,",
        hint="The size of a residual has no sign.",
    )
    R[1, :15], R[1, 15:] = 0.0, 1e3
    compare(
        call(answer, R, 15, name="pick_pattern"),
        1,
        name="pick_pattern where the second fit is exact at h points",
        hint="What is trimmed does not count.",
    )
    compare(
        call(answer, R[[1, 0, 2]], 15, name="pick_pattern"), 0, name="pick_pattern with the exact fit in the first row"
    )


def draws_needed(answer):
    def at(d, wrong, miss):
        found = numbers(call(answer, d, wrong, miss, name="draws_needed"), name="draws_needed")
        if found != round(float(found)) or found < 1:
            fail("draws_needed must return a number of draws: a whole number, at least 1.")
        return found

    compare(at(5, 0.0, 0.01), 1, name="draws_needed with no wrong label", hint="Every draw is clean.")
    if not at(2, 0.4, 0.01) < at(4, 0.4, 0.01) < at(8, 0.4, 0.01):
        fail("draws_needed does not grow with d; all d points of a draw must be clean.")
    if not at(4, 0.1, 0.01) < at(4, 0.3, 0.01) < at(4, 0.45, 0.01):
        fail("draws_needed does not grow with the fraction of wrong labels.")
    if not at(6, 0.4, 1e-2) < at(6, 0.4, 1e-4):
        fail("draws_needed does not grow when a miss must be less probable.")
