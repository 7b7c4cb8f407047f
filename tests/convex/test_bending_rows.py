import numpy as np
import pytest

from robustnn_core import convex, nets
from tests.convex import reference_bending
from tests.convex.draws import problem


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_theorem_on_random_nets(norm):
    """Any units, any slopes, any move; and the bound is reached somewhere."""
    least = np.inf
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X, y = problem(seed, 5, 3)
        net = nets.ReLUSum(rng.standard_normal((4, 3)), rng.choice([-1.0, 1.0], 4))
        slopes, e = rng.uniform(0, 1, (5, 4)), np.array([0.4, 0.2, 0.0])
        slopes[rng.random((5, 4)) < 0.3] = 0.0
        slopes[rng.random((5, 4)) < 0.3] = 1.0
        found = convex.bending_margins(net, X, y, radius=e, slopes=slopes, norm=norm)
        for k in range(5):
            plain = reference_bending.margin(net.weights, net.signs, X[k], y[k], slopes[k], e, norm)
            assert abs(found[k] - plain) < 1e-12
        moves = rng.standard_normal((500, 3))
        moves /= np.abs(moves).max(axis=1)[:, None] if norm == "linf" else np.linalg.norm(moves, axis=1)[:, None]
        for k in range(5):
            slack = (y[k] * net.predict(X[k] + e * moves)).min() - found[k]
            assert slack >= -1e-12
            least = min(least, slack)
        assert (
            convex.bending_margins(net, X, y, radius=e, norm=norm)
            <= convex.net_bounds(net, X, y, radius=e, norm=norm, method="exact").low + 1e-6
        ).all()
    assert least < 0.05
