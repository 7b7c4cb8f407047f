"""Data that several tests of this wing are about."""

import numpy as np

from robustnn_core import breakdown, nets, streams


def data(seed, n, p, wrong=0.2, noise=0.0):
    """A Gaussian linear model, the first ``wrong`` of its labels corrupted: X, y and the coefficients."""
    rng = streams.generator(seed)
    X, w = rng.standard_normal((n, p)), rng.standard_normal(p)
    y = X @ w + noise * rng.standard_normal(n)
    y[: int(wrong * n)] += 20.0 * rng.standard_normal(int(wrong * n))
    return X, y, w


def problem(seed, n, d, signs, fraction=0.0, adversary=None, noise=0.0):
    """Orthogonal units under an adversary: X, y, the net and its labels."""
    rng = streams.generator(seed)
    X = rng.standard_normal((n, d))
    net = nets.ReLUSum(np.linalg.qr(rng.standard_normal((d, d)))[0][: len(signs)], signs)
    truth = net.predict(X)
    y = truth + noise * rng.standard_normal(n)
    if adversary is not None:
        y, _ = breakdown.corrupt(X, y, fraction=fraction, adversary=adversary, seed=rng, model=net)
    return X, y, net, truth
