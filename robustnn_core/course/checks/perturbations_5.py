"""Public checks of the exercises of *Where the theorem stops*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-pt5-between": "window_ends",
    "ex-pt5-biased": "kappa_needed",
    "ex-pt5-open": "has_pattern",
}


def window_ends(answer):
    def ends(gamma, N):
        found = numbers(call(answer, gamma, N, name="window_ends"), name="window_ends", shape=(3,))
        if not 0 < found[0] < 1 < found[1] < 2 < found[2]:
            fail("window_ends must give the end of the window at 0, then both ends of the window around 2.")
        return found

    found = ends(0.9, 10)
    compare(
        found[0] + found[1],
        2.0,
        name="the sum of the first two of window_ends",
        hint="Below 2 the condition depends on kappa (2 - kappa) only.",
    )
    if not (ends(0.6, 10)[0] < found[0] and ends(0.6, 10)[2] < found[2]):
        fail("window_ends does not get wider with gamma.")
    few, small = ends(0.9, 2), ends(0.1, 10**6)
    if not (few[0] < found[0] and few[2] > found[2]):
        fail(
            "window_ends: with fewer points the first window must be smaller and the other reach further; "
            "look at the last factor of (K5)."
        )
    compare(
        [small[0] / (0.1**3 / 6), (small[2] - 2) / (0.1**3 / 6)],
        np.ones(2),
        name="the half widths of window_ends over gamma^3/6, for a small leak,",
        tol=1e-3,
    )


def kappa_needed(answer):
    def kappa(beta):
        return numbers(call(answer, beta, name="kappa_needed"), name="kappa_needed")

    compare(kappa(0.0), 1.0, name="kappa_needed without any true label", hint="Those are the flips.")
    compare(kappa(0.5), 2.0, name="kappa_needed for coins", hint="The page has this case.")
    if not kappa(0.2) < kappa(0.3) < kappa(0.7):
        fail(
            "kappa_needed must grow with the share of true labels: they do not support the net that learns the lesson."
        )


def has_pattern(answer):
    def holds(gamma, kappa):
        found = numbers(call(answer, gamma, kappa, name="has_pattern"), name="has_pattern")
        if found not in (0, 1):
            fail("has_pattern is neither True nor False.")
        return bool(found)

    for gamma in (0.5, 0.7, 0.9):
        if not all(holds(gamma, kappa) for kappa in (0.1, 0.8, 1.3, 2.0, 5.0)):
            fail(
                f"has_pattern is False for the leak {gamma}; the proposition says that it is True for all kappa there."
            )
    if not holds(0.1, 0.01) or not holds(0.1, 4.0):
        fail(
            "has_pattern is False for the leak 0.1 and a tiny or a large kappa; "
            "write down both inequalities of the proof for such a kappa."
        )
    if all(holds(0.05, kappa) for kappa in np.linspace(0.5, 2.0, 16)):
        fail(
            "has_pattern is True for the leak 0.05 and all kappa; "
            "that leak is too small to keep the weakest point on its side."
        )
