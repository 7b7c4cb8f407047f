import numpy as np
import pytest

from robustnn_core import breakdown
from tests.breakdown import reference
from tests.breakdown.made import data


@pytest.mark.parametrize("seed", range(8))
def test_lts_finds_the_exact_minimum_on_tiny_data(seed):
    X, y, _ = data(seed, 12, 2, noise=1.0)
    fit = breakdown.lts(X, y, keep=8, seed=seed)
    assert fit.objective == pytest.approx(reference.least_trimmed(X, y, 8), rel=1e-9)
    assert fit.kept.sum() == 8


def test_lts_survives_almost_half():
    X, y, w = data(0, 400, 4, wrong=0.47)
    np.testing.assert_allclose(breakdown.lts(X, y, keep=203, seed=1).coef, w, atol=1e-9)


def test_the_answer_does_not_depend_on_threads_or_on_the_run():
    X, y, _ = data(1, 3000, 6, wrong=0.4, noise=1.0)
    one, two, again = (breakdown.lts(X, y, keep=1510, seed=5, threads=t) for t in (1, 2, 1))
    assert (one.coef == two.coef).all() and (one.coef == again.coef).all() and (one.kept == two.kept).all()


def test_exact_data_stop_early_the_same_way_on_threads():
    X, y, _ = data(1, 3000, 6, wrong=0.3)
    one, two = (breakdown.lts(X, y, keep=1510, seed=5, threads=t) for t in (1, 2))
    assert (one.coef == two.coef).all()
