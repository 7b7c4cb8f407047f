"""Public checks of the exercises of *The poisoned oracle*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-nt1-constant": "mean_error",
    "ex-nt1-parity": "mean_update",
    "ex-nt1-blind": "blind_limit",
    "ex-nt1-matching": "matching_loss",
    "ex-nt1-few": "push_kept",
}


def mean_error(answer):
    start = np.array([2.0, -1.0])
    compare(call(answer, start, 0.1, 1.0, 0, name="mean_error"), start, name="mean_error after 0 steps")
    one, two = (
        numbers(call(answer, start, 0.1, 1.0, t, name="mean_error"), name="mean_error", shape=(2,)) for t in (1, 2)
    )
    if not (np.abs(one) < np.abs(start)).all():
        fail("mean_error does not shrink in one step.")
    compare(
        two,
        one**2 / start,
        name="mean_error after 2 steps, given one step,",
        hint="Every step multiplies by the same factor.",
    )
    compare(
        call(answer, start, 0.1, 2.0, 1, name="mean_error"),
        start - 4 * (start - one),
        name="mean_error with sigma = 2",
        hint="The pull grows with the variance of the inputs.",
    )


def mean_update(answer):
    rng = np.random.default_rng(1)
    X, w, truth = 1 + rng.standard_normal((50, 2)), np.array([0.5, 1.0]), np.array([1.0, -1.0])
    at_truth = call(answer, X, truth, truth, name="mean_update")
    compare(at_truth, np.zeros(2), name="mean_update at w = w*", hint="There every honest label is met.")
    here = numbers(call(answer, X, w, truth, name="mean_update"), name="mean_update", shape=(2,))
    compare(
        call(answer, X, 2 * w, 2 * truth, name="mean_update"), 2 * here, name="mean_update with both filters doubled"
    )
    compare(
        call(answer, np.vstack([X, X]), w, truth, name="mean_update"),
        here,
        name="mean_update with every input twice",
        hint="It is a mean.",
    )
    if (w - truth) @ here > 0:
        fail("mean_update leads away from w*; mind the sign.")
    shut = X[(X @ w > 0) & (X @ truth < 0)]
    if not np.any(numbers(call(answer, shut, truth, w, name="mean_update"), name="mean_update", shape=(2,))):
        fail("mean_update stands still where the gate of w is shut; that is gradient descent, not Neuro-Tron.")


def blind_limit(answer):
    v = np.array([0.6, 0.8])
    one = numbers(call(answer, 1.0, 1.0, v, name="blind_limit"), name="blind_limit", shape=(2,))
    compare(one / np.linalg.norm(one), v, name="the direction of blind_limit", hint="The lie pushes along v.")
    compare(call(answer, 3.0, 1.0, v, name="blind_limit"), 3 * one, name="blind_limit with three times the budget")
    compare(
        call(answer, 1.0, 2.0, v, name="blind_limit"),
        one / 2,
        name="blind_limit with sigma = 2",
        hint="Push and pull scale differently.",
    )


def matching_loss(answer):
    slope = (
        numbers(call(answer, 1.0 + 1e-5, 3.0, 0.2, name="matching_loss"), name="matching_loss")
        - numbers(call(answer, 1.0 - 1e-5, 3.0, 0.2, name="matching_loss"), name="matching_loss")
    ) / 2e-5
    compare(
        slope,
        -2.0,
        name="the slope of matching_loss in z at z = 1, y = 3,",
        tol=1e-4,
        hint="It must be prediction minus label.",
    )
    compare(
        call(answer, 0.0, 3.0, 0.2, name="matching_loss"),
        0.0,
        name="matching_loss at z = 0",
        hint="The constant is chosen so.",
    )


def push_kept(answer):
    compare(call(answer, 1.0, name="push_kept"), 1.0, name="push_kept with all labels", hint="Then nothing is lost.")
    compare(call(answer, 0.0, name="push_kept"), 0.0, name="push_kept without labels")
    few, half = (numbers(call(answer, share, name="push_kept"), name="push_kept") for share in (0.25, 0.5))
    if not few < half < 1:
        fail("push_kept does not grow with the share of the labels.")
    if half <= 0.5:
        fail("push_kept at one half is what labels chosen at random would keep, or less; the adversary may choose.")
