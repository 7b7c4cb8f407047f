"""What a loss inherits, on every loss there is."""

import numpy as np
import pytest

from tests.convex.test_losses import ALL, N, data


@pytest.mark.parametrize("loss", ALL, ids=str)
def test_the_best_scale(loss):
    for seed in range(20):
        rng, p, y = data(loss, seed)
        z, top = loss.clip(rng.standard_normal(N), y), rng.uniform(0.1, 3.0)
        theta, value = loss.scale(z, y, top)
        assert 0.0 <= theta <= top and value == loss.floor(theta * z, y) <= loss.dual(theta * z, y)
        others = [loss.dual(a * z, y) for a in np.linspace(0.0, top, 400)]
        assert value >= max(others) - 1e-6 * max(1.0, abs(value))


@pytest.mark.parametrize("loss", ALL[:3], ids=str)
def test_worst_loss_of_a_moved_prediction(loss):
    rng, m, y = data(loss, 0)
    spread = rng.uniform(0.0, 1.0, N)
    moves = m[:, None] + spread[:, None] * np.linspace(-1.0, 1.0, 5)
    worst = loss.points(moves, y).max(axis=1)
    np.testing.assert_allclose(loss.worst(m, spread, y), worst, rtol=1e-12)
