"""Answers and hidden checks of the assignment."""

import numpy as np

from robustnn_core.course import call, compare, fail

POINTS = {'normal': 1, 'perturbed': 2, 'agreement': 1}


def normal(X, y, multipliers):
    return (multipliers * y) @ X


def hidden_normal(answer):
    rng = np.random.default_rng(7)
    for n, d in ((1, 1), (5, 3), (8, 20)):
        X, y, lam = rng.standard_normal((n, d)), rng.choice([-1.0, 1.0], n), rng.random(n)
        compare(call(answer, X, y, lam, name="normal"), sum(a * b * x for a, b, x in zip(lam, y, X)), name="normal")


def perturbed(X, labels, w, eps):
    return X + eps * labels[:, None] * w / np.linalg.norm(w)


def hidden_perturbed(answer):
    from robustnn_core import perturbations
    rng = np.random.default_rng(8)
    for n, d in ((1, 2), (6, 5)):
        X, w, labels = rng.standard_normal((n, d)), rng.standard_normal(d), rng.choice([-1.0, 1.0], n)
        known = perturbations.perturb(X, labels, direction=w, eps=0.7)
        compare(call(answer, X, labels, w, 0.7, name="perturbed"), known, name="perturbed")


def agreement(f, g):
    return float(np.mean(np.asarray(f) * np.asarray(g) > 0))


def hidden_agreement(answer):
    rng = np.random.default_rng(9)
    for n in (1, 9, 50):
        f, g = rng.standard_normal((2, n))
        f[0] = 0.0
        compare(call(answer, f, g, name="agreement"), sum(1.0 for a, b in zip(f, g) if a * b > 0) / n, name="agreement")
