"""Answers and hidden checks of the exercises of *A surprising experiment*."""

import numpy as np

from robustnn_core import perturbations
from robustnn_core.course import call, compare, numbers, parts


def stamp(base, labels, eps, r):
    """Return the stamped images, an array like ``base`` (shape (N, d)).

    ``labels`` are the N false labels, ``r`` has length 1.
    """
    return base + eps * np.outer(labels, r)


def hidden_stamp(answer):
    rng = np.random.default_rng(11)
    for n, d in ((1, 1), (6, 4), (20, 64)):
        base, labels, r = rng.uniform(-1, 1, (n, d)), rng.choice([-1.0, 1.0], n), rng.standard_normal(d)
        r /= np.linalg.norm(r)
        known = np.array([b + 0.7 * label * r for b, label in zip(base, labels)])
        compare(call(answer, base, labels, 0.7, r, name="stamp"), known, name="stamp")


def split_pattern(points, labels, eta):
    """Return two arrays like ``points`` (shape (N, d)): what is left of every row, and its component along the pattern.

    ``labels`` are the N false labels, ``eta`` the N perturbations (shape (N, d)).
    """
    mark = labels @ eta
    only = np.outer(points @ mark, mark) / (mark @ mark)
    return points - only, only


def hidden_split_pattern(answer):
    rng = np.random.default_rng(12)
    for n, d in ((3, 2), (10, 6), (8, 30)):
        points, eta, labels = rng.standard_normal((n, d)), rng.standard_normal((n, d)), rng.choice([-1.0, 1.0], n)
        pattern = sum(label * e for label, e in zip(labels, eta))[:, None]
        fitted = np.array([pattern @ np.linalg.lstsq(pattern, row, rcond=None)[0] for row in points])
        found = call(answer, points, labels, eta, name="split_pattern")
        found = parts(found, 2, name="split_pattern", what="two arrays")
        compare(found[0], points - fitted, name="what is left")
        compare(found[1], fitted, name="the component")


def child_normal(noise, labels, w, eps):
    """Return the sum of labels times points, an array like ``w``, for the set on which the next net is trained.

    Its points are the rows of ``noise``, perturbed by ``eps`` against a net with the normal ``w``. (It is the normal
    of the next net if all multipliers are 1.)
    """
    return labels @ noise + len(noise) * eps * w / np.linalg.norm(w)


def hidden_child_normal(answer):
    rng = np.random.default_rng(13)
    for n, d, eps in ((1, 2, 0.4), (7, 5, 1.0), (30, 12, 0.2)):
        noise, labels, w = rng.uniform(-1, 1, (n, d)), rng.choice([-1.0, 1.0], n), rng.standard_normal(d)
        moved = perturbations.perturb(noise, labels, direction=w, eps=eps)
        known = perturbations.direction(moved, labels, np.ones(n))
        compare(call(answer, noise, labels, w, eps, name="child_normal"), known, name="child_normal")
        again = call(answer, noise, labels, numbers(known, name="w", shape=(d,)), eps, name="child_normal")
        later = perturbations.perturb(noise, labels, direction=known, eps=eps)
        compare(again, sum(b * x for b, x in zip(labels, later)), name="child_normal of the grandchild")


WRONG = {
    "stamp": [
        lambda base, labels, eps, r: base + eps * r,  # forgets the labels
        lambda base, labels, eps, r: base + np.outer(labels, r),
        lambda base, labels, eps, r: base - eps * np.outer(labels, r),
        lambda base, labels, eps, r: eps * np.outer(labels, r),  # the stamp alone
    ],
    "split_pattern": [
        lambda points, labels, eta: (
            points - np.outer(points @ eta.sum(axis=0), eta.sum(axis=0)) / (eta.sum(axis=0) @ eta.sum(axis=0)),
            np.outer(points @ eta.sum(axis=0), eta.sum(axis=0)) / (eta.sum(axis=0) @ eta.sum(axis=0)),
        ),  # no labels
        lambda points, labels, eta: (
            points - np.outer(points @ (labels @ eta), labels @ eta),
            np.outer(points @ (labels @ eta), labels @ eta),
        ),
        lambda points, labels, eta: (points - eta, eta),  # the perturbation is not the component
        lambda points, labels, eta: (points - labels @ eta, np.tile(labels @ eta, (len(points), 1))),
    ],
    "child_normal": [
        lambda noise, labels, w, eps: labels @ noise + eps * w / np.linalg.norm(w),  # one voice instead of N
        lambda noise, labels, w, eps: (
            labels @ noise + labels.sum() * eps * w / np.linalg.norm(w)
        ),  # the label does not disappear
        lambda noise, labels, w, eps: labels @ noise + len(noise) * eps * w,
        lambda noise, labels, w, eps: noise.sum(axis=0) + len(noise) * eps * w / np.linalg.norm(w),
    ],
}
