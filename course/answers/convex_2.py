"""Answers and hidden checks of the exercises of *Sampling patterns*."""

import numpy as np

from robustnn_core import convex
from robustnn_core.course import call, compare, fail, numbers


def count_essential(optimum, N):
    """Return how many of the draws 0, ..., N - 1 are essential.

    ``optimum(kept)`` is the optimum with the draws of the list ``kept``, correct to 1e-9.
    """
    everything = list(range(N))
    whole = optimum(everything)
    return sum(optimum([i for i in everything if i != h]) > whole + 1e-8 for h in everything)


def hidden_count_essential(answer):
    rng = np.random.default_rng(60)
    for N, kinds in ((1, 1), (8, 5), (15, 40)):
        drawn, gain = rng.integers(kinds, size=N), rng.integers(3, size=kinds)
        known = sum(gain[kind] > 0 and (drawn == kind).sum() == 1 for kind in range(kinds))
        noise = 5e-10 * rng.choice([-1.0, 1.0], size=N + 1)  # what "correct to 1e-9" allows
        compare(
            call(
                answer,
                lambda kept, d=drawn, g=gain, e=noise: (
                    e[int(sum(kept)) % len(e)] - float(g[np.unique(d[np.array(list(kept), dtype=int)])].sum())
                ),
                N,
                name="count_essential",
            ),
            known,
            name="count_essential",
        )
    # a value that only the best draw decides, and one that is drawn twice
    for values in ([3.0, 1.0, 2.0], [1.0, 1.0, 4.0, 4.0]):
        alone = sorted(values)[0] < sorted(values)[1]
        compare(
            call(
                answer,
                lambda kept, v=values: min((v[i] for i in kept), default=9.0),
                len(values),
                name="count_essential",
            ),
            int(alone),
            name="count_essential",
        )


def failures_in_a_row(k, psi, xi):
    """Return j, a whole number: stop once j draws in a row have failed after the k-th success (k = 1, 2, ...).

    Over all k, a union bound must give P(p > psi at the stop) <= xi, with j <= 5 (k + 3 + ln(1/xi)) / psi.
    """
    return int(np.ceil(np.log(k * (k + 1) / xi) / -np.log1p(-psi)))


def hidden_failures_in_a_row(answer):
    for psi, xi in ((0.05, 0.1), (0.3, 0.01), (0.01, 0.5)):
        ends = np.unique(np.round(np.geomspace(1, 1e9, 60)))
        waits = np.array(
            [numbers(call(answer, int(k), psi, xi, name="failures_in_a_row"), name="failures_in_a_row") for k in ends]
        )
        missed = (1 - psi) ** waits  # the chance not to notice at the k-th look, and not less later
        if missed[:-1] @ np.diff(ends) + missed[-1] * ends[-1] > 4 * xi or (missed * ends > xi).any():
            fail("The chances of all looks add up to more than xi.")
        if (waits > 5 * (ends + 3 + np.log(1 / xi)) / psi + 1).any():
            fail("failures_in_a_row is larger than the question allows.")
        few = np.arange(1, 200)
        if (
            sum(
                (1 - psi) ** numbers(call(answer, int(k), psi, xi, name="failures_in_a_row"), name="failures_in_a_row")
                for k in few
            )
            > xi
        ):
            fail("The chances of the first looks add up to more than xi.")


def bound_for_every_net(y, lam, rho, beta):
    """Return the lower bound, for the squared loss, that lambda of price ``rho`` gives for every net.

    It is that of ``theta * lam`` with theta = min(1, beta / rho).
    """
    theta = 1.0 if rho <= beta else beta / rho
    return theta * (lam @ y) - 0.5 * theta**2 * (lam @ lam)


def hidden_bound_for_every_net(answer):
    from scipy.optimize import minimize

    for seed, beta in ((0, 0.1), (1, 1.0), (2, 30.0)):
        rng = np.random.default_rng(70 + seed)
        X, y, lam = rng.standard_normal((6, 2)), rng.standard_normal(6), rng.standard_normal(6)
        rho = convex.price(X, lam, beta, exhaustive=True).value
        z = lam if rho < beta else lam * beta / rho
        # by definition of the conjugate: the smallest value of loss plus z . p
        known = minimize(lambda p, y=y, z=z: 0.5 * ((p - y) ** 2).sum() + z @ p, np.zeros(6), tol=1e-12).fun
        found = numbers(call(answer, y, lam, rho, beta, name="bound_for_every_net"), name="bound_for_every_net")
        compare(found, known, tol=1e-5, name="bound_for_every_net")
        compare(
            max(found, convex.fit(X, y, convex.enumerate_patterns(X), beta=beta).objective),
            convex.fit(X, y, convex.enumerate_patterns(X), beta=beta).objective,
            name="the larger of the bound and the minimum",
        )


RIGHT = {
    "failures_in_a_row": [  # other sequences that add up to 1
        lambda k, psi, xi: int(np.ceil((k * np.log(2) + np.log(1 / xi)) / psi)),
        lambda k, psi, xi: int(np.ceil(np.log(np.pi**2 * k**2 / (6 * xi)) / psi)),
        lambda k, psi, xi: int(np.ceil(np.log(2.2 * (k + 1) * np.log(k + 1) ** 2 / xi + 5 / xi) / psi)),
    ],
    "count_essential": [
        lambda optimum, N: sum(optimum([*range(h), *range(h + 1, N)]) - optimum(range(N)) > 1e-7 for h in range(N)),
    ],
}
WRONG = {
    "count_essential": [
        lambda optimum, N: sum(optimum([h]) < optimum([]) for h in range(N)),  # useful alone
        lambda optimum, N: sum(
            optimum(list(range(h + 1))) < optimum(list(range(h))) for h in range(N)
        ),  # useful when it came
        lambda optimum, N: N,
        lambda optimum, N: sum(  # the optimum is correct to 1e-9 only
            optimum([i for i in range(N) if i != h]) > optimum(list(range(N))) for h in range(N)
        ),
    ],
    "failures_in_a_row": [
        lambda k, psi, xi: 100,
        lambda k, psi, xi: int(np.ceil(np.log(1 / xi) / psi)),  # as if it looked once
        lambda k, psi, xi: int(np.ceil(np.log((k + 1) / xi) / psi)),  # the harmonic series diverges
        lambda k, psi, xi: int(np.ceil(k * (k + 1) / (psi * xi))),  # Markov: valid, and larger than allowed
    ],
    "bound_for_every_net": [
        lambda y, lam, rho, beta: lam @ y - 0.5 * lam @ lam,  # as if all patterns were obeyed
        lambda y, lam, rho, beta: (
            min(1, beta / max(rho, 1e-300)) * (lam @ y - 0.5 * lam @ lam)
        ),  # valid, but not what lambda gives
        lambda y, lam, rho, beta: (
            beta / max(rho, 1e-300) * (lam @ y) - 0.5 * (beta / max(rho, 1e-300)) ** 2 * (lam @ lam)
        ),  # scales up too
    ],
}
