"""Answers and hidden checks of the exercises of *Why the second net generalises*."""

import numpy as np

from robustnn_core import perturbations
from robustnn_core.course import call, compare


def noises_needed(N, eps, sigma, accuracy):
    """Return the smallest number of noises for which the proposition on accuracy from noise promises ``accuracy``.

    The first net has ``N`` points; a coordinate of the noise has the standard deviation ``sigma``.
    """
    from scipy.special import ndtri

    return max(int(np.ceil(N * (sigma / eps * ndtri(accuracy)) ** 2)), 1)


def hidden_noises_needed(answer):
    rng = np.random.default_rng(41)
    for accuracy in (0.6, 0.9, 0.99, 0.999):
        N, eps, sigma = int(rng.integers(50, 400)), 0.3 + rng.random(), 0.3 + rng.random()
        low, high = 0, 10**6  # low is not enough, high is
        while high - low > 1:
            n = (low + high) // 2
            enough = perturbations.predicted_accuracy(eps=eps, n=N, adversarial=n, sigma=sigma) >= accuracy
            low, high = (low, n) if enough else (n, high)
        compare(
            call(answer, N, eps, sigma, accuracy, name="noises_needed"),
            high,
            name="noises_needed",
            hint="It must be the smallest.",
        )


def isotropic_agreement(eps, sigma, n, d):
    """Return the probability that both nets agree at a point of the law N(0, I_d), for equal multipliers.

    The second net has ``n`` noises with the standard deviation ``sigma`` in each coordinate.
    """
    cosine = eps * np.sqrt(n) / np.sqrt(sigma**2 * d + eps**2 * n)
    return 1 - np.arccos(cosine) / np.pi


def hidden_isotropic_agreement(answer):
    rng = np.random.default_rng(42)
    for eps, sigma, n, d in ((0.6, 0.5, 300, 400), (0.3, 1.0, 200, 900), (1.5, 0.6, 40, 500)):
        w = np.eye(d)[0]
        agree = []
        for _ in range(20):
            normal = (sigma * rng.standard_normal((n, d)) + eps * w).sum(
                axis=0
            )  # noises times their labels, moved along w
            other = np.linalg.norm(normal[1:])
            z = rng.standard_normal((2, 20_000))  # along w, and along the rest of the normal
            agree.append(np.mean((normal[0] * z[0] + other * z[1]) * z[0] > 0))
        compare(
            call(answer, eps, sigma, n, d, name="isotropic_agreement"),
            np.mean(agree),
            name="isotropic_agreement",
            tol=0.01,
        )


def mean_distance(N, d, sigma, gamma):
    """Return, to first order in N/d, the mean distance of the training points from the boundary of f.

    The ``N`` points are independent and isotropic, with the standard deviation ``sigma`` in each of ``d`` coordinates.
    """
    h = (1 + gamma**2) / 2
    return sigma * np.sqrt(d / N) * (1 - (h**2 + gamma**2) / (4 * h**2) * N / d)


def hidden_mean_distance(answer):
    N, d, sigma, rng = 80, 800, 0.7, np.random.default_rng(43)
    X = sigma * rng.standard_normal((N, d))
    for gamma in (0.1, 0.5, 0.9):
        G, found = X @ X.T, []
        for _ in range(60):  # labels vary, points stay
            y = rng.permutation(np.repeat([1.0, -1.0], N // 2))
            signs = rng.choice([-1.0, 1.0], N)  # the points mirrored at 0
            mirrored = G * np.outer(signs, signs)
            v = y * np.linalg.solve(perturbations.pattern_matrix(mirrored, y, gamma), np.ones(N))
            found.append(np.mean(y * (mirrored @ v)) / np.sqrt(v @ mirrored @ v))
        compare(
            call(answer, N, d, sigma, gamma, name="mean_distance"),
            np.mean(found),
            name="mean_distance",
            tol=0.012,
            hint="Compare with drawn points.",
        )


def limit_factor(gamma, r):
    """Return your guess for what the argument of Phi is multiplied by when n and d grow.

    n/d = ``r`` is fixed, 0 < r < 1.
    """
    from scipy.optimize import brentq

    parts = np.array([(1 + gamma) / 2, (1 - gamma) / 2]) ** 2
    mu = brentq(lambda m: 1 - np.sum(m * parts / (1 + parts * r * m)), 1e-6, 1e6)
    return np.sqrt(1 - r * mu**2 * np.sum((parts / (1 + parts * r * mu)) ** 2))


def hidden_limit_factor(answer):
    """One draw, averaged exactly over the direction of w and over the signs of the noises, for eps -> 0."""
    n, rng = 200, np.random.default_rng(44)
    y = np.repeat([1.0, -1.0], n // 2)
    for gamma, r in ((0.2, 0.5), (0.5, 0.5), (0.5, 0.8), (0.8, 0.7)):
        d = int(n / r)
        S = rng.standard_normal((n, d))
        G, C = S @ S.T, np.where(np.equal.outer(y, y), (1 + gamma**2) / 2, gamma)
        inverse = np.linalg.inv(C * G)
        lost = (inverse * G).sum(axis=0) @ C @ np.diag(inverse) + np.sum(
            C * inverse * (inverse @ G)
        )  # the change of M with eps
        known = (np.trace(inverse) - lost / d) / np.sqrt(np.sum(inverse @ G * inverse) * n / d)
        compare(
            call(answer, gamma, r, name="limit_factor"),
            known,
            name="limit_factor",
            tol=0.015,
            hint="Compare with drawn noises.",
        )


WRONG = {
    "noises_needed": [
        lambda N, eps, sigma, accuracy: int(np.ceil(N * sigma / eps * 2.326)),  # forgets the square
        lambda N, eps, sigma, accuracy: int(np.ceil(N * (sigma / eps * 2.3263479) ** 2)),  # 99% always
        lambda N, eps, sigma, accuracy: int(np.ceil(N * (sigma / eps) ** 2 * np.log(1 / (1 - accuracy)))),
        lambda N, eps, sigma, accuracy: int(np.ceil(N * (1 / eps * 2.3263479) ** 2)),
    ],
    "isotropic_agreement": [
        lambda eps, sigma, n, d: 1 - np.arccos(eps * n / np.sqrt(sigma**2 * d + eps**2 * n**2)) / np.pi,
        lambda eps, sigma, n, d: eps * np.sqrt(n) / np.sqrt(sigma**2 * d + eps**2 * n),  # the cosine itself
        lambda eps, sigma, n, d: (1 + eps * np.sqrt(n) / np.sqrt(sigma**2 * d + eps**2 * n)) / 2,
        lambda eps, sigma, n, d: 1 - np.arccos(eps * np.sqrt(n) / np.sqrt(sigma**2 * d + eps**2 * n)) / (2 * np.pi),
    ],
    "mean_distance": [
        lambda N, d, sigma, gamma: sigma * np.sqrt(d / N),  # for orthogonal points
        lambda N, d, sigma, gamma: (
            sigma * np.sqrt(d / N) * (1 - (1 + gamma) ** 2 / (2 * (1 + gamma**2)) * N / d)
        ),  # a instead of b/2
        lambda N, d, sigma, gamma: sigma * np.sqrt(d / N) * (1 + N / (2 * d)),
    ],
    "limit_factor": [
        lambda gamma, r: np.sqrt(1 - r),
        lambda gamma, r: 1 - r * (0.25 + gamma**2 / (1 + gamma**2) ** 2),  # the first order
        lambda gamma, r: np.sqrt(1 - 2 * r * (0.25 + gamma**2 / (1 + gamma**2) ** 2)),  # right at both ends
    ],
}
