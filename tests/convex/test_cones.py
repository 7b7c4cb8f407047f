import numpy as np
import pytest

from robustnn_core.convex import _cones


@pytest.mark.parametrize("small", [0, 48])
def test_inverses_of_many_blocks(small, monkeypatch):
    monkeypatch.setattr(_cones, "SMALL", small)
    rng = np.random.default_rng(0)
    for count, d in ((1, 1), (16, 3), (37, 7)):
        A = rng.standard_normal((count, d, 2 * d))
        H = A @ A.transpose(0, 2, 1)
        half, whole = _cones.inverse_factors(H, whole=True)
        np.testing.assert_allclose(whole, np.linalg.inv(H), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(half, np.linalg.inv(np.linalg.cholesky(H)), rtol=1e-9, atol=1e-12)
    flat = A[:, :, :1] @ A[:, :, :1].transpose(0, 2, 1)  # of rank one: more on the diagonal
    assert np.isfinite(_cones.inverse_factors(flat)).all()
