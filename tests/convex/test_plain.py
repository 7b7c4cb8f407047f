"""The interior point of the plain program."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from robustnn_core import convex
from robustnn_core.convex import _cones, _plain, datasets, dense, losses

BETA = {"squared": 0.5, "hinge": 0.01, "logistic": 0.01}


@pytest.mark.parametrize("together", [0, 10**9])
@pytest.mark.parametrize("dtype, room", [(np.float64, 1e-10), (np.float32, 2e-3)])
def test_the_two_blocks_of_a_pattern_act_as_one(together, dtype, room, monkeypatch):
    X, _, patterns = datasets.problem(60, 5, 7, seed=0)
    monkeypatch.setattr(_plain, "TOGETHER", together)
    K = _plain.Blocks(X, patterns.active.astype(float))
    rng = np.random.default_rng(0)
    A, root = rng.standard_normal((14, 5, 9)), rng.uniform(0.5, 2.0, 60)
    H = A @ A.transpose(0, 2, 1)
    half, whole = _cones.inverse_factors(H.astype(dtype), whole=True)
    np.testing.assert_allclose(half.transpose(0, 2, 1) @ half, np.linalg.inv(H), rtol=room, atol=room)
    M = K.meeting(root, _plain.roots(whole))
    F, _ = dense.blocks(X, patterns)
    full = np.eye(60) + np.einsum("k,bki,bij,blj,l->kl", root, F, np.linalg.inv(H), F, root)
    assert M.dtype == dtype
    np.testing.assert_allclose(np.tril(M), np.tril(full), rtol=room, atol=room * np.abs(full).max())


@pytest.mark.parametrize("loss", losses.NAMES)
def test_same_bits_on_one_and_two_threads_for_every_system(loss):
    for shape in ((150, 20, 12), (300, 4, 6)):  # the system in the predictions, the system in the blocks
        X, y, patterns = datasets.problem(*shape, loss=loss, seed=0)
        fits = []
        for threads in (1, 2):
            with threadpool_limits(threads):
                fits.append(convex.fit(X, y, patterns, beta=BETA[loss], loss=loss, gap=1e-6))
        one, two = fits
        assert one.converged and (one.v == two.v).all() and (one.w == two.w).all()
        assert one.lower_bound == two.lower_bound and (one.dual == two.dual).all()


@pytest.mark.parametrize("beta", [0.1, 1e-2, 1e-3])
def test_hinge_does_not_stop_at_a_gap_of_one(beta):
    X, y, patterns = datasets.problem(100, 10, 20, loss="hinge", seed=0)
    assert convex.fit(X, y, patterns, beta=beta, loss="hinge", gap=1e-6).converged
