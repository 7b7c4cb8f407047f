"""The splitting, for many points."""

import numpy as np
import pytest

from robustnn_core import convex
from robustnn_core.convex import admm, datasets, losses

BETA = {"squared": 0.5, "hinge": 0.01, "logistic": 0.01}


def test_nearest_point_of_a_cone():
    rng = np.random.default_rng(0)
    for _ in range(50):
        A, a = rng.standard_normal((40, 5)), rng.standard_normal(5)
        e, u = np.sign(A @ a), rng.standard_normal(5)
        v = admm.nearest(u, e, A)
        assert (e * (A @ v)).min() >= -1e-10
        assert v @ (u - v) == pytest.approx(0.0, abs=1e-10)  # Moreau: the rest is orthogonal to the point ...
        inside = rng.standard_normal((5, 2000)) + 3.0 * a[:, None]
        inside = inside[:, (e[:, None] * (A @ inside) >= 0).all(axis=0)]
        assert ((u - v) @ inside <= 1e-9).all()  # ... and in the polar cone


@pytest.mark.parametrize("loss", losses.NAMES)
def test_admm_with_thin_cones(loss):
    # 300 points leave cones so thin that a shift along the gate costs more than the whole penalty
    X, y, patterns = datasets.problem(300, 3, 10, loss=loss, seed=0)
    exact = convex.fit(X, y, patterns, beta=BETA[loss], loss=loss, gap=1e-6)
    f = convex.fit(X, y, patterns, beta=BETA[loss], loss=loss, gap=1e-2, method="admm", max_iter=1500)
    assert exact.converged and f.converged
    assert f.lower_bound <= exact.objective and exact.lower_bound <= f.objective
    E = 2.0 * patterns.active - 1.0
    assert (E * (X @ f.v)).min() >= 0 and (E * (X @ f.w)).min() >= 0
