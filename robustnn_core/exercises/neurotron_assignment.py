"""Public checks of the assignment of the part."""

import numpy as np

from robustnn_core.course import call, compare, fail

EXERCISES = {
    "as-nt-step": "step",
    "as-nt-lie": "lie",
    "as-nt-floor": "floor",
}


def step(answer):
    w, x = np.array([1.0, 2.0]), np.array([1.0, 1.0])
    compare(call(answer, w, x, 3.0, 0.1, name="step"), w, name="step where the label is met", hint="Then nothing moves.")
    moved = call(answer, w, x, 4.0, 0.1, name="step")
    compare(np.shape(moved), w.shape, name="the shape of step", hint="It returns a filter.")
    compare(np.sign(np.asarray(moved) - w), np.sign(x), name="the direction of step, label too low,", hint="Mind the sign.")
    shut = np.asarray(call(answer, -w, x, 1.0, 0.1, name="step"))
    if np.allclose(shut, -w):
        fail("step stands still where the gate is shut; that is gradient descent, not Neuro-Tron.")


def lie(answer):
    w, truth, x = np.array([2.0, 0.0]), np.array([1.0, 0.0]), np.array([1.0, 1.0])
    compare(np.shape(call(answer, x, w, truth, 0.3, name="lie")), (), name="the shape of lie", hint="It is one number.")
    compare(call(answer, x, w, truth, 0.0, name="lie"), 0.0, name="lie without a budget")
    compare(abs(call(answer, x, w, truth, 0.3, name="lie")), 0.3, name="the size of lie", hint="The whole budget is used.")
    compare(call(answer, x, w, truth, 0.3, name="lie") + call(answer, -x, w, truth, 0.3, name="lie"), 0.0, name="lie at x plus lie at -x")


def floor(answer):
    one = call(answer, 1.0, 1.0, name="floor")
    compare(np.shape(one), (), name="the shape of floor", hint="It is one number.")
    compare(call(answer, 2.0, 1.0, name="floor"), 2 * np.asarray(one), name="floor with twice the budget")
    compare(call(answer, 1.0, 2.0, name="floor"), np.asarray(one) / 2, name="floor with inputs twice as large", hint="Large inputs help.")
    if float(one) <= np.sqrt(2 / np.pi) + 1e-9:
        fail("floor is too small: the gate pulls with less force than the line.")
