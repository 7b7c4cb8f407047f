"""Public checks of the exercises of *Perturbations carry the data*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-pt3-mixed": "spared_step",
    "ex-pt3-leak": "pattern_share",
    "ex-pt3-unbalanced": "class_cosine",
    "ex-pt3-develop": "image_left_out",
}


def spared_step(answer):
    w = np.array([3.0, -7.0, 1.0, 4.0, -2.0])

    def step(w, label, eps, k):
        return numbers(call(answer, w, label, eps, k, name="spared_step"), name="spared_step", shape=w.shape)

    whole, eta = step(w, 1.0, 0.5, 0), step(w, 1.0, 0.5, 2)
    compare(np.linalg.norm(whole), 0.5, name="the length of spared_step with k = 0")
    compare(whole @ w, 0.5 * np.linalg.norm(w), name="the gain of spared_step with k = 0", hint="Nothing is forbidden.")
    compare(eta[[1, 3]], np.zeros(2), name="spared_step at the two coordinates of largest modulus")
    compare(np.linalg.norm(eta), 0.5, name="the length of spared_step with k = 2", hint="The whole budget may be used.")
    compare(step(w, -1.0, 0.5, 2), -eta, name="spared_step towards the label -1")
    compare(step(10 * w, 1.0, 0.5, 2), eta, name="spared_step with a longer w", hint="Only its direction counts.")
    if eta @ w <= 0:
        fail("spared_step moves away from the label.")


def pattern_share(answer):
    X, y, v = np.eye(3), np.array([1.0, 1.0, -1.0]), np.array([1.0, 2.0, -3.0])

    def share(*rows):
        return numbers(call(answer, np.array(rows), X, y, name="pattern_share"), name="pattern_share")

    compare(
        share(v, -v),
        1.0,
        name="pattern_share of a net that obeys it everywhere",
        hint="The second half of the neurons has a negative head.",
    )
    compare(share(-v, v), 0.0, name="pattern_share of the net with exchanged halves")
    compare(share(v, v), 0.5, name="pattern_share of a net of two equal neurons")
    compare(share(v, -v, -v, -v), 0.75, name="pattern_share with one of four neurons in the wrong half")
    compare(
        share(v * [1, 1, -1], -v),
        5 / 6,
        name="pattern_share with one of six pairs wrong",
        hint="Count pairs of a neuron and a point.",
    )


def class_cosine(answer):
    def cosine(gamma, q):
        return numbers(call(answer, gamma, q, name="class_cosine"), name="class_cosine")

    for q in (0.25, 0.5, 0.8):
        compare(cosine(1.0, q), 1.0, name=f"class_cosine(1, {q})", hint="A linear net has one gradient.")
    compare(
        cosine(1e-9, 0.25),
        0.5,
        name="class_cosine with a leak of almost 0 and q = 1/4",
        hint="The gradient then shows the own class only: use the proposition on partial sums.",
    )
    if not 0 < cosine(0.1, 0.2) < cosine(0.1, 0.4) < cosine(0.1, 0.8) < 1:
        fail("class_cosine must lie between 0 and 1 and, for a leak of 0.1, grow with the share of the class.")


def image_left_out(answer):
    eta, less = np.array([0.0, 0.48, 0.64, 0.6]), np.array([0.0, 0.0, 0.8, 0.6])

    def image(one, other):
        found = numbers(call(answer, one, other, name="image_left_out"), name="image_left_out", shape=one.shape)
        compare(np.linalg.norm(found), 1.0, name="the length of image_left_out")
        return found

    found = image(eta, less)
    compare(
        found @ less,
        0.0,
        name="the inner product of image_left_out with the second perturbation",
        hint="Orthogonal images: no other one shows the image.",
    )
    compare(
        np.abs(image(3 * eta, 0.5 * less)),
        np.abs(found),
        name="image_left_out from perturbations of other lengths",
        hint="The lengths say nothing about w.",
    )
    compare(found[0], 0.0, name="image_left_out on an axis that neither perturbation has,")
