import numpy as np
import pytest

from robustnn_core import breakdown, streams
from robustnn_core.breakdown import _lifted
from tests.breakdown import reference
from tests.breakdown.made import problem


@pytest.mark.parametrize("K", [2, 7])
def test_normal_equations_of_both_assemblies(K):
    rng = streams.generator(K)
    n, d = 50, 2
    X, U, r = rng.standard_normal((n, d)), rng.standard_normal((K, d)), rng.standard_normal(n)
    s = np.where(rng.random(K) < 0.5, 1.0, -1.0)
    use = rng.random(n) < 0.7
    gram, side, H, b = _lifted.work_arrays(d, K)
    _lifted.accumulate(X, X @ U.T > 0, s, r, use, gram, side, H, b, True)
    Z = reference.lifted(U, s, X)[use]
    np.testing.assert_allclose(np.tril(H), np.tril(Z.T @ Z), atol=1e-12)
    np.testing.assert_allclose(b, Z.T @ r[use], atol=1e-12)


def test_many_units_use_the_direct_assembly():
    X, y, _, _ = problem(8, 200, 8, [1, -1] * 4, noise=0.1)
    fit = breakdown.fit_partition(X, y, signs=[1, -1] * 4, keep=150, init="random", starts=1, seed=0)
    assert (np.diff(fit.trace.objective) <= 0).all() and fit.iterations > 0
