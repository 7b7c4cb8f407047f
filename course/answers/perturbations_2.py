"""Answers and hidden checks of the exercises of *The frozen net and where gradient flow goes*."""

import numpy as np

from robustnn_core import perturbations
from robustnn_core.course import call, compare, fail, numbers


def orthogonal_margin(R, gamma):
    """Return the normalised margin in the limit of gradient flow, for orthogonal points of norms ``R``, shape (N,)."""
    return 1 / np.sqrt(2 / (1 + gamma**2) * np.sum(1 / R**2))


def hidden_orthogonal_margin(answer):
    rng = np.random.default_rng(21)
    for n, gamma in ((1, 0.2), (4, 0.5), (9, 0.9)):
        R, y = 0.5 + rng.random(n), rng.choice([-1.0, 1.0], n)
        net = perturbations.kkt_net(np.diag(R), y, gamma)  # all its margins are 1
        known = np.min(y * net.predict(np.diag(R))) / np.linalg.norm(net.weights)
        compare(call(answer, R, gamma, name="orthogonal_margin"), known, name="orthogonal_margin")


def pair_multiplier(R, p, gamma, same):
    """Return the multiplier of two points of norm ``R`` with the inner product ``p``.

    It is 0 where no solution has the pattern.

    ``same`` says whether the labels are equal. |p| < R^2.
    """
    if same:
        return 2 / ((1 + gamma**2) * (R**2 + p))
    return 1 / ((1 + gamma**2) / 2 * R**2 - gamma * p) if p < gamma * R**2 else 0.0


def hidden_pair_multiplier(answer):
    rng = np.random.default_rng(22)
    for gamma in (0.2, 0.6, 0.9):
        for cosine in (-0.97, gamma - 0.01, gamma + 0.01, 0.97, *rng.uniform(-0.95, 0.95, 6)):
            for same in (True, False):
                R = 0.5 + rng.random()
                points = R * np.array([[1.0, 0.0], [cosine, np.sqrt(1 - cosine**2)]])
                try:
                    known = perturbations.kkt_multipliers(points, [1, 1 if same else -1], gamma)[0]
                except ValueError:
                    known = 0.0
                compare(
                    call(answer, R, R**2 * cosine, gamma, same, name="pair_multiplier"), known, name="pair_multiplier"
                )


def logistic_weights(margins):
    """Return the weights q of the points in the normalised flow of the logistic loss; they add up to 1.

    ``margins`` are the y_n f(x_n), an array of shape (N,).
    """
    slopes = 1 / (1 + np.exp(margins))
    return slopes / slopes.sum()


def hidden_logistic_weights(answer):
    rng = np.random.default_rng(23)
    for n, size in ((1, 1.0), (5, 3.0), (30, 8.0)):
        margins, h = size * rng.standard_normal(n), 1e-5
        slopes = (np.logaddexp(0, -margins + h) - np.logaddexp(0, -margins - h)) / (2 * h)
        compare(
            call(answer, margins, name="logistic_weights"), slopes / slopes.sum(), name="logistic_weights", tol=1e-7
        )
    late = np.array([400.0, 401.0, 403.0])
    known = 1 / (1 + np.exp(-1.0) + np.exp(-3.0))
    found = numbers(call(answer, late, name="logistic_weights"), name="logistic_weights at margins of 400", shape=(3,))
    compare(
        found[0],
        known,
        name="logistic_weights at margins of 400",
        hint="Late the flow is that of the exponential loss.",
    )


def proof_constant(gamma, ratio):
    """Return the largest C that the steps (B4) to (B12) allow.

    ``ratio`` is the smallest squared norm over the largest.
    """
    return 1 / (1 + ratio * (gamma + gamma**2))


def hidden_proof_constant(answer):
    for gamma, ratio in ((0.1, 0.9), (0.5, 0.5), (0.8, 1.0), (0.95, 0.2)):
        low, high = 0.0, 1 / (gamma**2 * ratio)
        for _ in range(60):  # bisection: do the bounds still close the loop? The largest squared norm is 1
            C = (low + high) / 2
            crowd = C * gamma**3 * ratio**2
            largest = 1 / (gamma * (gamma * ratio - crowd))
            smallest = 1 - largest * crowd
            low, high = (C, high) if crowd * largest <= gamma * ratio * smallest else (low, C)
        found = call(answer, gamma, ratio, name="proof_constant")
        compare(found, low, name="proof_constant")
        if not 1 / 3 < found < 1:
            fail("proof_constant must lie between 1/3 and 1.")


WRONG = {
    "orthogonal_margin": [
        lambda R, gamma: 1 / (2 / (1 + gamma**2) * np.sum(1 / R**2)),  # the norm is the root of the sum
        lambda R, gamma: 1 / np.sqrt(np.sum(2 / ((1 + gamma**2) * R))),
        lambda R, gamma: 1 / np.sqrt(2 / (1 + gamma) ** 2 * np.sum(1 / R**2)),
        lambda R, gamma: 1 / np.sqrt(np.sum(1 / R**2)),  # the linear net's
    ],
    "pair_multiplier": [
        lambda R, p, gamma, same: (
            2 / ((1 + gamma**2) * (R**2 + p)) if same else 1 / ((1 + gamma**2) / 2 * R**2 - gamma * p)
        ),  # no pattern
        lambda R, p, gamma, same: 2 / ((1 + gamma**2) * R**2),
        lambda R, p, gamma, same: (
            2 / ((1 + gamma**2) * (R**2 + p))
            if same
            else 1 / ((1 + gamma**2) / 2 * R**2 - gamma * p)
            if p <= gamma**3 * R**2 / 6
            else 0.0
        ),  # where (A) holds
        lambda R, p, gamma, same: (
            2 / ((1 + gamma**2) * (R**2 + p))
            if same
            else 1 / ((1 + gamma**2) / 2 * R**2 + gamma * p)
            if p < gamma * R**2
            else 0.0
        ),
    ],
    "logistic_weights": [
        lambda margins: np.exp(-margins) / np.exp(-margins).sum(),  # the exponential loss
        lambda margins: np.log1p(np.exp(-margins)) / np.log1p(np.exp(-margins)).sum(),  # the loss and not its slope
        lambda margins: 1 / (1 + np.exp(margins)),
        lambda margins: 1 / (1 + np.exp(-margins)) / (1 / (1 + np.exp(-margins))).sum(),
    ],
    "proof_constant": [
        lambda gamma, ratio: 1 / 3,
        lambda gamma, ratio: 1 / (1 + gamma + gamma**2),  # for points of one norm
        lambda gamma, ratio: 1 / (1 + 2 * gamma * ratio),  # drops gamma < 1 in (B5)
    ],
}
