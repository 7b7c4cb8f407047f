import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import integrate, stats

from robustnn_core import laws, moments, streams

DRAWS = 100_000
rng = np.random.default_rng(1)


def laplace(rng, size):
    return rng.laplace(size=(size, 2))


LAWS = {
    "gaussian": laws.Gaussian(3, 2.0),
    "gaussian 1": laws.Gaussian(1, 0.5),
    "cube": laws.Cube(3, 2.0),
    "cube 1": laws.Cube(1, 3.0),
    "cube 12": laws.Cube(12, 0.5),
    "sphere": laws.Sphere(4, 3.0),
    "sphere 1": laws.Sphere(1, 2.0),
    "rows": laws.Symmetrised(rng.normal(size=(7, 3))),
    "custom": laws.Custom(2, laplace, draws=20_000),
}
every_law = pytest.mark.parametrize("name", LAWS)


@pytest.fixture(scope="module")
def samples():
    return {name: law.sample(99, DRAWS) for name, law in LAWS.items()}


def close(values, exact, extra=0.0):
    """Mean of ``values`` along axis 0 within five standard errors of ``exact``."""
    error = values.std(axis=0) / math.sqrt(len(values)) + extra
    assert (np.abs(values.mean(axis=0) - exact) <= 5 * error + 1e-12 * (1 + np.abs(exact))).all()


# --- sampling -----------------------------------------------------------------------------------------


@every_law
def test_samples_repeat_and_are_parity_symmetric(name, samples):
    law, X = LAWS[name], samples[name]
    assert X.shape == (DRAWS, law.n)
    np.testing.assert_array_equal(law.sample(99, 50), law.sample(99, 50))
    assert not np.array_equal(law.sample(99, 50), law.sample(98, 50))
    close(X, 0.0)
    close(X * (X**2).sum(axis=1, keepdims=True), 0.0)
    assert np.linalg.norm(X, axis=1).max() <= law.radius * (1 + 1e-12)


def test_samples_have_their_distribution(samples):
    assert stats.kstest(samples["gaussian"].ravel(), stats.norm(scale=2).cdf).pvalue > 1e-3
    assert stats.kstest(samples["cube"].ravel(), stats.uniform(-2, 4).cdf).pvalue > 1e-3
    np.testing.assert_allclose(np.linalg.norm(samples["sphere"], axis=1), 3.0, rtol=1e-12)
    # on the sphere of R^4 the first coordinate has density (2/pi) sqrt(1 - t^2)
    assert stats.kstest(samples["sphere"][:, 0] / 3, stats.beta(1.5, 1.5, -1, 2).cdf).pvalue > 1e-3
    points = LAWS["rows"].points()
    counts = [(np.abs(samples["rows"] - p).max(axis=1) == 0).sum() for p in points]
    assert sum(counts) == DRAWS and stats.chisquare(counts).pvalue > 1e-3


def test_draw_rows_is_one_sequence():
    for law in (LAWS[name] for name in ("gaussian", "cube", "sphere", "rows")):
        code, data = law._kernel_form()
        whole, parts = np.empty((10, law.n)), np.empty((10, law.n))
        one, two = streams.states(5, 1)[0], streams.states(5, 1)[0]
        laws.draw_rows(code, data, one, whole)
        laws.draw_rows(code, data, two, parts[:3])
        laws.draw_rows(code, data, two, parts[3:])
        assert np.array_equal(whole, parts) and np.array_equal(one, two)


# --- moments ------------------------------------------------------------------------------------------


@every_law
@pytest.mark.parametrize("j", [1, 2, 3, 4])
def test_norm_moments_against_monte_carlo(name, j, samples):
    law = LAWS[name]
    extra = 0.0 if law.exact else law.standard_error(j)
    close(np.linalg.norm(samples[name], axis=1) ** j, law.norm_moment(j), extra)


@every_law
def test_second_moments_against_monte_carlo(name, samples):
    law, X = LAWS[name], samples[name]
    N = np.arange(law.n**2, dtype=float).reshape(law.n, law.n)  # not symmetric on purpose
    extra = 0.0 if law.exact else 0.15
    close(np.einsum("ai,aj->aij", X, X), law.second_moment(), extra)
    close(np.einsum("a,ai,aj->aij", np.einsum("ai,ij,aj->a", X, N, X), X, X), law.weighted_second_moment(N), 20 * extra)
    assert np.trace(law.second_moment()) == pytest.approx(law.norm_moment(2), rel=1e-12)
    assert np.trace(law.weighted_second_moment(np.eye(law.n))) == pytest.approx(law.norm_moment(4), rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 5, 40])
@pytest.mark.parametrize("j", [1, 2, 3, 4])
def test_gaussian_moments_against_quadrature(n, j):
    density = stats.chi(n).pdf
    value = integrate.quad(lambda r: (1.7 * r) ** j * density(r), 0, 40, limit=200, points=[math.sqrt(n)])[0]
    assert laws.Gaussian(n, 1.7).norm_moment(j) == pytest.approx(value, rel=1e-8)


@pytest.mark.parametrize("j", [1, 3])
def test_cube_moments_against_quadrature(j):
    assert laws.Cube(1, 2.0).norm_moment(j) == pytest.approx(2.0**j / (j + 1), rel=1e-9)
    nodes, weights = np.polynomial.legendre.leggauss(400)
    nodes, weights = (nodes + 1) / 2, weights / 2
    # the square in polar coordinates: E|x|^j = (2 / (j + 2)) * mean over the angle of cos^-(j + 2)
    angle = nodes * math.pi / 4
    square = 2 / (j + 2) * (weights * np.cos(angle) ** -(j + 2.0)).sum() * math.pi / 4
    assert laws.Cube(2).norm_moment(j) == pytest.approx(square, rel=1e-9)
    nodes, weights = np.polynomial.legendre.leggauss(100)
    x = np.stack(np.meshgrid(nodes, nodes, nodes), axis=-1)
    w = weights[:, None, None] * weights[:, None] * weights / 8
    assert laws.Cube(3).norm_moment(j) == pytest.approx((w * np.linalg.norm(x, axis=-1) ** j).sum(), rel=1e-6)


def test_cube_moments_are_those_of_many_dimensions():
    law = laws.Cube(4000, 1.0)  # |x|^2 is nearly n/3
    assert law.norm_moment(1) == pytest.approx(math.sqrt(4000 / 3), rel=1e-3)
    assert law.norm_moment(3) == pytest.approx((4000 / 3) ** 1.5, rel=1e-3)


def test_symmetrised_moments_are_averages_over_its_points():
    law = LAWS["rows"]
    points, N = law.points(), rng.normal(size=(3, 3))
    assert len(points) == 14
    np.testing.assert_allclose(law.second_moment(), sum(np.outer(x, x) for x in points) / 14, rtol=1e-12)
    np.testing.assert_allclose(
        law.weighted_second_moment(N), sum((x @ N @ x) * np.outer(x, x) for x in points) / 14, rtol=1e-10, atol=1e-12
    )
    for j in (1, 2, 3, 4):
        assert law.norm_moment(j) == pytest.approx(sum(math.hypot(*x) ** j for x in points) / 14, rel=1e-12)


def test_custom_is_its_own_sample_with_standard_errors():
    law = LAWS["custom"]
    assert not law.exact and law.norm_moment(2) == pytest.approx(4.0, abs=6 * law.standard_error(2))
    assert 0 < law.standard_error(1) < law.standard_error(4)
    batches = law.batches(5)
    assert [len(b.X) for b in batches] == [4_000] * 5
    assert np.mean([b.norm_moment(2) for b in batches]) == pytest.approx(law.norm_moment(2), rel=1e-12)


# --- sup over u of E|u.Mx| ----------------------------------------------------------------------------


def directions(r, count=400):
    U = np.random.default_rng(2).normal(size=(count, r))
    return U / np.linalg.norm(U, axis=1, keepdims=True)


@every_law
def test_mean_abs_range_brackets_every_direction(name, samples):
    law, X = LAWS[name], samples[name][:20_000]
    for M in (np.eye(law.n), np.random.default_rng(3).normal(size=(2, law.n))):
        found, bound = law.mean_abs_range(M)
        assert 0 < found <= bound * (1 + 1e-12)
        assert bound <= math.sqrt(np.linalg.eigvalsh(M @ law.second_moment() @ M.T)[-1]) * (1 + 1e-9)  # Jensen
        Z = np.abs(X @ M.T @ directions(len(M)).T)
        error = Z.std(axis=0) / math.sqrt(len(X))
        assert (Z.mean(axis=0) <= bound + 5 * error).all()
        if law.exact:
            assert Z.mean(axis=0).max() <= found * 1.02 + 5 * error.max()  # the ascent found the supremum


@pytest.mark.parametrize("seed", range(5))
def test_mean_abs_range_of_points_in_the_plane_against_a_fine_grid(seed):
    X = np.random.default_rng(seed).standard_t(3, size=(9, 2))
    angle = np.linspace(0, math.pi, 20_001)
    best = np.abs(X @ np.stack([np.cos(angle), np.sin(angle)])).mean(axis=0).max()
    found, bound = laws.Symmetrised(X).mean_abs_range(np.eye(2))
    assert best * (1 - 1e-6) <= found <= best * (1 + 1e-6)
    assert found <= bound <= 1.2 * found


@every_law
def test_mean_abs_least_is_below_every_direction(name, samples):
    law, X = LAWS[name], samples[name][:20_000]
    for M in (np.eye(law.n), np.random.default_rng(3).normal(size=(2, law.n))):
        least = law.mean_abs_least(M)
        Z = np.abs(X @ M.T @ directions(len(M)).T)
        error = Z.std(axis=0) / math.sqrt(len(X))
        assert (least <= Z.mean(axis=0) + 5 * error).all() and 0 <= least <= law.mean_abs_range(M)[1]


def test_mean_abs_least_closed_forms():
    M = np.diag([3.0, 2.0])
    assert laws.Gaussian(2, 0.5).mean_abs_least(M) == pytest.approx(math.sqrt(2 / math.pi))
    assert laws.Sphere(2, 1.0).mean_abs_least(M) == pytest.approx(2 * 2 / math.pi)
    assert laws.Gaussian(1).mean_abs_least([[1.0], [2.0]]) == laws.Cube(1).mean_abs_least([[1.0], [2.0]]) == 0.0
    # the cube: below every direction, and reached by the diagonal of many coordinates
    for n in (1, 2, 5, 60):
        diagonal = moments.unit_cube_mean_abs(np.full(n, 3.0 * n**-0.5))
        assert 1 < diagonal / laws.Cube(n, 3.0).mean_abs_least(np.eye(n)) < 1 + 0.1 / n
    # points: exact with one coordinate, 0 for a direction in which none moves
    assert laws.Symmetrised([[1.0], [3.0]]).mean_abs_least([[2.0]]) == pytest.approx(4.0)
    assert laws.Symmetrised([[1.0, 2.0], [2.0, 4.0], [0.0, 0.0]]).mean_abs_least(np.eye(2)) == 0.0


def test_mean_abs_range_closed_forms():
    M = np.diag([3.0, 1.0])
    assert laws.Gaussian(2, 0.5).mean_abs_range(M) == pytest.approx((1.5 * math.sqrt(2 / math.pi),) * 2)
    assert laws.Sphere(2, 1.0).mean_abs_range(M) == pytest.approx((3 * 2 / math.pi,) * 2)
    assert laws.Sphere(3, 2.0).mean_abs_range(np.eye(3)) == pytest.approx((1.0, 1.0))  # Archimedes: uniform on [-2, 2]
    found, _ = laws.Cube(2, 1.0).mean_abs_range(np.eye(2))
    # E|x cos t + y sin t| at 45 degrees is sqrt(2)/3, at 0 it is 1/2
    assert 0.498 < found <= 0.5 * (1 + 1e-9)
    # points on the axes: E|u.x| = (|u_1| + |u_2|)/2 is largest on the diagonal, and the certificate is exact there
    found, bound = laws.Symmetrised(np.eye(2)).mean_abs_range(np.eye(2))
    assert found == pytest.approx(math.sqrt(0.5), rel=1e-9) and bound == pytest.approx(found, rel=1e-6)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    X=arrays(float, st.tuples(st.integers(1, 8), st.integers(1, 4)), elements=st.integers(-5, 5).map(float)),
    u=st.integers(0, 399),
)
def test_mean_abs_range_brackets_on_any_data(X, u):
    found, bound = laws.Symmetrised(X).mean_abs_range(np.eye(X.shape[1]))
    best = max(np.abs(X @ np.array(s)).mean() / math.sqrt(len(s)) for s in product((-1.0, 1.0), repeat=X.shape[1]))
    best = max(best, np.abs(X).mean(axis=0).max())
    assert best <= bound * (1 + 1e-9) + 1e-12
    assert found <= bound * (1 + 1e-9) + 1e-12
    assert np.abs(X @ directions(X.shape[1])[u]).mean() <= bound * (1 + 1e-9) + 1e-12


# --- bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: laws.Gaussian(0), r"^n = 0.* must be >= 1"),
        (lambda: laws.Gaussian(2.0), r"^n = 2.0 must be an integer"),
        (lambda: laws.Gaussian(2, 0.0), r"^sigma = 0.0 must be > 0"),
        (lambda: laws.Gaussian(2, np.nan), r"^sigma = nan must be a finite number"),
        (lambda: laws.Sphere(2, -1.0), r"^radius = -1.0 must be > 0"),
        (lambda: laws.Cube(2, "1"), r"^half_width = '1' must be a real number"),
        (lambda: laws.Symmetrised([1.0, 2.0]), r"^X has shape \(2,\); it must have shape \(N, n\)"),
        (lambda: laws.Symmetrised([[1.0, np.nan]]), r"^X contains nan at index \(0, 1\); remove"),
        (lambda: laws.Symmetrised(np.zeros((0, 3))), r"^X is empty"),
        (lambda: laws.Gaussian(2).sample(0, 0), r"^size = 0.* must be >= 1"),
        (lambda: laws.Gaussian(2).sample(None, 3), r"^seed = None must be an integer"),
        (lambda: laws.Gaussian(2).mean_abs_range(np.eye(3)), r"^M has shape \(3, 3\); it must have shape \(r, 2\)"),
        (lambda: laws.Cube(3).norm_moment(5), r"^j = 5.* must be >= 1 and <= 4"),
        (lambda: laws.Gaussian(3).norm_moment(0), r"^j = 0.* must be >= 1 and <= 4"),
        (lambda: laws.Symmetrised(np.eye(2)).norm_moment(1.5), r"^j = 1.5 must be an integer"),
        (lambda: laws.Custom(2, 5), r"^sampler = 5 must be a function of \(rng, size\)"),
        (lambda: laws.Custom(2, laplace, draws=10), r"^draws = 10.* must be >= 1000"),
        (
            lambda: laws.Custom(3, laplace),
            r"^sampler\(rng, size\) has shape \(200000, 2\); it must have shape \(200000, 3\)",
        ),
        (lambda: laws.Custom(1, lambda r, s: np.full((s, 1), np.nan)), r"^sampler\(rng, size\) contains nan"),
        (
            lambda: laws.Custom(1, lambda r, s: r.exponential(size=(s, 1))),
            r"not parity symmetric: E x .* random sign, or use laws.Symmetrised",
        ),
        (
            lambda: laws.Custom(1, lambda r, s: r.normal(0.05, 1, size=(s, 1))),
            r"not parity symmetric: E x has coordinate 0",
        ),
        # mean 0, skewed
        (lambda: laws.Custom(2, lambda r, s: r.exponential(size=(s, 2)) - 1), r"not parity symmetric: E x \|x\|\^2 "),
        (lambda: laws.Custom(1, lambda r, s: np.ones((s, 1))), r"not parity symmetric: E x "),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_law_keeps_its_own_inputs():
    X = np.array([[3.0, 4.0], [0.0, 1.0]])
    law = laws.Symmetrised(X)
    assert law.radius == 5.0
    X *= 10.0
    assert law.radius == 5.0 and law.norm_moment(1) == 3.0
    buffer = np.empty((5000, 2))

    def sampler(rng, size):  # into one buffer, as a careful programmer may
        buffer[:size] = rng.normal(size=(size, 2))
        return buffer[:size]

    law = laws.Custom(2, sampler, draws=5000)
    before = law.norm_moment(2)
    law.sample(1, 5000)
    assert law.norm_moment(2) == before
