"""Bounds of rounding errors."""

from fractions import Fraction

import numpy as np
import pytest

from robustnn_core.convex import rounding


@pytest.mark.parametrize("n", [1, 7, 300])
def test_a_sum_of_products_is_within_the_bound(n):
    rng = np.random.default_rng(n)
    for _ in range(20):
        a, b = rng.standard_normal(n) * 10.0 ** rng.uniform(-8, 8, n), rng.standard_normal(n)
        exact = sum(Fraction(p) * Fraction(q) for p, q in zip(a, b))
        assert abs(Fraction(float(a @ b)) - exact) <= Fraction(rounding.roundoff(n, float(np.abs(a) @ np.abs(b))))


def test_the_unit_of_a_matrix_is_a_power_of_two_near_its_mean_size():
    rng = np.random.default_rng(0)
    for scale in (1e-200, 1e-3, 1.0, 7.0, 1e200):
        A = scale * rng.standard_normal((5, 3))
        unit = rounding.scale_of(A)
        assert np.frexp(unit)[0] == 0.5  # a power of two
        size = scale * np.sqrt(np.mean((A / scale) ** 2))
        assert 0.5 * size < unit <= size
    assert rounding.scale_of(np.zeros(3)) == 1.0


def test_the_top_of_the_box_is_at_most_one_over_n():
    for n in range(1, 400):
        top = rounding.box_top(n)
        assert Fraction(top) * n <= 1 < Fraction(np.nextafter(top, 2.0).item()) * n
