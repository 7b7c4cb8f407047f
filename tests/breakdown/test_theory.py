import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import streams
from robustnn_core.breakdown import theory
from tests.breakdown import reference


@pytest.mark.parametrize("b", [0.01, 0.0744, 0.239, 0.5, 0.9])
def test_tail_integrals(b):
    assert theory.tail_first(b) == pytest.approx(reference.tail(1, b), rel=1e-4)
    assert theory.tail_second(b) == pytest.approx(reference.tail(2, b), rel=1e-4)


def test_the_table_of_constants():
    table = {row.name: row for row in theory.constants()}
    wanted = {
        "OLS": 0.0,
        "TORRENT, published": 0.01538,
        "TORRENT, published condition in the limit": 0.0536,
        "TORRENT, sharpened": 0.0744,
        "TORRENT has a spurious fixed point": 0.12298,
        "LAD": 0.2390,
        "LTS": 0.5,
    }
    for name, value in wanted.items():
        assert table[name].linear == pytest.approx(value, abs=6e-5)
        assert table[name].relu == table[name].linear / 2
        assert np.isnan(table[name].residual) or table[name].residual < 1e-12
    values = [row.linear for row in theory.constants()]
    assert values == sorted(values)


@pytest.mark.parametrize("seed", range(10))
def test_relu_distance_is_exact_on_tiny_designs(seed):
    rng = streams.generator(seed)
    d = 1 + seed % 3
    X, u = rng.standard_normal((7 + seed % 2, d)), rng.standard_normal(d)
    if (X @ u > 0).sum() < d:
        X = -X
    assert theory.exhaustive_distance(X, u) == theory.relu_distance(X, u)


def test_active_points_in_a_hyperplane_make_the_distance_small():
    """Why the hypothesis is needed: three of four active points on one line leave a distance of one."""
    X = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [1.0, 1.0], [-1.0, 0.3]])
    assert theory.exhaustive_distance(X, [1.0, 0.5]) == 1
    with pytest.raises(ValueError, match="dependent"):
        theory.relu_distance(X, [1.0, 0.5])


@pytest.mark.parametrize(
    "X, u, says",
    [
        ([[1.0, 0.0], [0.0, 1.0]], [1.0, 0.0], "kink"),
        ([[1.0, 0.1], [-1.0, 0.2]], [1.0, 0.0], "active"),
        ([[1.0]], [1.0, 2.0], "shape"),
    ],
)
def test_relu_distance_refuses(X, u, says):
    with pytest.raises(ValueError, match=says):
        theory.relu_distance(X, u)


def test_coverage_against_brute_force():
    """LTS by enumeration on a tiny ReLU design: unique recovery holds exactly where the formula says."""
    X, u = streams.generator(2).standard_normal((8, 1)), np.array([1.0])
    X[:5] = np.abs(X[:5])
    X[5:] = -np.abs(X[5:])
    n, d = 8, theory.relu_distance(X, u)
    truth = np.maximum(X @ u, 0.0)
    candidates = [0.0, 0.5, 2.0]  # one dimension: the nets are c u, c >= 0, and the impostors are enough to break
    for h, m in itertools.product(range(1, n + 1), range(0, 5)):
        unique = True
        for where in itertools.combinations(range(5), m):
            for c in candidates:
                y = truth.copy()
                y[list(where)] = c * truth[list(where)]

                def loss(k, y=y, h=h):
                    return np.sort((y - k * truth) ** 2)[:h].sum()

                if loss(1.0) > 0 or min(loss(k) for k in candidates) == 0.0:
                    unique = False
        assert unique == (m <= theory.coverage_limit(n, h, d))


@settings(max_examples=50, deadline=None)
@given(n=st.integers(2, 200), data=st.data())
def test_best_coverage_is_best(n, data):
    d = data.draw(st.integers(1, n))
    limits = [theory.coverage_limit(n, h, d) for h in range(1, n + 1)]
    assert theory.coverage_limit(n, theory.best_coverage(n, d), d) == max(limits) == theory.breakdown_count(d)


@given(active=st.integers(1, 500), d=st.integers(1, 20))
def test_the_positive_half_attains_the_bound(active, d):
    if active >= d:
        assert theory.positive_half_limit(active, d) == theory.breakdown_count(active - d + 1)


def test_angle_bound_of_equal_directions_and_of_a_dead_unit():
    assert theory.angle_bound([[1.0, 0.0], [2.0, 0.0]]) == 0.0
    with pytest.raises(ValueError, match="zero"):
        theory.angle_bound([[1.0, 0.0], [0.0, 0.0]])


def test_linear_and_leaky_distances():
    assert theory.breakdown_count(theory.linear_distance(600, 8)) == 296
    assert theory.leaky_distance(400, 5) == 396


@pytest.mark.parametrize("b", [0.0, 1.1, -0.2])
def test_bad_fractions(b):
    with pytest.raises(ValueError, match="fraction"):
        theory.tail_first(b)
