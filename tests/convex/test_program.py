"""What every solver shares: checks of the data, rounding outwards, the net of a solution."""

import numpy as np
import pytest

from robustnn_core import convex
from robustnn_core.convex import losses, program


def test_the_projection_bounds_the_cone():
    rng = np.random.default_rng(0)
    for _ in range(20):
        Z, g = rng.standard_normal((6, 3)), rng.standard_normal(3)
        mu = program.project(Z, g)
        assert (mu >= 0.0).all()
        u = rng.standard_normal((3, 4000))
        u /= np.linalg.norm(u, axis=0)
        u = u[:, (Z @ u >= 0.0).all(axis=0)]
        assert u.shape[1] == 0 or (g @ u).max() <= np.linalg.norm(g + mu @ Z) + 1e-12


@pytest.mark.parametrize("loss", losses.NAMES)
def test_the_ceiling_is_above_every_prediction_within_the_slack(loss):
    rng = np.random.default_rng(1)
    y = rng.standard_normal(9) if loss == "squared" else rng.choice([-1.0, 1.0], 9)
    p, slack, lengths = rng.standard_normal(9), rng.uniform(0.0, 0.5, 9), rng.uniform(0.0, 1.0, 4)
    top = program.objective_ceiling(loss, y, 0.3, p, slack, lengths)
    for _ in range(200):
        near = p + slack * rng.choice([-1.0, 1.0], 9)
        assert losses.get(loss).value(near, y) + 0.3 * lengths.sum() <= top


def test_the_net_of_the_blocks():
    v, w = np.array([[1.0, 0.0], [2.0, 0.0]]), np.array([[0.0, -1.0], [0.0, 0.5]])
    net = program.recover_net(v, w)
    assert net.weights.tolist() == [[1.0, 2.0], [-1.0, 0.5]] and net.signs.tolist() == [1.0, -1.0]
    assert (program.recover_net(0.0 * v, 0.0 * w).predict(np.eye(2)) == 0.0).all()


def test_a_fit_of_other_data_is_refused():
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((8, 3)), rng.standard_normal(8)
    f = convex.fit(X, y, convex.sample_patterns(X, 4, seed=0), beta=0.1)
    assert program.check_fit(X, y, f)[2] >= f.objective
    with pytest.raises(ValueError, match="give the data it was fitted to"):
        program.check_fit(X, 2.0 * y, f)
