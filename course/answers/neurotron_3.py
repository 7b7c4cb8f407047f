"""Answers and hidden checks of the exercises of *The proof, line by line*."""

import numpy as np

from robustnn_core import laws, nets, neurotron
from robustnn_core.course import call, compare, fail, numbers


def first_step(w_star):
    """Return the mean first update of Neuro-Tron from w = 0 divided by eta, a number, for a ReLU gate and x = z - 1.

    ``w_star`` is any number.
    """
    return w_star * (2 / np.e if w_star > 0 else 1 - 2 / np.e)


def hidden_first_step(answer):
    nodes, weights = np.polynomial.legendre.leggauss(60)
    for w_star in (-2.5, -0.3, 0.7, 4.0):
        known = 0.0
        for low, high in ((0.0, 1.0), (1.0, 60.0)):  # the kink is at z = 1
            z = low + (high - low) * (nodes + 1) / 2
            known += (high - low) / 2 * weights @ (np.maximum(w_star * (z - 1), 0) * (z - 1) * np.exp(-z))
        compare(call(answer, w_star, name="first_step"), known, name="first_step")


def attack_ratio(n):
    """Return E|u . x| / E|x|, a number, for x normal in R^n with covariance I and a unit vector u.

    ``n`` is a whole number from 1 to 1000.
    """
    from math import exp, lgamma, pi

    return exp(lgamma(n / 2) - lgamma((n + 1) / 2)) / pi**0.5


def hidden_attack_ratio(answer):
    # |x| and x / |x| are independent: it is the mean of |cos| of the angle of a uniform direction
    for n in (2, 4, 7, 30, 150):
        nodes, weights = np.polynomial.legendre.leggauss(200)
        angle = np.pi / 4 * (nodes + 1)
        known = weights @ (np.cos(angle) * np.sin(angle) ** (n - 2)) / (weights @ np.sin(angle) ** (n - 2))
        compare(
            call(answer, n, name="attack_ratio"), known, name="attack_ratio", hint="The approximation is not enough."
        )


def window_budget(eps, delta, c_to, m):
    """Return the largest budget theta*, a number, for which the union bound holds at ``m`` times at once.

    It gives accuracy ``eps`` with probability 1 - delta.
    """
    return eps * np.sqrt(delta / m * c_to)


def hidden_window_budget(answer):
    c = neurotron.constants(nets.SingleFilterNet.gate(2), laws.Gaussian(2, 5.0))
    for eps, delta, m in ((0.4, 0.2, 1), (0.7, 0.05, 12), (0.5, 0.1, 400)):
        found = float(numbers(call(answer, eps, delta, c.c_tradeoff, m, name="window_budget"), name="window_budget"))
        each = dict(eps=eps, delta=delta / m, Delta1=100.0)
        try:
            neurotron.poisoned_schedule(c, theta=found * (1 - 1e-6), **each)
        except ValueError:
            fail("window_budget is too large, or not positive: the theorem refuses it at one of the times.")
        try:
            neurotron.poisoned_schedule(c, theta=found * (1 + 1e-6), **each)
        except ValueError:
            continue
        fail("window_budget is too small: the theorem allows more at every time.")


WRONG = {
    "first_step": [
        lambda w_star: w_star / 2,  # needs symmetry
        lambda w_star: w_star * (1 - 2 / np.e if w_star > 0 else 2 / np.e),
        lambda w_star: max(w_star, 0.0) * 2 / np.e,  # for w* < 0 the gate is open as well, elsewhere
        lambda w_star: abs(w_star) * (2 / np.e if w_star > 0 else 1 - 2 / np.e),
    ],
    "attack_ratio": [
        lambda n: np.sqrt(2 / (np.pi * n)),
        lambda n: 1 / np.sqrt(n),
        lambda n: 1 / np.sqrt(1 + (n - 1) * np.pi / 2),  # right at 1 and in the limit
    ],
    "window_budget": [
        lambda eps, delta, c_to, m: eps * np.sqrt(delta * c_to) / m,
        lambda eps, delta, c_to, m: eps * np.sqrt(delta * c_to),
        lambda eps, delta, c_to, m: eps * np.sqrt((1 - (1 - delta) ** m) * c_to),
        lambda eps, delta, c_to, m: eps / m * np.sqrt(delta * c_to * m**0.5),
    ],
}
