"""The block matrices written out."""

import numpy as np

from robustnn_core import convex
from robustnn_core.convex import datasets, dense


def test_blocks_that_are_safely_zero_are_zero_in_a_finer_fit():
    X, y, patterns = datasets.problem(60, 5, 20, seed=0)
    rough, best = (convex.fit(X, y, patterns, beta=3.0, gap=tol) for tol in (1e-6, 1e-10))
    price = dense.multipliers(X, patterns, rough.dual)[1]
    width = np.sqrt(2.0 * (rough.objective - rough.lower_bound)) * np.linalg.norm(
        dense.blocks(X, patterns)[0], 2, axis=(1, 2)
    )
    zero = price + width < 3.0
    lengths = np.linalg.norm(np.hstack([best.v, best.w]), axis=0)
    assert zero.sum() >= 5 and lengths[zero].max() <= 1e-6 * lengths.max()


def test_both_newton_systems_have_one_solution():
    X, _, patterns = datasets.problem(25, 4, 9, seed=0)
    F, G = dense.blocks(X, patterns)
    rng = np.random.default_rng(0)
    R, delta, g = rng.standard_normal((18, 4, 4)), rng.uniform(0.1, 1.0, 25), rng.standard_normal((18, 4))
    H = R @ R.transpose(0, 2, 1) + np.eye(4)
    split, whole = dense.newton_structured(X, patterns, H, delta, g), dense.newton_dense(F, H, delta, g)
    np.testing.assert_allclose(split, whole, rtol=1e-9, atol=1e-9 * np.abs(whole).max())
    rest = np.einsum("bij,bj->bi", H, whole) + np.einsum("bkd,k,k->bd", F, delta, np.einsum("bkd,bd->k", F, whole)) - g
    np.testing.assert_allclose(rest, 0.0, atol=1e-9)
    np.testing.assert_array_equal(G[:9], G[9:])


def test_the_times_are_of_both():
    X, _, patterns = datasets.problem(20, 3, 5, seed=0)
    times = np.array(dense.newton_times(X, patterns, [2, 5], repeats=1, seed=0))
    assert times.shape == (2, 2) and (times > 0.0).all()
