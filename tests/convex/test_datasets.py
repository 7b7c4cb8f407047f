"""Data to train on."""

import numpy as np
import pytest

from robustnn_core.convex import datasets


def test_too_many_patterns_asked_for():
    with pytest.raises(ValueError, match="count = 50: 100 draws made only"):
        datasets.problem(5, 2, 50, seed=0)


@pytest.mark.parametrize("name", ["random", "moons", "ring"])
def test_points_of_the_plane(name):
    X, y = datasets.plane(name, 12, 0)
    assert X.shape == (12, 3) and (X[:, 2] == 1.0).all() and set(y) == {-1.0, 1.0}
    np.testing.assert_array_equal(X, datasets.plane(name, 12, 0)[0])
    assert not np.array_equal(X, datasets.plane(name, 12, 1)[0])


@pytest.mark.parametrize("name", ["digits", "breast-cancer"])
def test_data(name):
    X, y, X_test, y_test = datasets.data(name, 40, 0)
    assert (
        X.shape[0] == 40
        and (X[:, -1] == 1).all()
        and X.min() >= 0
        and X.max() <= 1
        and set(y) == set(y_test) == {-1.0, 1.0}
    )
