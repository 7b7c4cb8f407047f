"""Public checks of the exercises of *DC training*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-bd4-kink": "positive_majoriser",
    "ex-bd4-split": "tangent_gap",
    "ex-bd4-order": "other_wins",
    "ex-bd4-jump": "behind_ridge",
}


def positive_majoriser(answer):
    rng = np.random.default_rng(1)
    X, y, u = rng.standard_normal((15, 2)), rng.standard_normal(15), np.array([1.0, 0.5])

    def at(v, of=u, X=X, y=y):
        return numbers(call(answer, X, y, of, v, name="positive_majoriser"), name="positive_majoriser")

    def loss(v):
        return np.sum((y - np.maximum(X @ v, 0)) ** 2)

    compare(at(u), loss(u), name="positive_majoriser at v = u", hint="There it touches the loss.")
    others = 2 * rng.standard_normal((20, 2))
    if any(at(v) < loss(v) - 1e-9 for v in others):
        fail("positive_majoriser is below the loss somewhere.")
    if any(at((v + w) / 2) > (at(v) + at(w)) / 2 + 1e-9 for v, w in zip(others[:10], others[10:], strict=True)):
        fail("positive_majoriser is not convex in v.")
    one = np.array([[1.0]]), np.array([2.0])
    compare(
        at(np.array([-1.0]), np.array([0.5]), *one),
        9.0,
        name="positive_majoriser of one point (x = 1, y = 2, u = 0.5) at v = -1",
        hint="Where is the tangent?",
    )


def tangent_gap(answer):
    rng = np.random.default_rng(2)
    X, U, V = rng.standard_normal((6, 3)), rng.standard_normal((2, 3)), rng.standard_normal((2, 3))

    def at(V, rho):
        return numbers(call(answer, V, U, X, rho, name="tangent_gap"), name="tangent_gap", shape=(6,))

    one = at(V, 1.0)
    compare(at(U, 1.0), np.zeros(6), name="tangent_gap at V = U", hint="There the tangent touches.")
    if one.min() < 0:
        fail("tangent_gap is negative somewhere; a convex function lies above its tangents.")
    compare(at(V, 0.3), 0.3 * one, name="tangent_gap with rho = 0.3")
    compare(at(U + 2 * (V - U), 1.0), 4 * one, name="tangent_gap at twice the distance from U", hint="g is quadratic.")


def other_wins(answer):
    y = 1.0
    u, v = numbers(call(answer, y, name="other_wins"), name="other_wins", shape=(2,))
    if u <= 0:
        fail("other_wins must return a u > 0: the unit is awake at x = 1.")
    if v > 0:
        fail("v lies on the cell of u, where the tangents are exact: the hypothesis holds there.")
    other = 2 * y**2 - 2 * (u + y) * (v + y) + (u + y) ** 2
    ours = (y - v) ** 2  # v <= 0 < y
    if other >= ours - 1e-9:
        fail(
            "At this u and v the other majoriser is not smaller. Which term of it grows with u, and which "
            "with the distance to the kink?"
        )


def behind_ridge(answer):
    def at(*a):
        return numbers(call(answer, *a, name="behind_ridge"), name="behind_ridge")

    compare(at(2.0, 5.0, 1.0), 5.0, name="behind_ridge at t = 1", hint="There V is the ridge itself.")
    compare(at(2.0, 2.0, 0.3), 2.0, name="behind_ridge without a ridge (F_R = F_U)")
    near, far = at(2.0, 5.0, 0.8), at(2.0, 5.0, 0.2)
    if near <= 5.0:
        fail("behind_ridge is too low: a convex function that rises from U to R goes on rising.")
    if far <= near:
        fail(
            "behind_ridge must be higher when the ridge is nearer to U: the rise is steeper, and the way "
            "behind it longer."
        )
    compare(at(3.0, 6.0, 0.8), near + 1, name="behind_ridge with 1 added to both losses")
