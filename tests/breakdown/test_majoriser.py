import numpy as np
import pytest

from robustnn_core import streams
from robustnn_core.breakdown import _lifted, _majoriser
from tests.breakdown import reference


@pytest.mark.parametrize("seed", range(8))
def test_majoriser_is_minimised(seed):
    rng = streams.generator(seed)
    n, d, signs = 14, 2, np.array([1.0, -1.0])
    X, U, y = rng.standard_normal((n, d)), rng.standard_normal((2, d)), 2 * rng.standard_normal(n)
    V = U.copy()
    value, _ = _majoriser.minimise(
        X, y, signs, np.ones(n, np.bool_), X @ U.T > 0, V, 1e-13, 300, *_lifted.work_arrays(d, 2), True
    )
    assert value == pytest.approx(reference.majoriser(V, U, signs, X, y), rel=1e-10)
    assert value <= reference.majoriser(U, U, signs, X, y)
    assert value <= reference.least_majoriser(U, signs, X, y) * (1 + 1e-3) + 1e-9
