import numpy as np
import threadpoolctl

from robustnn_core import blas

rng = np.random.default_rng(0)


def test_products_do_not_depend_on_the_number_of_threads():
    for shape in ((7, 30, 5), (130, 257, 61), (1, 1000, 400)):
        A, B = rng.normal(size=shape[:2]), rng.normal(size=shape[1:])
        found = []
        for threads in (1, 2):
            with threadpoolctl.threadpool_limits(threads):
                found.append((blas.product(A, B), blas.gram(A)))
        assert np.array_equal(found[0][0], found[1][0]) and np.array_equal(found[0][1], found[1][1])
        np.testing.assert_allclose(found[0][0], A @ B, rtol=1e-10, atol=1e-10)
        assert np.array_equal(found[0][1], found[0][1].T)


def test_extremes():
    X = rng.normal(size=(9, 40))
    G = blas.gram(X)
    p, low, high, i, j = blas.extremes(G)
    assert p == np.abs(G[~np.eye(9, dtype=bool)]).max() and low == G.diagonal().min() and high == G.diagonal().max()
    assert (i, j) == (-1, -1)
    X[6] = X[2]
    assert blas.extremes(blas.gram(X))[3:] == (2, 6)
    assert blas.extremes(np.array([[4.0]])) == (0.0, 4.0, 4.0, -1, -1)
