import numpy as np
import pytest

from robustnn_core import convex, nets
from robustnn_core.convex import losses
from robustnn_core.convex._bending import Bending
from robustnn_core.convex._bending_rows import Rows
from tests.convex import reference_bending
from tests.convex.draws import problem


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("loss", ["hinge", "logistic", "squared"])
def test_one_program_against_cvxpy(loss, norm):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X, y = problem(seed, 8, 3, loss)
        signs, e = rng.choice([-1.0, 1.0], 6), np.array([0.2, 0.1, 0.0])
        slopes = rng.uniform(0, 1, (16 if loss == "squared" else 8, 6))
        slopes[rng.random(slopes.shape) < 0.3] = 0.0
        slopes[rng.random(slopes.shape) < 0.3] = 1.0
        net = nets.ReLUSum(1e-3 * rng.standard_normal((6, 3)), signs)
        form = losses.get(loss)
        rows = Rows(X, signs, form.robust(y).signs, e, norm)
        value, _ = reference_bending.bending_optimum(X, y, signs, slopes, 0.02, e, norm, loss)
        model = Bending(rows, slopes, y, 0.02, form)
        found = convex.bending.Bracket(model.objective(net.weights), net.weights, np.zeros(8))
        convex.bending.interior.solve(model, found, gap=1e-7, max_iter=60)
        assert found.gap <= 1e-7
        assert found.lower - 3e-6 * value <= value <= found.upper * (1 + 3e-6)
        lower = found.lower
        for _ in range(50):  # no units have less
            U = found.point + rng.standard_normal((6, 3)) * 10.0 ** rng.uniform(-6, 0)
            assert model.objective(U) >= lower - 1e-12
