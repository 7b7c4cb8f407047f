import warnings

import numpy as np
import pytest

from robustnn_core import convex
from robustnn_core.convex import verify
from tests.convex import reference_robust
from tests.convex.draws import draw


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
    ):
        with pytest.raises(ValueError, match=message), warnings.catch_warnings():
            warnings.simplefilter("error")
            call()
