"""Public checks of assignment 3, *Learn from what looks wrong*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers, parts

EXERCISES = {
    "as-pt-multipliers": "multipliers",
    "as-pt-perturbed": "perturbed",
    "as-pt-agreement": "agreement",
    "as-pt-harm": "harm",
}


def multipliers(answer):
    X, y = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 2.0]]), np.array([1.0, -1.0])

    def at(X, y, w):
        return call(answer, X, y, w, name="multipliers")

    compare(at(X, y, np.zeros(3)), np.zeros(2), name="multipliers of w = 0")
    compare(at(X, y, 3 * X[0]), [3.0, 0.0], name="multipliers of three times the first point")
    compare(at(X, y, -X[1]), [0.0, 1.0], name="multipliers of w = y_2 x_2", hint="Labels carry a sign; mind lengths.")


def perturbed(answer):
    rng = np.random.default_rng(1)
    X, w = rng.standard_normal((4, 3)), rng.standard_normal(3)
    labels = -np.sign(X @ w)  # every row is on the wrong side

    def moved(X, labels, w, eps):
        return numbers(call(answer, X, labels, w, eps, name="perturbed"), name="perturbed", shape=X.shape)

    compare(moved(X, labels, w, 0.0), X, name="perturbed with eps = 0", hint="Nothing may change.")
    step = moved(X, labels, w, 0.5) - X
    compare(np.linalg.norm(step, axis=1), np.full(4, 0.5), name="the length of a step")
    compare(
        np.sign(step @ w),
        labels,
        name="the sign of step · w",
        hint="A point with label 1 moves along w, one with label -1 against it.",
    )
    compare(moved(X, labels, 7 * w, 0.5) - X, step, name="the step with a longer w", hint="Only its direction counts.")
    compare(moved(X, -labels, w, 0.5), X, name="perturbed where every row is on the side of its label")
    edge = moved(np.eye(2), np.ones(2), np.array([0.0, 2.0]), 1.0)
    compare(edge, [[1.0, 1.0], [0.0, 1.0]], name="perturbed with a row on the boundary", hint="That row moves.")


def agreement(answer):
    f = np.array([1.0, -2.0, 0.5])
    compare(call(answer, f, f, name="agreement"), 1.0, name="agreement of a net with itself")
    compare(call(answer, f, -f, name="agreement"), 0.0, name="agreement with the opposite net")
    compare(call(answer, f, 3 * f, name="agreement"), 1.0, name="agreement with a multiple", hint="Only signs count.")


def harm(answer):
    rng = np.random.default_rng(5)
    X, labels, w = rng.standard_normal((4, 3)), np.array([1.0, -1.0, -1.0, 1.0]), np.array([1.0, 2.0, -2.0])

    def sides(steps):
        found = call(answer, X, labels, w, steps, name="harm")
        found = parts(found, 2, name="harm", what="the two sides, left and right")
        return [numbers(s, name=f"the {which} side of harm", shape=(4,)) for s, which in zip(found, ("left", "right"))]

    left, right = sides(np.zeros((4, 3)))
    compare(right, labels * (X @ w), name="the right side of harm without a step")
    compare(left, right, name="the left side of harm without a step")
    left, right = sides(-np.outer(labels, w) / 2)
    compare(left, right, name="the left side of harm for steps against the label", hint="Nothing does more harm.")
    compare(right, labels * (X @ w) - 4.5, name="the right side of harm for steps of length 1.5 against the label")
    left, right = sides(np.outer(labels, w))
    if not (left < right).all():
        fail("The step of harm should not be met with equality where the steps help.")
