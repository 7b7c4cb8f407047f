"""Public checks of assignment 3, *Learn from what looks wrong*."""

import numpy as np

from robustnn_core.course import call, compare, numbers

EXERCISES = {
    "as-pt-normal": "normal",
    "as-pt-perturbed": "perturbed",
    "as-pt-agreement": "agreement",
}


def normal(answer):
    X, y = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]]), np.array([1.0, -1.0])
    compare(call(answer, X, y, np.zeros(2), name="normal"), np.zeros(3), name="normal with all multipliers zero")
    compare(call(answer, X, y, np.array([1.0, 0.0]), name="normal"), X[0], name="normal with one multiplier")
    compare(
        call(answer, X, -y, np.array([0.0, 1.0]), name="normal"),
        X[1],
        name="normal with the labels exchanged",
        hint="Labels carry a sign.",
    )


def perturbed(answer):
    rng = np.random.default_rng(1)
    X, w, labels = rng.standard_normal((4, 3)), rng.standard_normal(3), np.array([1.0, -1.0, 1.0, -1.0])

    def moved(*arguments):
        return numbers(call(answer, *arguments, name="perturbed"), name="perturbed", shape=X.shape)

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


def agreement(answer):
    f = np.array([1.0, -2.0, 0.5])
    compare(call(answer, f, f, name="agreement"), 1.0, name="agreement of a net with itself")
    compare(call(answer, f, -f, name="agreement"), 0.0, name="agreement with the opposite net")
    compare(call(answer, f, 3 * f, name="agreement"), 1.0, name="agreement with a multiple", hint="Only signs count.")
