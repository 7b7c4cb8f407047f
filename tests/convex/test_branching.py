from fractions import Fraction

import numpy as np
import pytest

from robustnn_core.convex import verify
from tests.convex import reference_verify
from tests.convex.draws import draw


@pytest.mark.parametrize("seed", range(20))
def test_one_dimension_in_exact_arithmetic(seed):
    net, X, sides = draw(seed, 2, 7)
    found = verify.net_bounds(net, X, sides, radius=[1.5, 0.5], method="exact")
    along = verify.net_bounds(net, X, sides, radius=[1.5, 0.0], method="exact")
    truth = reference_verify.least_on_a_segment(net.weights, sides * net.signs, X[0], [1.5, 0.0])
    assert Fraction(along.low[0]) <= truth <= along.reached[0] + 1e-12
    assert Fraction(found.low[0]) <= truth


@pytest.mark.parametrize("seed", range(20))
def test_two_dimensions_at_every_vertex_and_on_a_grid(seed):
    net, X, sides = draw(seed, 2, 9)
    e = np.array([1.2, 0.7])
    found = verify.net_bounds(net, X, sides, radius=e, method="exact")
    truth = reference_verify.least_in_the_plane(net.weights, sides * net.signs, X[0], e)
    assert found.low[0] <= truth + 1e-9 and abs(found.reached[0] - truth) <= 1e-6
    line = np.linspace(-1, 1, 101)
    grid = X[0] + e * np.array(np.meshgrid(line, line)).reshape(2, -1).T
    assert (sides[0] * net.predict(grid)).min() >= found.low[0] - 1e-12
    ball = verify.net_bounds(net, X, sides, radius=e, norm="l2", method="exact")
    inside = grid[((grid - X[0]) ** 2 / e**2).sum(axis=1) <= 1]
    least = (sides[0] * net.predict(inside)).min()
    assert ball.low[0] <= least + 1e-12 and least - ball.low[0] < 0.2


@pytest.mark.parametrize("seed", range(6))
def test_every_choice_of_signs(seed):
    net, X, sides = draw(seed, 4, 6)
    found = verify.net_bounds(net, X, sides, radius=0.8, method="exact")
    e = np.full(4, 0.8)
    assert abs(found.low[0] - reference_verify.least_by_all_signs(net.weights, sides * net.signs, X[0], e)) <= 2e-6


def test_24_units_in_ten_dimensions():
    """2 to 12 units that change their sign: the bracket closes within the budget."""
    for seed in range(6):
        net, X, y = draw(seed, 10, 24)
        found = verify.net_bounds(net, X, y, radius=0.15, method="exact")
        assert found.converged and found.reached[0] - found.low[0] <= 1e-6
