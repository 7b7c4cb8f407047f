import numpy as np
import pytest

from robustnn_core import ConvergenceWarning, breakdown, streams
from tests.breakdown import reference
from tests.breakdown.made import data


@pytest.mark.parametrize("seed", range(25))
def test_lad_reaches_the_optimum_of_the_linear_programme(seed):
    rng = streams.generator((seed, 1))
    n, p = int(rng.integers(8, 120)), int(rng.integers(1, 6))
    X, y, _ = data(seed, n, p, noise=seed % 2)
    if seed % 3 == 0:
        X = np.round(X * 2) + 0.1 * np.eye(n, p)
    assert breakdown.lad(X, y).objective <= reference.least_absolute(X, y) * (1 + 1e-9) + 1e-9


def test_lad_says_when_it_stops_early():
    X, y, _ = data(0, 200, 4, noise=1.0)
    with pytest.warns(
        ConvergenceWarning, match="^breakdown.lad stopped short: an edge still descends after max_iter = 1"
    ):
        fit = breakdown.lad(X, y, max_iter=1)
    assert not fit.converged and fit.kept.sum() == 4
    assert breakdown.lad(X, y).objective < fit.objective
