"""Answers and hidden checks of the assignment."""

import numpy as np

from robustnn_core.course import call, compare, fail

POINTS = {'step': 1, 'lie': 1, 'floor': 2}


def step(w, x, y, eta):
    return w + eta * (y - max(w @ x, 0.0)) * x


def hidden_step(answer):
    rng = np.random.default_rng(5)
    for n in (1, 3, 10):
        for _ in range(5):
            w, x, y, eta = rng.standard_normal(n), rng.standard_normal(n), rng.standard_normal(), rng.random()
            gate = w @ x if w @ x > 0 else 0.0
            compare(call(answer, w, x, y, eta, name="step"), w + eta * (y - gate) * x, name="step")


def lie(x, w, w_star, theta):
    return theta if (w - w_star) @ x >= 0 else -theta


def hidden_lie(answer):
    rng = np.random.default_rng(6)
    for n in (1, 4):
        for _ in range(20):
            x, w, truth, theta = rng.standard_normal(n), rng.standard_normal(n), rng.standard_normal(n), rng.random()
            compare(call(answer, x, w, truth, theta, name="lie"), np.copysign(theta, (w - truth) @ x), name="lie")


def floor(theta, sigma):
    return 2 * np.sqrt(2 / np.pi) * theta / sigma


def hidden_floor(answer):
    from robustnn_core import laws, nets, neurotron
    for theta, sigma in ((0.1, 1.0), (0.117, 4.0), (3.0, 0.5)):
        known = neurotron.constants(nets.SingleFilterNet.gate(4), laws.Gaussian(4, sigma))
        limit = neurotron.sharp_floor(known, theta=theta, eta=1e-9)
        compare(call(answer, theta, sigma, name="floor"), limit, name="floor", tol=1e-4)
