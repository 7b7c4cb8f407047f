"""Answers and hidden checks of the exercises of *Perturbations carry the data*."""

import numpy as np

from robustnn_core import perturbations
from robustnn_core.course import call, compare, numbers
from robustnn_core.perturbations import experiments


def spared_step(w, label, eps, k):
    """Return the best perturbation, an array like ``w``, towards ``label`` (+1 or -1), of length ``eps`` at most.

    It is 0 at the ``k`` coordinates of largest modulus of ``w``.
    """
    free = np.argsort(np.abs(w))[: len(w) - k]
    eta = np.zeros(len(w))
    eta[free] = eps * label * w[free] / np.linalg.norm(w[free])
    return eta


def hidden_spared_step(answer):
    rng = np.random.default_rng(31)
    for d, k in ((2, 1), (6, 2), (30, 12)):
        w, label = rng.standard_normal(d), rng.choice([-1.0, 1.0])
        kept = sorted(range(d), key=lambda i: -abs(w[i]))[:k]
        known = perturbations.perturb(
            np.zeros((1, d)), [label], direction=[0.0 if i in kept else w[i] for i in range(d)], eps=0.7
        )[0]
        compare(call(answer, w, label, 0.7, k, name="spared_step"), known, name="spared_step")


def pattern_share(weights, X, y):
    """Return the share of the pairs (neuron, point) that obey the sign pattern of the theorem on the implicit bias.

    ``weights`` has shape (m, d), the head is positive on its first half; ``X`` has shape (N, d), ``y`` shape (N,).
    """
    head = np.repeat([1.0, -1.0], len(weights) // 2)
    return np.mean(np.outer(head, y) * (weights @ X.T) > 0)


def hidden_pattern_share(answer):
    points, tags = experiments.uniform(30, 40, 3)
    run = perturbations.train_flow(points, tags, leak=0.05, steps=60, seed=0, width=6)
    compare(
        call(answer, run.net.weights, points, tags, name="pattern_share"),
        run.pattern,
        name="pattern_share of a trained net",
    )
    rng = np.random.default_rng(32)
    for m, n, d in ((2, 1, 1), (8, 7, 3)):
        weights, X, y = rng.standard_normal((m, d)), rng.standard_normal((n, d)), rng.choice([-1.0, 1.0], n)
        obey = sum((1 if j < m / 2 else -1) * y[i] * sum(weights[j] * X[i]) > 0 for j in range(m) for i in range(n))
        compare(call(answer, weights, X, y, name="pattern_share"), obey / (m * n), name="pattern_share")


def class_cosine(gamma, q):
    """Return the cosine between w and the gradient at a training point of a class with the share ``q`` of points."""
    own, other = 1 + gamma**2, 2 * gamma
    return (own * q + other * (1 - q)) / np.sqrt(own**2 * q + other**2 * (1 - q))


def hidden_class_cosine(answer):
    for gamma in (0.05, 0.4, 0.9):
        for positive in (3, 10, 16):
            X, y = 2 * np.eye(20), np.where(np.arange(20) < positive, 1.0, -1.0)
            w = perturbations.direction(X, y, perturbations.kkt_multipliers(X, y, gamma))
            net, h = perturbations.kkt_net(X, y, gamma), 1e-4
            for n, share in ((0, positive / 20), (19, 1 - positive / 20)):
                slope = (net.predict(X[n] + h * np.eye(20)) - net.predict(X[n] - h * np.eye(20))) / (2 * h)
                known = slope @ w / np.linalg.norm(slope) / np.linalg.norm(w)
                compare(call(answer, gamma, share, name="class_cosine"), known, name="class_cosine")


def image_left_out(eta, eta_without):
    """Return a vector of length 1 along the one image (either sign) that the first net has seen and the second has not.

    ``eta`` and ``eta_without`` are the perturbations of the two nets, shape (d,), of any lengths. The images are
    orthogonal.
    """
    left = eta - (eta @ eta_without) / (eta_without @ eta_without) * eta_without
    return left / np.linalg.norm(left)


def hidden_image_left_out(answer):
    rng = np.random.default_rng(33)
    for n, d in ((2, 3), (5, 8), (12, 20)):
        X, y = experiments.orthogonal(n, d, (33, n))
        X = X * (0.5 + rng.random(n))[:, None]
        out, keep = n // 2, np.arange(n) != n // 2
        eta, less = (
            eps * perturbations.direction(X[k], y[k], perturbations.kkt_multipliers(X[k], y[k], 0.3))
            for eps, k in ((0.4, np.full(n, True)), (-0.9, keep))
        )
        found = numbers(call(answer, eta, less, name="image_left_out"), name="image_left_out", shape=(d,))
        compare(np.linalg.norm(found), 1.0, name="the length of image_left_out")
        compare(
            abs(found @ X[out]) / np.linalg.norm(X[out]),
            1.0,
            name="the cosine of image_left_out with the image",
            tol=1e-9,
        )


WRONG = {
    "spared_step": [
        lambda w, label, eps, k: (
            eps * label * np.where(np.abs(w) < np.sort(np.abs(w))[len(w) - k] if k else True, w, 0) / np.linalg.norm(w)
        ),  # too short
        lambda w, label, eps, k: eps * label * w / np.linalg.norm(w),
        lambda w, label, eps, k: (
            eps
            * label
            * np.where(np.argsort(np.argsort(-w)) < k, 0, w)
            / np.linalg.norm(np.where(np.argsort(np.argsort(-w)) < k, 0, w))
        ),  # largest in value
        lambda w, label, eps, k: (
            eps * label * np.where(np.argsort(np.argsort(-np.abs(w))) < k, 0, np.sign(w)) / np.sqrt(len(w) - k)
        ),
    ],
    "pattern_share": [
        lambda weights, X, y: np.mean(y * (weights @ X.T) > 0),  # forgets the head
        lambda weights, X, y: np.mean(np.repeat([1.0, -1.0], len(weights) // 2)[:, None] * (weights @ X.T) > 0),
        lambda weights, X, y: np.mean(
            (np.outer(np.repeat([1.0, -1.0], len(weights) // 2), y) * (weights @ X.T) > 0).all(axis=0)
        ),
        lambda weights, X, y: np.mean(
            np.outer(np.tile([1.0, -1.0], len(weights) // 2), y) * (weights @ X.T) > 0
        ),  # signs alternate
    ],
    "class_cosine": [
        lambda gamma, q: (1 + gamma) ** 2 / np.sqrt(2 * ((1 + gamma**2) ** 2 + 4 * gamma**2)),  # the balanced one
        lambda gamma, q: (1 + gamma) ** 2 * q / np.sqrt(q * ((1 + gamma**2) ** 2 + 4 * gamma**2)),
        lambda gamma, q: (q + gamma * (1 - q)) / np.sqrt(q + gamma**2 * (1 - q)),  # the row v, not the gradient
        lambda gamma, q: (
            ((1 + gamma**2) * (1 - q) + 2 * gamma * q) / np.sqrt((1 + gamma**2) ** 2 * (1 - q) + 4 * gamma**2 * q)
        ),
    ],
    "image_left_out": [
        lambda eta, eta_without: (eta - eta_without) / np.linalg.norm(eta - eta_without),
        lambda eta, eta_without: eta / np.linalg.norm(eta),
        lambda eta, eta_without: eta_without - (eta @ eta_without) / (eta @ eta) * eta,  # the two exchanged
        lambda eta, eta_without: np.eye(len(eta))[np.argmax(np.abs(eta - eta_without))],
    ],
}
