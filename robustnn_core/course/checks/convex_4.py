"""Public checks of the exercises of *Convex adversarial training*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers, parts

EXERCISES = {
    "ex-cx4-ball": "margin_in_ball",
    "ex-cx4-radius": "critical_radius",
    "ex-cx4-bend": "bending_example",
}


def margin_in_ball(answer):
    q, x = np.array([0.6, -0.8, 0.5]), np.array([1.0, 2.0, 1.0])
    plain = q @ x
    for y in (1.0, -1.0):
        compare(
            call(answer, q, x, y, 0.0, name="margin_in_ball"),
            y * plain,
            name="margin_in_ball with eps = 0",
            hint="Then nothing moves; mind the label.",
        )
        compare(
            call(answer, q, x, y, 0.2, name="margin_in_ball"),
            y * plain - 0.2,
            name="margin_in_ball for an input part of q of length 1",
            hint="The ball is not the box, the bias does not move, and the adversary makes the margin smaller.",
        )
    one, two = (
        numbers(call(answer, s * q, x, 1.0, 0.2, name="margin_in_ball"), name="margin_in_ball") for s in (1.0, 2.0)
    )
    compare(two, 2 * one, name="margin_in_ball with q doubled")


def critical_radius(answer):
    x = np.array([0.0, 0.2, 0.5, 1.1])
    one = numbers(call(answer, x, 1, name="critical_radius"), name="critical_radius")
    if one <= 0:
        fail("critical_radius is not positive, but no box has to be empty for that pattern.")
    if one >= 0.2:
        fail("critical_radius is too large: with it the two intervals at the switch overlap.")
    compare(call(answer, x + 3, 1, name="critical_radius"), one, name="critical_radius with all inputs shifted")
    compare(
        call(answer, 5 * x, 1, name="critical_radius"),
        5 * one,
        name="critical_radius with all inputs five times as large",
    )
    if (
        not one
        < numbers(call(answer, x, 2, name="critical_radius"), name="critical_radius")
        < numbers(call(answer, x, 3, name="critical_radius"), name="critical_radius")
    ):
        fail("critical_radius must grow with k here: the gaps do. Inputs are counted from 1.")


def bending_example(answer):
    found = call(answer, 1e-3, name="bending_example")
    found = parts(found, 5, name="bending_example", what="five things: inputs, labels, eps, units, signs")
    n, m = (len(np.atleast_1d(part)) for part in (found[0], found[4]))
    inputs, labels, eps, units, signs = (
        numbers(part, name=what, shape=shape)
        for part, what, shape in zip(
            found, ("inputs", "labels", "eps", "units", "signs"), ((n,), (n,), (), (m, 2), (m,))
        )
    )
    if n > 20 or len(set(inputs)) < n:
        fail("bending_example must return at most 20 inputs, all of them distinct.")
    if not np.isin(labels, (-1, 1)).all() or not np.isin(signs, (-1, 1)).all():
        fail("bending_example must return labels and signs that are 1 or -1.")
    if eps <= 0:
        fail("bending_example must return a positive eps.")
    turning = units[units[:, 0] != 0]
    kinks = -turning[:, 1] / turning[:, 0]
    if not (np.abs(kinks[:, None] - inputs) < eps).any():
        fail("No unit of the net bends inside a box, so the program can express it.")
