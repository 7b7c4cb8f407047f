import numpy as np

from robustnn_core import convex


def test_refined_to_the_optimum_of_all_patterns():
    X = np.random.default_rng(0).standard_normal((12, 3))
    y = np.random.default_rng(1).standard_normal(12)
    first = convex.fit(X, y, convex.sample_patterns(X, 3, seed=0), beta=0.1)
    best = convex.refine(X, y, first, seed=0)
    exact = convex.fit(X, y, convex.enumerate_patterns(X), beta=0.1, tol=1e-6)
    assert best.globally_optimal
    assert best.objective <= first.objective
    assert best.nonconvex_lower_bound <= exact.objective <= best.objective * (1 + 1e-6)


def test_local_price_is_below_the_exhaustive_bound():
    rng = np.random.default_rng(2)
    for _ in range(5):
        X, lam = rng.standard_normal((10, 3)), rng.standard_normal(10)
        every = convex.price(X, lam, 0.1, seed=0, exhaustive=True)
        local = convex.price(X, lam, 0.1, seed=0)
        assert local.value <= every.bound * (1 + 1e-9)
        assert every.bound <= every.value * (1 + 1e-6)
        U = rng.standard_normal((3, 2000))
        assert (np.abs(lam @ np.maximum(X @ (U / np.linalg.norm(U, axis=0)), 0)) <= every.bound * (1 + 1e-9)).all()
