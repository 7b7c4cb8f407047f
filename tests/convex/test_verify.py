import time
import warnings
from fractions import Fraction

import numpy as np
import pytest

from robustnn_core import convex, nets
from robustnn_core.convex import verify
from tests.convex import reference_robust, reference_verify


def draw(seed, d, units, points=1):
    rng = np.random.default_rng(seed)
    net = nets.ReLUSum(rng.standard_normal((units, d)) / np.sqrt(d), rng.choice([-1.0, 1.0], units))
    return net, rng.standard_normal((points, d)), rng.choice([-1.0, 1.0], points)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_from_the_crudest_to_the_exact(norm):
    wider = np.zeros(3)
    for seed in range(25):
        net, X, sides = draw(seed, 4, 8, 3)
        found = [
            verify.net_bounds(net, X, sides, radius=0.4, bias=3, norm=norm, method=method) for method in verify.METHODS
        ]
        for i in range(3):
            assert (found[i].low <= found[i + 1].low + 1e-9).all()
            wider[i] += (found[i + 1].low - found[i].low).sum()
        exact = found[-1]
        assert exact.converged and (exact.reached - exact.low <= 1e-6).all() and (exact.low <= exact.reached).all()
        np.testing.assert_allclose(sides * net.predict(X + exact.moves), exact.reached, atol=1e-12)
        reach = np.abs(exact.moves).max() if norm == "linf" else np.linalg.norm(exact.moves, axis=1).max()
        assert reach <= 0.4 * (1 + 1e-12) and not exact.moves[:, 3].any()
    assert (wider > 0.5).all()


def test_one_choice_of_lines_can_fall_below_the_interval_bound():
    """Why ``line`` tries two: below one agreeing unit with -lo < hi the line z alone is worse than 0."""
    net = nets.ReLUSum([[1.0]], [1])
    for method in verify.METHODS:
        assert verify.net_bounds(net, [[0.25]], [1], radius=1.0, method=method).low[0] > -1e-14


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


def test_the_robust_programs_own_worst_case():
    X = np.column_stack([np.random.default_rng(0).uniform(-1, 1, (12, 2)), np.ones(12)])
    y = np.where(X[:, 0] > 0, 1.0, -1.0)
    e = np.array([0.02, 0.02, 0.0])
    fit = convex.fit_robust(X, y, convex.sample_patterns(X, 60, seed=1), beta=1e-2, radius=e)
    for exact in (False, True):
        found = verify.worst_case_loss(fit.net, X, y, radius=e, exact=exact)
        assert found.exact and abs(found.loss - fit.worst_loss) <= 1e-9 and abs(found.reached - fit.worst_loss) <= 1e-9


@pytest.mark.parametrize("loss", ["hinge", "logistic", "squared"])
def test_worst_case_against_a_grid(loss):
    for seed in range(8):
        net, X, y = draw(seed, 2, 6, 5)
        e = np.array([0.3, 0.2])
        pass_, exact = (verify.worst_case_loss(net, X, y, radius=e, loss=loss, exact=x) for x in (False, True))
        grid = reference_robust.worst_loss_on_a_grid(net, X, y, e, loss, 41)
        assert grid <= exact.loss + 1e-12 and exact.loss <= pass_.loss + 1e-9
        assert exact.exact and abs(exact.loss - exact.reached) <= 2e-5 and exact.loss - grid < 0.1


def test_24_units_in_ten_dimensions():
    """2 to 12 units that change their sign: a second is the goal, on an idle core."""
    took = []
    for seed in range(6):
        net, X, y = draw(seed, 10, 24)
        clock = time.perf_counter()
        found = verify.net_bounds(net, X, y, radius=0.15, method="exact")
        took.append(time.perf_counter() - clock)
        assert found.converged and found.reached[0] - found.low[0] <= 1e-6
    assert np.median(took) < 1.0


def test_a_budget_that_runs_out_is_said():
    net, X, y = draw(2, 10, 60, 2)
    with pytest.warns(convex.verify.checks.ConvergenceWarning, match="bracket of width") as caught:
        found = verify.worst_case_loss(net, X, y, radius=0.4, exact=True, max_nodes=3)
    assert len(caught) == 1 and not found.exact and found.reached < found.loss
    full = verify.worst_case_loss(net, X, y, radius=0.1, exact=True)
    assert full.exact


@pytest.mark.parametrize("exact", [False, True])
def test_certified_accuracy(exact):
    net, X, y = draw(3, 5, 12, 200)
    y = np.sign(net.predict(X))
    found = verify.certified_accuracy(net, X, y, radius=0.05, confidence=0.95, exact=exact)
    assert 0.0 < found.low < found.certified <= found.attacked < 1.0
    assert not exact or found.certified == found.attacked
    # Clopper and Pearson: at the bound as many successes have probability 1 - confidence
    from scipy.stats import binom

    assert abs(binom.sf(round(200 * found.certified) - 1, 200, found.low) - 0.05) < 1e-9


def test_mixing():
    net, X, y = draw(4, 3, 6, 50)
    accurate = nets.ReLUSum(8.0 * net.weights, net.signs)

    class Opaque:
        predict = staticmethod(accurate.predict)

    for a in (0.0, 0.2, 0.4):
        known, opaque = convex.mix(net, accurate, weight=a), convex.mix(net, Opaque(), weight=a)
        margin = known.certified_margin(X, y, radius=0.1)
        assert (opaque.certified_margin(X, y, radius=0.1) <= margin + 1e-15).all()
        for seed in range(20):
            moves = 0.1 * np.random.default_rng(seed).choice([-1.0, 1.0], X.shape)
            assert (margin <= y * known.predict(X + moves) + 1e-12).all()
        robust = np.clip(verify.net_bounds(net, X, y, radius=0.1).low, -1, 1)
        assert ((opaque.certified_margin(X, y, radius=0.1) > 1e-12) == (robust > a / (1 - a) + 1e-12)).all()


def test_bad_input():
    net, X, y = draw(0, 3, 4, 2)
    for call, message in (
        (lambda: verify.net_bounds(None, X, y, radius=0.1), "^net = NoneType must be a nets.ReLUSum"),
        (lambda: verify.net_bounds(net, X[:, :2], y, radius=0.1), "^net has units in dimension 3, X has 2 columns"),
        (lambda: verify.net_bounds(net, X, [0, 1], radius=0.1), "^sides contains 0.0"),
        (lambda: verify.net_bounds(net, X, y, radius=-1.0), "^radius = -1.0 must be >= 0"),
        (lambda: verify.net_bounds(net, X, y, radius=[0.1, 0.1, 0.1], bias=2), r"^radius\[2\] = 0.1 moves column 2"),
        (lambda: verify.net_bounds(net, X, y, radius=0.1, norm="l1"), "^norm = 'l1' must be one of 'linf', 'l2'"),
        (lambda: verify.net_bounds(net, X, y, radius=0.1, method="ibp"), "^method = 'ibp' must be one of"),
        (lambda: verify.net_bounds(net, X, y, radius=0.1, tol=0.0), "^tol = 0.0 must be > 0"),
        (lambda: verify.worst_case_loss(net, X, [1, 2], radius=0.1), "^y contains 2.0; every entry must be"),
        (lambda: verify.worst_case_loss(net, X, y, radius=0.1, loss="zero"), "^loss = 'zero' must be one of"),
        (lambda: verify.certified_accuracy(net, X, y, radius=0.1, confidence=0.5), "^confidence = 0.5 must be > 0.5"),
        (lambda: convex.mix(net, net, weight=1.0), "^weight = 1.0 must be >= 0 and < 1"),
        (lambda: convex.mix(net, None, weight=0.1), "^accurate_net = NoneType must have a method predict"),
        (lambda: convex.mix(None, net, weight=0.1), "^robust_net = NoneType must be a nets.ReLUSum"),
    ):
        with pytest.raises(ValueError, match=message), warnings.catch_warnings():
            warnings.simplefilter("error")
            call()
