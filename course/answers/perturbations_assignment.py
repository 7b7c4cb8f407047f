"""Answers and hidden checks of assignment 3, *Learn from what looks wrong*."""

import numpy as np

from robustnn_core import perturbations
from robustnn_core.course import call, compare, parts


def multipliers(X, y, w):
    """Return the multipliers, an array of shape (n,).

    X has shape (n, d), its rows are orthogonal and not zero; the labels y, 1 or -1, have shape (n,), w has shape (d,).
    """
    return y * (X @ w) / (X**2).sum(axis=1)


def hidden_multipliers(answer):
    rng = np.random.default_rng(7)
    for n, d in ((1, 1), (3, 5), (8, 20)):
        Q = np.linalg.qr(rng.standard_normal((d, n)))[0].T
        X, y, lam = Q * rng.uniform(0.2, 4.0, n)[:, None], rng.choice([-1.0, 1.0], n), rng.random(n)
        w = sum(a * b * x for a, b, x in zip(lam, y, X))
        compare(call(answer, X, y, w, name="multipliers"), lam, name="multipliers")


def perturbed(X, labels, w, eps):
    """Return the moved points, an array like X of shape (n, d).

    The new labels have shape (n,), w has shape (d,) and any length.
    """
    step = eps * labels[:, None] * w / np.linalg.norm(w)
    return X + np.where((labels * (X @ w) > 0)[:, None], 0.0, step)


def hidden_perturbed(answer):
    rng = np.random.default_rng(8)
    for n, d in ((1, 2), (3, 3), (6, 5)):
        X, w, labels = rng.standard_normal((n, d)), rng.standard_normal(d), rng.choice([-1.0, 1.0], n)
        known = perturbations.perturb(X, labels, direction=w, eps=0.7)
        there = labels * (X @ w) > 0
        known[there] = X[there]
        compare(call(answer, X, labels, w, 0.7, name="perturbed"), known, name="perturbed")


def agreement(f, g):
    """Return a number between 0 and 1; f and g are arrays of the same shape (n,)."""
    return np.mean(f * g > 0)


def hidden_agreement(answer):
    rng = np.random.default_rng(9)
    for n in (1, 9, 50):
        f, g = rng.standard_normal((2, n))
        f[0] = 0.0
        g[-1] = f[-1] if n > 1 else 0.0
        f[n // 2], g[n // 2] = 0.0, 0.0  # both are undecided
        compare(
            call(answer, f, g, name="agreement"),
            sum(1.0 for a, b in zip(f, g) if a * b > 0) / n,
            name="agreement",
            hint="Mind the zeros.",
        )


def harm(X, labels, w, steps):
    """Return the two sides, arrays (left, right) of shape (n,).

    X and ``steps`` have shape (n, d), the labels, 1 or -1, shape (n,). Lengths are Euclidean.
    """
    reach = np.linalg.norm(w) * np.linalg.norm(steps, axis=1)
    return labels * (X @ w) - reach, labels * ((X + steps) @ w)


def hidden_harm(answer):
    for seed in range(6):
        rng = np.random.default_rng(140 + seed)
        X, steps, w = rng.standard_normal((6, 4)), rng.standard_normal((6, 4)), rng.standard_normal(4)
        labels = rng.choice([-1.0, 1.0], 6)
        found = parts(call(answer, X, labels, w, steps, name="harm"), 2, name="harm", what="the two sides")
        far = [float(b * (x @ w) - (w @ w) ** 0.5 * (s @ s) ** 0.5) for x, b, s in zip(X, labels, steps)]
        compare(found[0], far, name="the left side of harm")
        compare(found[1], [b * (x + s) @ w for x, b, s in zip(X, labels, steps)], name="the right side of harm")


POINTS = {"perturbed": 2}  # of the hidden check; 1 where nothing is said
WRONG = {
    "harm": [
        lambda X, y, w, s: (y * (X @ w) - np.linalg.norm(s, axis=1), y * ((X + s) @ w)),  # as if w had length 1
        lambda X, y, w, s: (X @ w - np.linalg.norm(w) * np.linalg.norm(s, axis=1), (X + s) @ w),  # forgets the labels
        lambda X, y, w, s: (y * (X @ w) + y * (s @ w), y * ((X + s) @ w)),  # an identity, not a bound
        lambda X, y, w, s: (y * (X @ w) - np.abs(w).max() * np.abs(s).sum(axis=1), y * ((X + s) @ w)),
    ],
    "multipliers": [
        lambda X, y, w: X @ w / (X**2).sum(axis=1),  # forgets the labels
        lambda X, y, w: y * (X @ w),  # as if all had length 1
        lambda X, y, w: y * (X @ w) / np.linalg.norm(X, axis=1),
    ],
    "perturbed": [
        lambda X, labels, w, eps: X + eps * labels[:, None] * w / np.linalg.norm(w),  # moves those that are there
        lambda X, labels, w, eps: np.where(
            (labels * (X @ w) > 0)[:, None], X + eps * labels[:, None] * w / np.linalg.norm(w), X
        ),  # moves only those
        lambda X, labels, w, eps: X + eps * w / np.linalg.norm(w),  # the same way for all
        lambda X, labels, w, eps: X + eps * labels[:, None] * w,
        lambda X, labels, w, eps: X - eps * labels[:, None] * w / np.linalg.norm(w),
        lambda X, labels, w, eps: (
            X + eps * labels[:, None] * np.sign(w) / np.sqrt(len(w))
        ),  # right length, wrong direction
    ],
    "agreement": [
        lambda f, g: np.mean(np.sign(f) == np.sign(g)),  # two zeros agree with nothing
        lambda f, g: np.mean(f * g >= 0),
        lambda f, g: np.mean(np.isclose(f, g)),
        lambda f, g: np.mean((f > 0) == (g > 0)),
    ],
}
