import numpy as np

from robustnn_core import breakdown
from tests.breakdown.made import problem


def test_infer_without_weights_and_with():
    X, y, net, _ = problem(0, 200, 3, [1, -1])
    patterns, coefs, grams = breakdown.fit_regions(X, y, X @ net.weights.T > 0)
    np.testing.assert_allclose(breakdown.infer(patterns, coefs, [1, -1]), net.weights, atol=1e-9)
    np.testing.assert_allclose(breakdown.infer(patterns, coefs, [1, -1], grams=grams), net.weights, atol=1e-9)


def test_row_of_fit_regions_without_points_kept():
    patterns, coefs, grams = breakdown.fit_regions([[1.0], [-1.0]], [2.0, 0.0], [[1], [0]], kept=[False, True])
    assert coefs[patterns[:, 0]].tolist() == [[0.0]] and grams[patterns[:, 0]].tolist() == [[[0.0]]]
