"""Answers and hidden checks of the exercises of *Where the theorem stops*."""

import numpy as np

from robustnn_core import perturbations
from robustnn_core.course import call, compare, fail, numbers


def window_ends(gamma, N):
    """Return three numbers: where the window at 0 ends, and where the window around 2 begins and ends.

    Exactly, from (K5).
    """
    t = gamma**3 / 3
    below, above = t / (1 + t / N), t / (1 - t / N)
    return np.array([1 - np.sqrt(1 - below), 1 + np.sqrt(1 - below), 1 + np.sqrt(1 + above)])


def hidden_window_ends(answer):
    for gamma, N in ((0.9, 100), (0.5, 8), (0.95, 2), (0.2, 20)):
        X, y = 2 * np.eye(N), np.where(np.arange(N) % 2, -1.0, 1.0)
        found = numbers(call(answer, gamma, N, name="window_ends"), name="window_ends", shape=(3,))
        for at, outwards in zip(found, (1, -1, 1)):
            inside, outside = (
                perturbations.orthogonality(
                    perturbations.perturb(X, -y, direction=y, eps=2 * kappa / np.sqrt(N)), gamma
                ).holds
                for kappa in (at - outwards * 1e-6, at + outwards * 1e-6)
            )
            if not inside or outside:
                fail(
                    f"window_ends({gamma}, {N}): at {at:.6f} the perturbed points neither enter nor leave "
                    "assumption (A)."
                )


def kappa_needed(beta):
    """Return the kappa from which on the second net is right on all of X; a share ``beta`` of its labels is true.

    Only the points with false labels support it.
    """
    return 1 / (1 - beta)


def hidden_kappa_needed(answer):
    N, gamma = 40, 0.8
    y = np.repeat([1.0, -1.0], N // 2)
    for share in (0.1, 0.3, 0.6, 0.8, 0.9):
        mixed = np.where(np.arange(N) % (N // 2) < share * N / 2 - 1e-9, y, -y)  # the same share in each class
        false, low, high = mixed != y, 0.0, 30.0
        for _ in range(40):
            kappa = (low + high) / 2
            points = perturbations.perturb(np.eye(N), mixed, direction=y, eps=kappa / np.sqrt(N))[false]
            lam = np.linalg.solve(
                perturbations.pattern_matrix(points @ points.T, mixed[false], gamma), np.ones(false.sum())
            )
            right = (y * perturbations.direction(points, mixed[false], lam) > 0).all()
            low, high = (low, kappa) if right else (kappa, high)
        compare(call(answer, share, name="kappa_needed"), high, name=f"kappa_needed({share})")


def has_pattern(gamma, kappa):
    """Return whether the second net has a KKT point with the sign pattern, for any leak.

    The pattern is that of the proposition on two regimes.

    ``gamma`` is in (0, 1), ``kappa`` > 0 and not 1/c, c as in (C3).
    """
    c = (1 + gamma) ** 2 / (2 * (1 + gamma**2))
    if c * kappa < 1:
        return gamma * (1 + c * kappa) + (1 + gamma) / 2 * ((1 - c) * kappa**2 - kappa) > 0
    return gamma + (1 + gamma) / 4 * kappa * (kappa - 2) > 0


def hidden_has_pattern(answer):
    N = 40
    y, coins = np.tile([1.0, 1.0, -1.0, -1.0], N // 4), np.tile([1.0, -1.0], N // 2)
    seen = set()
    for gamma in (0.03, 0.12, 0.2, 0.28, 0.32, 0.6):
        for kappa in (0.04, 0.15, 0.3, 0.6, 1.0, 1.3, 1.6, 1.9, 2.5):
            points = perturbations.perturb(np.eye(N), coins, direction=y, eps=kappa / np.sqrt(N))
            G = points @ points.T
            M = perturbations.pattern_matrix(G, coins, gamma)
            lam, false = np.linalg.solve(M, np.ones(N)), coins != y
            if lam.min() < 0:  # then only the false half supports
                lam = np.zeros(N)
                lam[false] = np.linalg.solve(M[np.ix_(false, false)], np.ones(false.sum()))
            rows = [np.where(coins == sign, 1.0, gamma) * lam * coins for sign in (1.0, -1.0)]  # w_j over a_j
            known = all((coins * (row @ G) > 0).all() for row in rows)
            seen.add(known)
            compare(
                call(answer, gamma, kappa, name="has_pattern"),
                known,
                name=f"has_pattern({gamma}, {kappa})",
                hint="0 is False and 1 is True.",
            )
    assert seen == {True, False}


WRONG = {
    "window_ends": [
        lambda gamma, N: np.array([gamma**3 / 6, 2 - gamma**3 / 6, 2 + gamma**3 / 6]),  # the approximation
        lambda gamma, N: 1 + np.array([-1, 1, 1]) * np.sqrt(1 + np.array([-1, -1, 1]) * gamma**3 / 3),  # N very large
        lambda gamma, N: (
            1 + np.array([-1, 1, 1]) * np.sqrt(1 + np.array([-1, -1, 1]) * gamma**3 / 3 / (1 + gamma**3 / (3 * N)))
        ),
    ],
    "kappa_needed": [
        lambda beta: 1 + 2 * beta,  # right for flips and coins
        lambda beta: 2.0,
        lambda beta: 1 / (1 - beta) ** 2,
        lambda beta: 1 + beta / (1 - beta) ** 2 / 2,
    ],
    "has_pattern": [
        lambda gamma, kappa: gamma >= 0.5,
        lambda gamma, kappa: (
            gamma >= 0.5 or kappa < 2 * (1 + gamma**2) / (1 + gamma) ** 2
        ),  # positive multipliers are not enough
        lambda gamma, kappa: gamma + (1 + gamma) / 4 * kappa * (kappa - 2) > 0,  # the second inequality everywhere
        lambda gamma, kappa: gamma > 0.2956 or kappa < 0.1 or kappa > 2,
    ],
}
