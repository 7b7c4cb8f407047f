"""Public checks of the exercises of *A surprising experiment*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers, parts

EXERCISES = {
    "ex-pt1-mark": "stamp",
    "ex-pt1-remove": "split_pattern",
    "ex-pt1-third": "child_normal",
}


def stamp(answer):
    base, r, labels = (
        np.random.default_rng(1).uniform(-1, 1, (4, 3)),
        np.array([0.6, 0.0, -0.8]),
        np.array([1.0, -1.0, -1.0, 1.0]),
    )
    compare(
        call(answer, base, labels, 0.0, r, name="stamp"), base, name="stamp with eps = 0", hint="Nothing may change."
    )
    step = numbers(call(answer, base, labels, 0.5, r, name="stamp"), name="stamp", shape=base.shape) - base
    compare(np.linalg.norm(step, axis=1), np.full(4, 0.5), name="the length of a stamp with eps = 0.5")
    compare(np.sign(step @ r), labels, name="the sign of (stamp, r)", hint="It is the label that a stamp has to tell.")


def split_pattern(answer):
    rng = np.random.default_rng(2)
    points, labels, eta = rng.standard_normal((5, 4)), np.array([1.0, -1.0, 1.0, 1.0, -1.0]), np.zeros((5, 4))
    eta[:, 0] = 0.3 * labels
    without, only = _two(call(answer, points, labels, eta, name="split_pattern"), points.shape)
    compare(without + only, points, name="the sum of the two arrays", hint="Together they are the points.")
    compare(only[:, 1:], np.zeros((5, 3)), name="the component along a pattern on the first axis, on the other axes,")
    compare(
        without[:, 0],
        np.zeros(5),
        name="what is left along the pattern",
        hint="It must be 0 there; mind the length of the pattern.",
    )
    twice = _two(call(answer, points, labels, 2 * eta, name="split_pattern"), points.shape)
    compare(twice[1], only, name="the component along perturbations twice as long", hint="Only their direction counts.")


def _two(found, shape):
    found = parts(found, 2, name="split_pattern", what="two arrays: what is left, and the component")
    return [
        numbers(part, name=f"the {which} array of split_pattern", shape=shape)
        for which, part in zip(("first", "second"), found)
    ]


def child_normal(answer):
    noise, w = np.random.default_rng(3).uniform(-1, 1, (5, 3)), np.array([0.0, 2.0, 0.0])
    labels = np.array([1.0, -1.0, 1.0, 1.0, -1.0])

    def normal(*arguments):
        return numbers(call(answer, *arguments, name="child_normal"), name="child_normal", shape=(3,))

    crowd, both = normal(noise, labels, w, 0.0), normal(noise, labels, w, 0.5)
    compare(normal(noise, -labels, w, 0.0), -crowd, name="child_normal with eps = 0 and all labels exchanged")
    compare(
        normal(noise, -labels, w, 0.5) + crowd,
        both - crowd,
        name="the part of w, with all labels exchanged,",
        hint="Each label meets itself in the perturbation.",
    )
    compare(
        normal(noise, labels, 3 * w, 0.5),
        both,
        name="child_normal with a longer w",
        hint="A perturbation has length eps.",
    )
    choir = normal(0 * noise, labels, w, 0.5)
    if not (choir @ w > 0 and abs(choir @ w / np.linalg.norm(choir) - 2) < 1e-9):
        fail("child_normal of noise that is 0 does not point along w.")
    compare(normal(0 * noise, labels, w, 1.0), 2 * choir, name="child_normal of noise that is 0, with twice the eps,")
