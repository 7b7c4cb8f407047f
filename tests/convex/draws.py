"""Random nets and problems that several test files share."""

import numpy as np

from robustnn_core import nets


def draw(seed, d, units, points=1):
    """A random net, points and sides."""
    rng = np.random.default_rng(seed)
    net = nets.ReLUSum(rng.standard_normal((units, d)) / np.sqrt(d), rng.choice([-1.0, 1.0], units))
    return net, rng.standard_normal((points, d)), rng.choice([-1.0, 1.0], points)


def problem(seed, n=10, d=3, loss="hinge"):
    """Random points with a constant column, and labels or numbers."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.uniform(-1, 1, (n, d - 1)), np.ones(n)])
    return X, rng.standard_normal(n) if loss == "squared" else rng.choice([-1.0, 1.0], n)
