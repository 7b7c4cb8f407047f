"""Public checks of the exercises of *Is it optimal?*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-nt4-leak": "linear_pair",
    "ex-nt4-centre": "ball_centre",
    "ex-nt4-samples": "samples_needed",
    "ex-nt4-gap": "closest_allowed",
}


def linear_pair(answer):
    X = np.random.default_rng(1).standard_normal((40, 3))
    X *= 2.0 / np.linalg.norm(X, axis=1)[:, None]
    W, y = call(answer, X, 0.1, 2.0, name="linear_pair")
    W, y = numbers(W, name="the pair of filters", shape=(2, 3)), numbers(y, name="the labels", shape=(40,))
    if np.abs(W @ X.T - y).max() > 0.1 * (1 + 1e-9):
        fail("linear_pair has a label that is more than theta away from what one of its two linear gates says.")
    if np.allclose(W[0], W[1]):
        fail("linear_pair has the same filter twice.")


def ball_centre(answer):
    def centre(points):
        return numbers(call(answer, points, name="ball_centre"), name="ball_centre", shape=(points.shape[1],))

    two = np.array([[0.0, 1.0], [4.0, 3.0]])
    compare(centre(two), [2.0, 2.0], name="ball_centre of two points", tol=1e-4)
    points = np.random.default_rng(2).standard_normal((6, 2))
    here = centre(points)
    compare(
        centre(points + [3.0, -1.0]),
        here + [3.0, -1.0],
        name="ball_centre of shifted points",
        tol=1e-4,
        hint="The ball moves with its points.",
    )
    inside = here + 0.1 * (points - here)
    compare(
        centre(np.vstack([points, inside])),
        here,
        name="ball_centre with points added that lie inside",
        tol=1e-4,
        hint="They do not change the ball.",
    )


def samples_needed(answer):
    def found(n, factor):
        return float(numbers(call(answer, n, factor, name="samples_needed"), name="samples_needed"))

    if found(10, 2.0) <= 0:
        fail("samples_needed is not positive.")
    if not found(30, 2.0) > found(30, 3.0) > found(30, 4.0):
        fail("samples_needed does not fall when a larger error is allowed.")
    early, late = (np.log(found(n + 10, 3.0) / found(n, 3.0)) for n in (10, 20))
    compare(
        late,
        early,
        name="the growth of samples_needed from n = 20 to 30 against 10 to 20",
        hint="It is exponential in n.",
    )


def closest_allowed(answer):
    w, x = np.array([1.0, 2.0]), np.array([2.0, 0.0])
    compare(
        call(answer, w, x, 2.1, 0.2, 0.0, name="closest_allowed"),
        w,
        name="closest_allowed where the label allows w",
        hint="Then nothing moves.",
    )
    moved = numbers(call(answer, w, x, 3.0, 0.2, 0.0, name="closest_allowed"), name="closest_allowed", shape=(2,))
    if abs(3.0 - max(moved @ x, 0.0)) > 0.2 * (1 + 1e-9):
        fail("closest_allowed is not allowed: its output is more than theta away from the label.")
    compare(
        moved[1],
        w[1],
        name="closest_allowed along a direction that x does not see",
        hint="The shortest way is along x.",
    )
    if np.linalg.norm(moved - w) > 0.45:
        fail("closest_allowed moves farther than it has to; a label is trusted up to theta only.")
    shut = np.array([-1.0, 2.0])
    still = call(answer, shut, x, 0.1, 0.2, 0.0, name="closest_allowed")
    compare(
        still,
        shut,
        name="closest_allowed where the gate is shut and 0 is near enough to the label",
        hint="Nothing refutes such a filter.",
    )
    opened = numbers(call(answer, shut, x, 3.0, 0.2, 0.0, name="closest_allowed"), name="closest_allowed", shape=(2,))
    if abs(3.0 - max(opened @ x, 0.0)) > 0.2 * (1 + 1e-9):
        fail("closest_allowed is not allowed where the gate of w is shut and the label is large.")
