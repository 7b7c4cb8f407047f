"""Public checks of assignment 2, *Learn from a liar*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers, parts

EXERCISES = {
    "as-nt-step": "step",
    "as-nt-lie": "lie",
    "as-nt-floor": "floor",
    "as-nt-pull": "pull",
}


def step(answer):
    w, x = np.array([1.0, 2.0]), np.array([2.0, 0.5])
    compare(
        call(answer, w, x, 3.0, 0.1, name="step"), w, name="step where the label is met", hint="Then nothing moves."
    )
    moved = numbers(call(answer, w, x, 4.0, 0.1, name="step"), name="step", shape=w.shape)
    compare(
        np.sign(moved - w),
        np.sign(x),
        name="the sign of the change where the label lies above the answer",
        hint="There the answer must rise.",
    )
    compare(
        moved[0] - w[0],
        4 * (moved[1] - w[1]),
        name="the first coordinate of the change, against the second,",
        hint="The change is a multiple of x.",
    )
    compare(call(answer, w, x, 4.0, 0.2, name="step"), 2 * moved - w, name="step with twice the step size")
    shut = numbers(call(answer, -w, x, 1.0, 0.1, name="step"), name="step", shape=w.shape)
    if np.allclose(shut, -w):
        fail("step stands still where the gate is shut; that is gradient descent, not Neuro-Tron.")


def lie(answer):
    w, truth, x = np.array([2.0, 0.0]), np.array([1.0, 0.0]), np.array([1.0, 1.0])

    def found(x, theta):
        return numbers(call(answer, x, w, truth, theta, name="lie"), name="lie")

    compare(found(x, 0.0), 0.0, name="lie without a budget")
    compare(abs(found(x, 0.3)), 0.3, name="the size of lie", hint="The whole budget is used.")
    compare(found(x, 0.3) + found(-x, 0.3), 0.0, name="lie at x plus lie at -x")
    compare(found(np.array([0.0, 1.0]), 0.3), 0.3, name="lie where the adversary has no preference")


def floor(answer):
    one = numbers(call(answer, 1.0, 1.0, name="floor"), name="floor")
    compare(call(answer, 2.0, 1.0, name="floor"), 2 * one, name="floor with twice the budget")
    compare(
        call(answer, 1.0, 2.0, name="floor"),
        one / 2,
        name="floor with inputs twice as large",
        hint="Large inputs help.",
    )
    if one <= np.sqrt(2 / np.pi) + 1e-9:
        fail("floor is too small: the gate pulls with less force than the line.")


def pull(answer):
    X, w, truth = np.array([[1.0, 0.0], [2.0, -1.0]]), np.array([1.0, 1.0]), np.array([0.5, 2.0])

    def sides(w, lies, mirrored, theta):
        found = call(answer, X, w, truth, lies, mirrored, theta, name="pull")
        found = parts(found, 2, name="pull", what="the two sides, left and right")
        return [numbers(side, name=f"the {which} side of pull") for side, which in zip(found, ("left", "right"))]

    none, error = np.zeros(2), X @ (w - truth)
    left, right = sides(w, none, none, 0.0)
    compare(left, right, name="the left side of pull without lies", hint="Add up what x and -x give.")
    if left <= 0:
        fail("The left side of pull is not positive without lies.")
    lies = 0.3 * np.sign(error)
    left, right = sides(w, lies, -lies, 0.3)
    compare(left, right, name="the left side of pull under the worst lies")
    left, right = sides(w, -lies, lies, 0.3)
    if not left < right:
        fail("The step of pull should not be met with equality where the lies help the learner.")
    compare(sides(truth, lies, lies, 0.3), [0.0, 0.0], name="the sides of pull at w = w*")
