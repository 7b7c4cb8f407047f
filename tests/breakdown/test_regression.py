import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import ConvergenceWarning, breakdown, streams
from tests.breakdown import reference
from tests.breakdown.made import data

ESTIMATORS = {
    "ols": breakdown.ols,
    "huber": breakdown.huber,
    "lad": breakdown.lad,
    "torrent": lambda X, y: breakdown.torrent(X, y, keep=(len(y) + X.shape[1] + 1) // 2),
    "lts": lambda X, y: breakdown.lts(X, y, keep=(len(y) + X.shape[1] + 1) // 2, seed=0),
}


@pytest.mark.parametrize("seed", range(8))
def test_torrent_is_the_plain_loop(seed):
    X, y, _ = data(seed, 60, 3, noise=0.5)
    np.testing.assert_allclose(breakdown.torrent(X, y, keep=45).coef, reference.torrent(X, y, 45), atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_huber_is_a_fixed_point(seed):
    X, y, _ = data(seed, 80, 3, noise=1.0)
    w = breakdown.huber(X, y).coef
    np.testing.assert_allclose(reference.huber_step(X, y, w), w, atol=1e-7)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(sorted(ESTIMATORS)), log_scale=st.floats(-6, 6))
def test_equivariance(seed, name, log_scale):
    """y -> a y + X v and X -> X A move the coefficients as they should."""
    X, y, _ = data(seed, 40, 3, wrong=0.1)
    fit = ESTIMATORS[name]
    w = fit(X, y).coef
    v = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(fit(X, 3.0 * y + X @ v).coef, 3.0 * w + v, atol=1e-6)
    units = 10.0 ** np.array([log_scale, 0.0, -log_scale])
    np.testing.assert_allclose(fit(X * units, y).coef * units, w, atol=1e-6)


@pytest.mark.parametrize("name", ["huber", "lad", "torrent", "lts"])
def test_exact_recovery_and_ols_breaks(name):
    X, y, w = data(3, 300, 5, wrong=0.2)
    np.testing.assert_allclose(ESTIMATORS[name](X, y).coef, w, atol=1e-5 if name == "huber" else 1e-9)
    assert np.linalg.norm(breakdown.ols(X, y).coef - w) > 0.1


def test_ill_conditioned_columns():
    rng = streams.generator(0)
    base = rng.standard_normal((200, 1))
    X = np.hstack([base, base + 1e-6 * rng.standard_normal((200, 1))])
    y = X @ [1.0, 2.0]
    y[:40] = 50.0
    np.testing.assert_allclose(breakdown.torrent(X, y, keep=150).predict(X)[40:], y[40:], atol=1e-6)


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
@pytest.mark.parametrize(
    "X, y, says",
    [
        ([[1.0, 2.0], [3.0]], [1.0, 2.0], "ragged"),
        ([[1.0], [np.nan]], [1.0, 2.0], "nan"),
        ([[1.0], [2.0]], [1.0, np.inf], "inf"),
        ([[1.0, 2.0]], [1.0], "at least as many points"),
        ([[1.0], [2.0]], [1.0], "shape"),
        ([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]], [1.0, 2.0, 3.0], "rank deficient"),
        ([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]], [1.0, 2.0, 3.0], "zero column"),
    ],
)
def test_bad_data(name, X, y, says):
    fit = {
        "torrent": lambda X, y: breakdown.torrent(X, y, keep=2),
        "lts": lambda X, y: breakdown.lts(X, y, keep=2, seed=0),
    }
    with pytest.raises(ValueError, match=says):
        fit.get(name, ESTIMATORS[name])(X, y)


@pytest.mark.parametrize("keep", [0, 2, 11, 7.5, True])
def test_bad_keep(keep):
    X, y, _ = data(0, 10, 2)
    with pytest.raises(ValueError, match="keep"):
        breakdown.torrent(X, y, keep=keep)


def test_keep_is_a_number_or_a_share():
    X, y, _ = data(0, 40, 2, noise=1.0)
    for fit in (lambda keep: breakdown.torrent(X, y, keep=keep), lambda keep: breakdown.lts(X, y, keep=keep, seed=0)):
        assert np.array_equal(fit(30).coef, fit(0.75).coef) and fit(0.75).kept.sum() == 30


def test_kept_rows_that_do_not_determine_the_fit():
    X = np.zeros((10, 2))
    X[:, 0] = 1.0
    X[8:, 1] = 1.0
    y = np.zeros(10)
    y[8:] = 100.0, -100.0
    with pytest.raises(ValueError, match="not determined"):
        breakdown.torrent(X, y, keep=6)


SHORT = {
    "huber": lambda X, y, k: breakdown.huber(X, y, max_iter=k),
    "lad": lambda X, y, k: breakdown.lad(X, y, max_iter=k),
    "torrent": lambda X, y, k: breakdown.torrent(X, y, keep=120, max_iter=k),
    "lts": lambda X, y, k: breakdown.lts(X, y, keep=120, seed=0, starts=8, max_iter=k),
}


@pytest.mark.parametrize("name", SHORT)
def test_a_fit_that_stops_short_says_so_once(name):
    X, y, _ = data(0, 200, 4, noise=1.0)
    with pytest.warns(ConvergenceWarning, match=f"^breakdown.{name} stopped short: .* raise max_iter") as caught:
        short = SHORT[name](X, y, 1)
    assert len(caught) == 1 and caught[0].filename == __file__
    full = SHORT[name](X, y, 1000)  # a warning here is an error
    assert full.converged and not short.converged
    assert full.objective <= short.objective * (1 + 1e-9) or name == "huber"
    enough = SHORT[name](X, y, full.iterations + 1)
    assert enough.converged and np.array_equal(enough.coef, full.coef)


def test_least_squares_always_converges():
    assert breakdown.ols([[1.0], [2.0]], [2.0, 4.0]).converged
    assert breakdown.huber([[1.0], [1.0]], [0.0, 0.0]).converged  # 0 moves by 0 of its size
