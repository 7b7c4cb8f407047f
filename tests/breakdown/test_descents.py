import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import ConvergenceWarning, breakdown, streams
from robustnn_core.breakdown import adversaries
from tests.breakdown import reference
from tests.breakdown.made import problem

FITS = {
    "partition": breakdown.fit_partition,
    "dc": breakdown.fit_dc,
    "regions": lambda *a, **k: breakdown.fit_partition(*a, form="regions", **k),
    "l1": lambda *a, keep=None, **k: breakdown.fit_partition(*a, inner="l1", **k),
    "ols": lambda *a, keep=None, **k: breakdown.fit_partition(*a, inner="ols", **k),
    "dc ols": lambda *a, keep=None, **k: breakdown.fit_dc(*a, inner="ols", **k),
}


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    name=st.sampled_from(sorted(FITS)),
    signs=st.lists(st.sampled_from([1, -1]), min_size=1, max_size=3),
    share=st.floats(0.55, 1.0),
    noise=st.sampled_from([0.0, 0.3]),
    adversary=st.sampled_from(
        [adversaries.GrossOutliers(), adversaries.Impostor(), adversaries.Leverage(), adversaries.ActiveHalf(0.5)]
    ),
)
def test_the_loss_never_rises(seed, name, signs, share, noise, adversary):
    X, y, _, _ = problem(seed, 60, 3, signs, 0.2, adversary, noise)
    keep = max(int(share * 60), 3 * len(signs) + 1)
    fit = FITS[name](X, y, signs=signs, keep=keep, init="random", starts=2, seed=seed)
    assert (np.diff(fit.trace.objective) <= 0).all()
    assert fit.objective == fit.trace.objective[-1] and fit.trace.objective.shape == (fit.iterations + 1,)
    if name in ("partition", "dc", "regions"):
        assert fit.kept.sum() == keep
        slow = reference.trimmed_loss(fit.net.weights, fit.net.signs, X, y, keep)
        assert fit.objective == pytest.approx(slow, rel=1e-6, abs=1e-12)
        assert breakdown.trimmed_loss(fit.net, X, y, keep=keep) == pytest.approx(slow, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("seed", range(6))
def test_a_whole_partition_step_is_lifted_least_squares(seed):
    signs = [1, -1]
    X, y, net, _ = problem(seed, 80, 3, signs, 0.1, adversaries.GrossOutliers(), 0.1)
    near = net.weights + 0.01 * streams.generator(seed).standard_normal((2, 3))
    slow = reference.partition_step(near, net.signs, X, y, 60)
    with pytest.warns(ConvergenceWarning, match="breakdown.fit_partition stopped short: the loss still falls after 1"):
        fit = breakdown.fit_partition(X, y, signs=signs, keep=60, start=near[None], seed=0, max_iter=1)
    assert fit.iterations == 1 and not fit.converged
    np.testing.assert_allclose(fit.net.weights, slow, atol=1e-8)


def test_dc_and_partition_agree_where_no_pattern_changes():
    X, y, net, _ = problem(1, 80, 3, [1, -1], noise=1e-6)
    start = net.weights[None] * (1 + 1e-7)
    with pytest.warns(ConvergenceWarning):  # one step of each is compared
        one = breakdown.fit_partition(X, y, signs=[1, -1], keep=80, start=start, seed=0, max_iter=1)
        two = breakdown.fit_dc(X, y, signs=[1, -1], keep=80, start=start, seed=0, max_iter=1)
    np.testing.assert_allclose(one.net.weights, two.net.weights, atol=1e-9)


@pytest.mark.parametrize("name", list(FITS))
def test_a_fit_that_stops_short_says_so_once(name):
    X, y, net, _ = problem(3, 120, 3, [1, -1], 0.1, adversaries.GrossOutliers(), 0.3)
    start = net.weights[None] + 0.5
    with pytest.warns(
        ConvergenceWarning, match="^breakdown.fit_(partition|dc) stopped short: .* raise max_iter = 1"
    ) as caught:
        short = FITS[name](X, y, signs=[1, -1], keep=90, start=start, seed=0, max_iter=1)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert not short.converged and short.iterations == 1
    full = FITS[name](X, y, signs=[1, -1], keep=90, start=start, seed=0)  # a warning here is an error
    assert full.converged and full.objective < short.objective
    # as many steps as it took, and one in which nothing is gained
    enough = FITS[name](X, y, signs=[1, -1], keep=90, start=start, seed=0, max_iter=full.iterations + 1)
    assert enough.converged and enough.objective == full.objective


def test_a_majoriser_that_is_cut_off_is_no_convergence():
    X, y, net, _ = problem(3, 120, 3, [1, -1], 0.1, adversaries.GrossOutliers(), 0.3)
    with pytest.warns(
        ConvergenceWarning, match="breakdown.fit_dc stopped short: the majoriser of step .* or max_inner"
    ):
        start = net.weights[None] + 0.5
        fit = breakdown.fit_dc(X, y, signs=[1, -1], keep=90, start=start, seed=0, max_inner=1, tol=0.5)
    assert not fit.converged


def test_the_tolerance_of_the_l1_fit_is_the_one_that_was_asked_for():
    X, y, net, _ = problem(0, 120, 3, [1, -1], 0.2, adversaries.GrossOutliers(), 0.3)
    case = dict(signs=[1, -1], inner="l1", start=net.weights[None] + 1.0, seed=0)
    coarse, usual, fine = (breakdown.fit_partition(X, y, tol=tol, **case) for tol in (0.5, None, 0.0))
    assert coarse.iterations < usual.iterations <= fine.iterations
    assert fine.objective <= usual.objective < coarse.objective


def test_a_unit_without_points_is_reported():
    X = np.abs(streams.generator(0).standard_normal((40, 2)))
    y = X @ [1.0, 1.0]
    fit = breakdown.fit_partition(X, y, signs=[1, 1], keep=30, start=[[[1.0, 0.9], [-1.0, -1.0]]], seed=0)
    assert fit.determined.tolist() == [True, False]
    np.testing.assert_allclose(fit.net.weights, [[1.0, 1.0], [-1.0, -1.0]], atol=1e-9)
