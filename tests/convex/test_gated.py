import warnings

import cvxpy as cp
import numpy as np
import pytest

from robustnn_core import checks, convex


def problem(seed, n=20, d=3, loss="squared"):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.standard_normal((n, d - 1)), np.ones(n)])
    y = rng.standard_normal(n) if loss == "squared" else rng.choice([-1.0, 1.0], n)
    return X, y, convex.sample_patterns(X, 15, seed=seed)


def group_lasso(X, y, active, beta, loss):
    """d*, plainly."""
    U = cp.Variable((X.shape[1], active.shape[1]))
    p = cp.sum(cp.multiply(active.astype(float), X @ U), axis=1)
    if loss == "squared":
        value = 0.5 * cp.sum_squares(p - y)
    elif loss == "hinge":
        value = cp.sum(cp.pos(1 - cp.multiply(y, p))) / len(y)
    else:
        value = cp.sum(cp.logistic(-cp.multiply(y, p))) / len(y)
    return cp.Problem(cp.Minimize(value + beta * cp.sum(cp.norm(U, 2, axis=0)))).solve(solver=cp.CLARABEL)


@pytest.mark.parametrize("loss", ["squared", "logistic", "hinge"])
def test_the_bracket(loss):
    beta = 0.3 if loss == "squared" else 0.01
    gap = 0.2 if loss == "hinge" else 1e-4
    for seed in range(5):
        X, y, patterns = problem(seed, loss=loss)
        g = convex.fit_gated(X, y, patterns, beta=beta, loss=loss, gap=gap, max_iter=20_000)
        truth = group_lasso(X, y, patterns.active, beta, loss)
        assert g.converged and g.lower_bound - 1e-6 * truth <= truth <= g.relaxed * (1 + 1e-6)
        fit = convex.fit(X, y, patterns, beta=beta, loss=loss, gap=1e-5)
        assert g.lower_bound <= fit.objective and fit.lower_bound <= g.objective
        # rounding keeps the predictions, lies in the cones, and costs what the proposition says
        p = (patterns.active * (X @ g.u)).sum(axis=1)
        np.testing.assert_allclose((patterns.active * (X @ (g.v - g.w))).sum(axis=1), p, atol=1e-7)
        sides = np.where(patterns.active, 1.0, -1.0)
        assert (sides * (X @ g.v)).min() >= -1e-12 and (sides * (X @ g.w)).min() >= -1e-12
        lengths = np.linalg.norm(g.u, axis=0)
        assert g.objective <= g.relaxed + 2 * beta * (lengths / g.margins).sum() + 1e-9
        assert (np.diff(g.trace.lower_bound) >= 0).all() and (np.diff(g.trace.relaxed) <= 0).all()


def test_margins_are_the_largest():
    X, _, patterns = problem(1, 12, 3)
    A, rho = convex.gated.cone_margins(X, patterns)
    rows = X / np.linalg.norm(X, axis=1)[:, None]
    for i in range(patterns.count):
        a, t = cp.Variable(3), cp.Variable()
        side = np.where(patterns.active[:, i], 1.0, -1.0)
        best = cp.Problem(cp.Maximize(t), [cp.multiply(side, rows @ a) >= t, cp.norm(a) <= 1]).solve(solver=cp.CLARABEL)
        assert abs(rho[i] - best) < 1e-6 and abs((side * (rows @ A[:, i])).min() - rho[i]) < 1e-12


def test_a_budget_that_runs_out_is_said():
    X, y, patterns = problem(0)
    with pytest.warns(checks.ConvergenceWarning, match="convex.fit_gated stopped short") as caught:
        g = convex.fit_gated(X, y, patterns, beta=0.01, gap=1e-9, max_iter=12)
    assert len(caught) == 1 and not g.converged
    assert g.lower_bound <= convex.fit(X, y, patterns, beta=0.01).objective


def test_bad_input():
    X, y, patterns = problem(0)
    for arguments, options, message in (
        ((X, y, None), {}, "^patterns = None must be Patterns"),
        ((X[:5], y[:5], patterns), {}, "^patterns are for n = 20 points"),
        ((X, y, patterns), {"beta": 0.0}, "^beta = 0.0 must be > 0"),
        ((X, y, patterns), {"loss": "hinge"}, "^y contains"),
        ((X, y, patterns), {"loss": "zero"}, "^loss = 'zero' must be one of"),
        ((X, y, patterns), {"gap": 0.0}, "^gap = 0.0 must be > 0"),
        ((X, y, patterns), {"max_iter": 0}, "^max_iter = 0.0 must be >= 1"),
        ((X, y, patterns), {"max_seconds": 0.0}, "^max_seconds = 0.0 must be > 0"),
    ):
        with pytest.raises(ValueError, match=message), warnings.catch_warnings():
            warnings.simplefilter("error")
            convex.fit_gated(*arguments, **{"beta": 0.1, **options})
    with pytest.raises(ValueError, match="^patterns = NoneType must be"):
        convex.gated.cone_margins(X, None)
