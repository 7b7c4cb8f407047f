"""Moments without a closed form, against quadrature in few dimensions and against every direction of a grid."""

import itertools

import numpy as np
import pytest

from robustnn_core import moments

NODES, WEIGHTS = np.polynomial.legendre.leggauss(60)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("j", [1, 3])
def test_cube_norms_are_integrals(n, j):
    mean = 0.0
    for point in itertools.product(range(60), repeat=n):
        index = list(point)
        mean += np.prod(WEIGHTS[index]) / 2**n * np.linalg.norm(NODES[index]) ** j
    assert moments.unit_cube_norm_moment(n, j) == pytest.approx(mean, rel=1e-3)


def test_cube_mean_abs_is_an_integral():
    v = np.array([1.0, -2.0, 0.5])
    grid = np.array(list(itertools.product(NODES, repeat=3)))
    weight = np.array([np.prod(w) for w in itertools.product(WEIGHTS, repeat=3)]) / 8.0
    assert moments.unit_cube_mean_abs(v) == pytest.approx(weight @ np.abs(grid @ v), rel=1e-3)
    assert moments.unit_cube_mean_abs(np.array([0.0, 3.0])) == 1.5


@pytest.mark.parametrize("seed", range(5))
def test_ascent_and_certificate_hold_the_supremum_between_them(seed):
    Z = np.random.default_rng(seed).standard_normal((30, 2)) * [1.0, 3.0]
    angle = np.linspace(0.0, np.pi, 20_001)
    grid = np.abs(np.stack([np.cos(angle), np.sin(angle)], axis=1) @ Z.T).mean(axis=1).max()
    found, u = moments.mean_abs_ascent(Z)
    assert found == pytest.approx(np.abs(Z @ u).mean()) and np.linalg.norm(u) == pytest.approx(1.0)
    assert found >= grid - 1e-6
    assert found <= moments.mean_abs_certificate(Z) <= 1.2 * found
