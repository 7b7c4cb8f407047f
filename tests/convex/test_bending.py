import warnings

import numpy as np
import pytest

from robustnn_core import checks, convex, nets
from robustnn_core.convex import datasets, losses
from tests.convex import reference_bending, reference_robust
from tests.convex.draws import problem


@pytest.mark.parametrize("loss", ["hinge", "logistic", "squared"])
def test_never_worse_than_the_robust_program(loss):
    """200 instances over the three losses; with its patterns, and from its net."""
    better = 0
    for seed in range({"hinge": 80, "logistic": 60, "squared": 60}[loss]):
        X, y = problem(seed, 7, 3, loss)
        patterns = convex.sample_patterns(X, 12, seed=seed)
        radius = np.array([0.05, 0.02, 0.0])
        try:
            with warnings.catch_warnings():  # its objective is what counts, whatever its gap
                warnings.simplefilter("ignore", checks.ConvergenceWarning)
                source = convex.fit_robust(X, y, patterns, beta=0.02, radius=radius, loss=loss, gap=1e-5)
        except ValueError as error:
            assert "leaves none" in str(error)
            continue
        same = convex.fit_bending(X, y, patterns, radius=radius, beta=0.02, loss=loss, gap=1e-6)
        assert same.converged and same.objective <= source.objective * (1 + 2e-6)
        after = convex.fit_bending(X, y, source.net, radius=radius, beta=0.02, loss=loss, gap=1e-4)
        assert after.objective <= source.objective * (1 + 1e-9)
        better += same.objective < 0.99 * source.objective
    assert better >= 10


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("loss", ["hinge", "logistic", "squared"])
def test_rounds_never_rise_and_certify(loss, norm):
    for seed in range(4):
        X, y = problem(seed, 12, 3, loss)
        patterns = convex.sample_patterns(X, 10, seed=seed)
        f = convex.fit_bending(X, y, patterns, radius=0.15, bias=2, beta=0.01, norm=norm, loss=loss, rounds=4, gap=1e-4)
        assert f.converged and (np.diff(f.trace.objective) <= 0).all() and len(f.trace) == 5
        assert f.trace.objective[-1] < f.trace.objective[0]
        assert abs(f.objective - f.trace.objective[-1]) <= 1e-9 * f.objective
        assert f.slopes.min() >= 0.0 and f.slopes.max() <= 1.0
        worst = convex.worst_case_loss(f.net, X, y, radius=0.15, bias=2, norm=norm, loss=loss, exact=True)
        lengths = np.linalg.norm(f.net.weights, axis=1).sum()
        assert worst.reached + 0.01 * lengths <= f.objective + 1e-9
        assert worst.loss + 0.01 * lengths <= f.objective + 1e-4
        if norm == "linf":
            grid = reference_robust.worst_loss_on_a_grid(f.net, X, y, f.radius, loss, 21)
            assert grid + 0.01 * lengths <= f.objective + 1e-9


def test_from_a_net():
    X, y = datasets.plane("ring", 40, 0)
    start = convex.train_gradient(X, y, width=24, beta=1e-3, attack="pgd", radius=0.08, bias=2, steps=500, seed=0)
    certificate = convex.worst_case_loss(start.net, X, y, radius=0.08, bias=2).loss
    certificate += 1e-3 * np.linalg.norm(start.net.weights, axis=1).sum()
    f = convex.fit_bending(X, y, start.net, radius=0.08, bias=2, beta=1e-3, rounds=3)
    assert f.objective < 0.9 * certificate and f.trace.objective[0] <= certificate + 1e-12


def test_without_a_radius_it_is_the_majoriser():
    """e = 0: m_k = y f(x_k) at slopes 1[x.u > 0], and one program is one step of the difference of convex functions."""
    X, y = problem(3, 12, 3)
    net = nets.ReLUSum(np.random.default_rng(0).standard_normal((6, 3)), [1, 1, 1, -1, -1, -1])
    np.testing.assert_allclose(convex.bending_margins(net, X, y, radius=0.0), y * net.predict(X), atol=1e-12)
    f = convex.fit_bending(X, y, net, radius=0.0, beta=0.01, rounds=3, gap=1e-6)
    value = np.maximum(1 - y * f.net.predict(X), 0).mean() + 0.01 * np.linalg.norm(f.net.weights, axis=1).sum()
    assert abs(value - f.objective) < 1e-9 and f.converged


def test_disjoint_boxes_and_all_patterns_are_not_enough():
    """Points -4, 0, 4: the robust program stops at (1 + 2 sqrt 2) beta, a bending net costs (2 + sqrt 3) beta."""
    X, y, beta, eps = np.array([[-4.0, 1.0], [0.0, 1.0], [4.0, 1.0]]), [-1, 1, -1], 1e-3, 1.0
    source = convex.fit_robust(X, y, convex.enumerate_patterns(X), beta=beta, radius=eps, bias=1, gap=1e-7)
    assert abs(source.objective / beta - (1 + 2 * np.sqrt(2))) < 1e-4
    c = 1 / np.sqrt(3)
    net = nets.ReLUSum([[0.0, 1 + eps - c], [1.0, -c], [-1.0, -c]], [1, -1, -1])
    worst = convex.worst_case_loss(net, X, y, radius=eps, bias=1, exact=True)
    assert worst.loss < 1e-6
    assert abs(np.linalg.norm(net.weights, axis=1).sum() - (2 + np.sqrt(3))) < 1e-9
    f = convex.fit_bending(X, y, net, radius=eps, bias=1, beta=beta, gap=1e-7, rounds=3)
    assert f.objective < source.lower_bound - 0.02 * beta


def test_faster_than_cvxpy_on_the_same_program():
    """Small here; benchmarks/convex_bending.py has n = 40, d = 65, 48 units."""
    X, y = problem(0, 20, 8)
    patterns = convex.sample_patterns(X, 10, seed=0)
    f = convex.fit_bending(X, y, patterns, radius=0.05, bias=7, beta=1e-3, gap=1e-6)
    slopes = np.tile(patterns.active.astype(float), (1, 2))
    e = np.append(np.full(7, 0.05), 0.0)
    value, _ = reference_bending.bending_optimum(X, y, f.signs, slopes, 1e-3, e, "linf", "hinge")
    assert f.lower_bound <= value * (1 + 1e-5) and value <= f.trace.objective[-1] * (1 + 1e-2) + 1e-2


def test_a_budget_that_runs_out_is_said():
    X, y = problem(0)
    patterns = convex.sample_patterns(X, 10, seed=0)
    with pytest.warns(checks.ConvergenceWarning, match="convex.fit_bending stopped short") as caught:
        f = convex.fit_bending(X, y, patterns, radius=0.1, bias=2, beta=1e-2, max_iter=3, rounds=2)
    assert len(caught) == 1 and not f.converged and f.objective <= 1.0 + 1e-9


def test_progress(capsys):
    X, y = problem(0)
    convex.fit_bending(X, y, convex.sample_patterns(X, 5, seed=0), radius=0.1, beta=1e-2, rounds=2, progress=True)
    assert capsys.readouterr().out.count("certified") == 2


def test_bad_input():
    X, y = problem(0)
    patterns = convex.sample_patterns(X, 5, seed=0)
    net = nets.ReLUSum(np.ones((2, 3)), [1, -1])
    good = {"radius": 0.1, "beta": 0.1}
    for arguments, options, message in (
        ((X, y, None), {}, "^patterns_or_net = NoneType must be a convex.Patterns or a nets.ReLUSum"),
        ((X[:9], y[:9], patterns), {}, "^patterns_or_net has patterns of 10 points"),
        ((X[::-1], y, patterns), {}, r"^patterns_or_net.gates\[:, \d\] does not make the pattern"),
        ((X[:, :2], y, net), {}, "^patterns_or_net has units in dimension 3, X has 2 columns"),
        ((X, 2 * y, patterns), {}, "^y contains .*2.0; every entry must be"),
        ((X, y, patterns), {"beta": 0.0}, "^beta = 0.0 must be > 0"),
        ((X, y, patterns), {"norm": "l1"}, "^norm = 'l1' must be one of"),
        ((X, y, patterns), {"loss": "zero"}, "^loss = 'zero' must be one of"),
        ((X, y, patterns), {"rounds": 0}, "^rounds = 0.0 must be >= 1"),
        ((X, y, patterns), {"gap": 0.0}, "^gap = 0.0 must be > 0"),
        ((X, y, patterns), {"max_iter": 0}, "^max_iter = 0.0 must be >= 1"),
        ((X, y, patterns), {"radius": [0.1] * 3, "bias": 2}, r"^radius\[2\] = 0.1 moves column 2"),
        ((X, y, net), {"slopes": np.full((10, 2), 1.5)}, r"^slopes contains 1.5; a slope lies in \[0, 1\]"),
        ((X, y, net), {"slopes": np.full((10, 3), 0.5)}, r"^slopes has shape \(10, 3\)"),
    ):
        with pytest.raises(ValueError, match=message), warnings.catch_warnings():
            warnings.simplefilter("error")
            convex.fit_bending(*arguments, **{**good, **options})
    with pytest.raises(ValueError, match=r"^slopes contains -1.0"):
        convex.bending_margins(net, X, y, radius=0.1, slopes=-np.ones((10, 2)))
    with pytest.raises(ValueError, match="robust form"):
        convex.fit_bending(X, y, net, radius=0.1, beta=0.1, loss=losses.Huber(1.0))
