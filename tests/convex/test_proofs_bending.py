import numpy as np
import pytest

from robustnn_core import convex, nets
from robustnn_core.convex.proofs import bending as proofs_bending


def draw(seed, n=6, m=5):
    rng = np.random.default_rng(seed)
    net = nets.ReLUSum(rng.standard_normal((m, 3)), rng.choice([-1.0, 1.0], m))
    return net, rng.standard_normal((n, 3)), rng.choice([-1.0, 1.0], n), rng.uniform(0, 1, (n, m))


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_bounds(norm):
    for seed in range(10):
        net, X, y, slopes = draw(seed)
        proofs_bending.bending_bound(net, X, y, slopes, radius=0.5, bias=2, norm=norm).assert_holds()
        proofs_bending.bending_squared(net, X, y, radius=0.5, bias=2, norm=norm).assert_holds()
        if norm == "linf":
            proofs_bending.relaxation(net, X, y, radius=0.5, bias=2).assert_holds()


@pytest.mark.parametrize("loss", ["hinge", "logistic", "squared"])
def test_never_worse(loss):
    rng = np.random.default_rng(0)
    X, y = np.column_stack([rng.uniform(-1, 1, (8, 2)), np.ones(8)]), rng.choice([-1.0, 1.0], 8)
    patterns = convex.sample_patterns(X, 15, seed=0)
    fit = convex.fit_robust(X, y, patterns, beta=0.02, radius=0.03, bias=2, loss=loss)
    proofs_bending.never_worse(fit, X, y).assert_holds()


@pytest.mark.parametrize("loss", ["logistic", "squared"])
def test_gated(loss):
    rng = np.random.default_rng(1)
    X, y = np.column_stack([rng.uniform(-1, 1, (12, 2)), np.ones(12)]), rng.choice([-1.0, 1.0], 12)
    patterns = convex.sample_patterns(X, 15, seed=0)
    beta = 0.02 if loss == "logistic" else 0.2
    reference = convex.fit(X, y, patterns, beta=beta, loss=loss)
    fit = convex.fit_gated(X, y, patterns, beta=beta, loss=loss)
    proofs_bending.gated_bracket(fit, X, y, reference=reference).assert_holds()


def test_bad_input():
    net, X, y, slopes = draw(0)
    with pytest.raises(ValueError, match="^net = NoneType"):
        proofs_bending.bending_bound(None, X, y, slopes, radius=0.1)
    with pytest.raises(ValueError, match="^radius moves 13 columns"):
        wide = nets.ReLUSum(np.ones((1, 13)), [1])
        proofs_bending.bending_squared(wide, np.ones((1, 13)), [1.0], radius=0.1)
    with pytest.raises(ValueError, match="^fit = NoneType must be a convex.RobustFit"):
        proofs_bending.never_worse(None, X, y)
    with pytest.raises(ValueError, match="^fit = NoneType must be a convex.GatedFit"):
        proofs_bending.gated_bracket(None, X, y, reference=None)
