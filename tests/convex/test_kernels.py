"""The compiled loops against the same formulas in NumPy."""

import numpy as np
import pytest

from robustnn_core.convex import _kernels

rng = np.random.default_rng(0)


def positive(B, d, dtype=np.float64):
    R = rng.standard_normal((B, d, d))
    return (R @ R.transpose(0, 2, 1) + np.eye(d)).astype(dtype)


@pytest.mark.parametrize("dtype, tol", [(np.float64, 1e-12), (np.float32, 1e-3)])
@pytest.mark.parametrize("B", [1, 15, 16, 17, 40])
def test_factors_and_inverses(B, dtype, tol):
    H = positive(B, 5, dtype)
    half, out = np.zeros_like(H), np.zeros_like(H)
    assert _kernels.invert(H, half, out)
    np.testing.assert_allclose(out, np.linalg.inv(H.astype(float)), atol=tol)
    np.testing.assert_allclose(half.transpose(0, 2, 1) @ half, out, atol=tol)
    H[B // 2, 0, 0] = -1.0
    assert not _kernels.invert(H, half, out)


def test_packed_halves_are_unpacked_and_mirrored():
    H = positive(3, 4)
    rows, columns = np.tril_indices(4)
    flat, made = np.ascontiguousarray(H[:, rows, columns]), np.zeros_like(H)
    _kernels.unpack(flat, made)
    np.testing.assert_array_equal(made, np.tril(H) + np.tril(H, -1).transpose(0, 2, 1))
    upper = np.triu(H)
    _kernels.mirror(upper)
    np.testing.assert_array_equal(upper, np.triu(H) + np.triu(H, 1).transpose(0, 2, 1))


def test_a_cone_is_added_across_and_along_its_ray():
    H, scale, along, ray = positive(3, 4), rng.random(3), rng.random(3), rng.standard_normal((3, 4))
    wanted = H + scale[:, None, None] * np.eye(4) + along[:, None, None] * ray[:, :, None] * ray[:, None, :]
    _kernels.add_cone(H, scale, along, ray)
    np.testing.assert_allclose(H, wanted, rtol=1e-14)


def test_rows_that_a_pattern_does_not_see_are_cleared():
    Y, active = rng.standard_normal((6, 2 * 3)), rng.random((2, 6)) < 0.5
    wanted = (Y.reshape(6, 2, 3) * active.T[:, :, None]).reshape(6, 6)
    _kernels.mask(Y, active, 3)
    np.testing.assert_array_equal(Y, wanted)


def test_a_part_is_added_to_the_lower_half_at_its_rows():
    M, rows, part = np.zeros((6, 6)), np.array([1, 2, 4]), rng.standard_normal((3, 3))
    _kernels.add(M, rows, part)
    np.testing.assert_array_equal(M[np.ix_(rows, rows)], np.tril(part))
    assert np.count_nonzero(M) == 6


def test_inner_products_of_rows():
    A, B = rng.standard_normal((2, 7, 4))
    np.testing.assert_allclose(_kernels.dot(A, B), (A * B).sum(axis=1), rtol=1e-14, atol=1e-15)
