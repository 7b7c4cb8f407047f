import numpy as np
import pytest

from robustnn_core import ConvergenceWarning, breakdown, figures, nets
from robustnn_core.breakdown import curves, experiments
from tests.breakdown import reference
from tests.breakdown.made import problem


def test_a_cut_majoriser_says_so():
    X, net = breakdown.NetProblem(60, 3, signs=(1, -1)).draw(0)
    y = net.predict(X) + np.random.default_rng(0).normal(size=60)
    with pytest.warns(ConvergenceWarning, match="^minimise_majoriser stopped short: .* after 1 Newton steps"):
        experiments.minimise_majoriser(X, y, net, max_inner=1)


@pytest.mark.parametrize("method", ["partition", "dc"])
def test_a_path_is_the_trace_of_the_fit(method):
    X, y, net, _ = problem(2, 120, 3, [1, -1], noise=0.2)
    start = net.weights + 0.5
    path = experiments.descent_path(method, X, y, signs=[1, -1], keep=0.75, start=start, steps=12)
    fit = curves.NETS[method](X, y, signs=[1, -1], keep=90, start=start[None], seed=0)
    losses = [value for _, _, value in path]
    steps = min(13, len(fit.trace))
    np.testing.assert_allclose(losses[:steps], fit.trace.objective[:steps], rtol=1e-9)
    assert losses[0] == pytest.approx(reference.trimmed_loss(start, net.signs, X, y, 90), rel=1e-9)
    assert all(kept.sum() == 90 for _, kept, _ in path)
    with pytest.raises(ValueError, match="method"):
        experiments.descent_path("newton", X, y, signs=[1, -1], keep=90, start=start, steps=1)


def test_the_first_steps_agree_inside_a_cell_only():
    X, y, net, _ = problem(1, 80, 3, [1, -1], noise=1e-6)
    case = dict(signs=[1, -1], keep=80)
    assert experiments.same_first_step(X, y, start=net.weights * (1 + 1e-7), **case) == (True, True)
    in_cell, same = experiments.same_first_step(X, y, start=-net.weights + 0.1, **case)
    assert not in_cell and not same


def test_a_duel_does_not_depend_on_how_the_seed_is_written():
    case = dict(fraction=0.1, noise=0.1, draws=2, starts=2)
    problem = breakdown.NetProblem(60, 2)
    one, two, three = (
        experiments.compare_descents(problem, seed=s, **case) for s in (3, (3,), np.random.default_rng(3))
    )
    for name in ("partition", "dc"):
        assert one[name]["objective"].shape == (4,) and (one[name]["seconds"] > 0).all()
        np.testing.assert_array_equal(one[name]["objective"], two[name]["objective"])
        assert (one[name]["error"] != three[name]["error"]).any()


def test_a_unit_that_has_left_the_plane_is_not_drawn():
    fig, ax = figures.subplots()
    far, none = nets.ReLUSum([[1.0, 0.0, 5.0]], [1]), np.zeros(2, bool)
    experiments.draw_plane(ax, [[0.5, 0.5, 1.0], [-0.5, 0.0, 1.0]], far, ~none, none, truth=far)
    contours = [child for child in ax.collections if type(child).__name__ == "QuadContourSet"]
    assert not contours and ax.get_xlim() == pytest.approx((-1.05, 1.05))
    near = nets.ReLUSum([[1.0, 0.0, 0.1]], [1])
    experiments.draw_plane(ax, [[0.5, 0.5, 1.0], [-0.5, 0.0, 1.0]], near, ~none, none, truth=far)
    assert [child for child in ax.collections if type(child).__name__ == "QuadContourSet"]
