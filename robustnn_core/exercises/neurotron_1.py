"""Public checks of the exercises of *The poisoned oracle*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-nt1-constant": "mean_error",
    "ex-nt1-blind": "blind_limit",
    "ex-nt1-matching": "matching_loss",
}


def mean_error(answer):
    start = np.array([2.0, -1.0])
    compare(call(answer, start, 0.1, 1.0, 0, name="mean_error"), start, name="mean_error after 0 steps")
    one, two = (numbers(call(answer, start, 0.1, 1.0, t, name="mean_error"), name="mean_error", shape=(2,)) for t in (1, 2))
    if not (np.abs(one) < np.abs(start)).all():
        fail("mean_error does not shrink in one step.")
    compare(two, one**2 / start, name="mean_error after 2 steps, given one step,", hint="Every step multiplies by the same factor.")
    compare(call(answer, start, 0.1, 2.0, 1, name="mean_error"), start - 4 * (start - one), name="mean_error with sigma = 2", hint="The pull grows with the variance of the inputs.")


def blind_limit(answer):
    v = np.array([0.6, 0.8])
    one = numbers(call(answer, 1.0, 1.0, v, name="blind_limit"), name="blind_limit", shape=(2,))
    compare(one / np.linalg.norm(one), v, name="the direction of blind_limit", hint="The lie pushes along v.")
    compare(call(answer, 3.0, 1.0, v, name="blind_limit"), 3 * one, name="blind_limit with three times the budget")
    compare(call(answer, 1.0, 2.0, v, name="blind_limit"), one / 2, name="blind_limit with sigma = 2", hint="Push and pull scale differently.")


def matching_loss(answer):
    slope = (numbers(call(answer, 1.0 + 1e-5, 3.0, 0.2, name="matching_loss"), name="matching_loss")
             - numbers(call(answer, 1.0 - 1e-5, 3.0, 0.2, name="matching_loss"), name="matching_loss")) / 2e-5  # fmt: skip
    compare(slope, -2.0, name="the slope of matching_loss in z at z = 1, y = 3,", tol=1e-4, hint="It must be prediction minus label.")
    compare(call(answer, 0.0, 3.0, 0.2, name="matching_loss"), 0.0, name="matching_loss at z = 0", hint="The constant is chosen so.")
