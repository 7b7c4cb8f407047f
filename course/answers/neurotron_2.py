"""Answers and hidden checks of the exercises of *The theorem and its constants*."""

import numpy as np

from robustnn_core import laws, nets, neurotron
from robustnn_core.course import call, compare, fail, numbers


def markov_accuracy(errors, delta):
    """Return the eps, a number, that Markov's inequality gives for the failure probability ``delta``.

    ``errors`` are the final errors of many runs.
    """
    return np.sqrt(np.mean(errors**2) / delta)


def hidden_markov_accuracy(answer):
    rng = np.random.default_rng(21)
    for runs, delta in ((1, 0.5), (200, 0.1), (999, 0.01)):
        errors = rng.exponential(size=runs)
        eps = numbers(call(answer, errors, delta, name="markov_accuracy"), name="markov_accuracy")
        if not (np.maximum(errors, 0) / eps > 1).mean() <= delta:
            fail("markov_accuracy promises more than the runs keep.")
        compare(
            np.mean((errors / eps) ** 2),
            delta,
            name="the mean square of error / eps",
            hint="Markov's bound on the failures is delta exactly.",
        )


def best_multiple(b, c1, c2, c3, start, target):
    """Return the multiple of its lower bound at which gamma makes T of the poisoned theorem smallest.

    ``start`` is Delta_1, ``target`` eps^2 delta.
    """
    least = (target + c2 / c1) / (target - c3 / b)
    slack = 1 + np.geomspace(1e-4, 100, 4000)
    gamma = slack * least
    rho = (c2 / c1 + gamma * c3 / b) / (gamma - 1)
    rate = -np.log1p(-(b**2) / c1 * (gamma - 1) / gamma**2)
    return slack[np.argmin(np.log((start - rho) / (target - rho)) / rate)]


def hidden_best_multiple(answer):
    gate = nets.SingleFilterNet.gate(2)
    for sigma, share, eps in ((4.0, 0.5, 0.5), (5.0, 0.8, 0.4), (6.0, 0.15, 0.5)):
        c = neurotron.constants(gate, laws.Gaussian(2, sigma))
        theta = share * eps * np.sqrt(0.1 * c.c_tradeoff)
        m1, m2, m3, m4 = c.m
        letters = m1 * c.c_tradeoff, m3 + m4, theta**2 * (m2 + m3), theta**2 * m1
        found = numbers(call(answer, *letters, 1.0, 0.1 * eps**2, name="best_multiple"), name="best_multiple")

        def steps(slack, c=c, theta=theta, eps=eps):
            return neurotron.poisoned_schedule(c, theta=theta, eps=eps, delta=0.1, Delta1=1.0, slack=slack).steps

        if found <= 1 or steps(float(found)) > 1 + 1.01 * min(
            steps(slack) for slack in 1 + np.geomspace(1e-3, 20, 300)
        ):
            fail("best_multiple is not best: another multiple needs fewer steps.")


def floor_at_scale(theta, P, s):
    """Return the theorem's floor on the root mean square error for small steps if it is applied to the inputs s x.

    The floor is in the old units; P is c_to + 1 at s = 1, and s P > 1.
    """
    return s * theta / np.sqrt(s * P - 1)


def hidden_floor_at_scale(answer):
    rng = np.random.default_rng(23)
    for n in (1, 2, 7):
        gate, sigma = nets.SingleFilterNet.gate(n), 0.5 + rng.random()
        P = neurotron.constants(gate, laws.Gaussian(n, sigma)).c_tradeoff + 1
        for s in (1.2 / P, 2 / P, 9 / P):
            scaled = neurotron.constants(gate, laws.Gaussian(n, s * sigma))
            known = s * np.sqrt(neurotron.paper_floor(scaled, theta=0.3, eta=1e-13))
            compare(call(answer, 0.3, P, s, name="floor_at_scale"), known, name="floor_at_scale", tol=1e-5)


def share_always(errors, level):
    """Return the share of the runs whose error is at most ``level`` at every time.

    ``errors`` has a row for each time and a column for each run.
    """
    return (errors <= level).all(axis=0).mean()


def hidden_share_always(answer):
    rng = np.random.default_rng(24)
    for times, runs in ((1, 9), (20, 50), (300, 7)):
        errors = rng.random((times, runs))
        level = 0.5 ** (1 / times)
        known = sum(all(e <= level for e in run) for run in errors.T) / runs
        compare(call(answer, errors, level, name="share_always"), known, name="share_always")
    counts = rng.integers(6, size=(4, 40)) / 4  # many an error is the level itself
    known = sum(max(run) <= 1.0 for run in counts.T) / 40
    compare(call(answer, counts, 1.0, name="share_always"), known, name="share_always", hint="At most is not below.")


WRONG = {
    "markov_accuracy": [
        lambda errors, delta: np.sqrt(np.mean(errors**2)) / delta,
        lambda errors, delta: np.mean(errors**2) / delta,  # a square
        lambda errors, delta: np.quantile(errors, 1 - delta),  # counts, and does not use Markov
        lambda errors, delta: np.mean(errors) / np.sqrt(delta),
    ],
    "best_multiple": [
        lambda b, c1, c2, c3, start, target: 2.0,  # that is gamma without an attack
        lambda b, c1, c2, c3, start, target: 1.0,
        lambda b, c1, c2, c3, start, target: 1.05,
        lambda b, c1, c2, c3, start, target: (target + c2 / c1) / (target - c3 / b),  # the bound itself
    ],
    "floor_at_scale": [
        lambda theta, P, s: theta / np.sqrt(s * P - 1),  # in the new units
        lambda theta, P, s: theta / np.sqrt(s * P - 1) / s,
        lambda theta, P, s: s * theta / (s * P - 1),
        lambda theta, P, s: s * theta / np.sqrt(s**2 * P - 1),
    ],
    "share_always": [
        lambda errors, level: (errors <= level).mean(),  # at one time
        lambda errors, level: (errors <= level).all(axis=1).mean(),  # of the times
        lambda errors, level: (errors <= level).any(axis=0).mean(),
        lambda errors, level: (errors < level).all(axis=0).mean(),  # below
    ],
}
