import numpy as np
import pytest

from robustnn_core import ConvergenceWarning, breakdown
from robustnn_core.breakdown import experiments


def test_a_cut_majoriser_says_so():
    X, net = breakdown.NetProblem(60, 3, signs=(1, -1)).draw(0)
    y = net.predict(X) + np.random.default_rng(0).normal(size=60)
    with pytest.warns(ConvergenceWarning, match="^minimise_majoriser stopped short: .* after 1 Newton steps"):
        experiments.minimise_majoriser(X, y, net, max_inner=1)
