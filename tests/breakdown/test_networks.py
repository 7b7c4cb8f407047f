import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakdown import reference
from robustnn_core import ConvergenceWarning, breakdown, nets, streams
from robustnn_core.breakdown import _kernels, _lifted, attacks, networks


def problem(seed, n, d, signs, fraction=0.0, attack=None, noise=0.0):
    rng = streams.generator(seed)
    X = rng.standard_normal((n, d))
    net = nets.ReLUSum(np.linalg.qr(rng.standard_normal((d, d)))[0][: len(signs)], signs)
    truth = net.predict(X)
    y = truth + noise * rng.standard_normal(n)
    if attack is not None:
        y, _ = breakdown.corrupt(X, y, fraction=fraction, attack=attack, seed=rng, model=net)
    return X, y, net, truth


def work(n, d, K):
    regions = 1 << K if K <= _lifted.REGION_UNITS else 1
    return np.empty((regions, d, d)), np.empty((regions, d)), np.zeros((K * d, K * d)), np.empty(K * d)


FITS = {
    "partition": breakdown.partition_fit,
    "dc": breakdown.dc_fit,
    "regions": lambda *a, **k: breakdown.partition_fit(*a, form="regions", **k),
    "l1": lambda *a, keep=None, **k: breakdown.partition_fit(*a, inner="l1", **k),
    "ols": lambda *a, keep=None, **k: breakdown.partition_fit(*a, inner="ols", **k),
    "dc ols": lambda *a, keep=None, **k: breakdown.dc_fit(*a, inner="ols", **k),
}


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    name=st.sampled_from(sorted(FITS)),
    signs=st.lists(st.sampled_from([1, -1]), min_size=1, max_size=3),
    share=st.floats(0.55, 1.0),
    noise=st.sampled_from([0.0, 0.3]),
    attack=st.sampled_from([attacks.GrossOutliers(), attacks.Impostor(), attacks.Leverage(), attacks.ActiveHalf(0.5)]),
)
def test_the_loss_never_rises(seed, name, signs, share, noise, attack):
    X, y, _, _ = problem(seed, 60, 3, signs, 0.2, attack, noise)
    keep = max(int(share * 60), 3 * len(signs) + 1)
    fit = FITS[name](X, y, signs=signs, keep=keep, start="random", starts=2, seed=seed)
    assert (np.diff(fit.history) <= 0).all()
    assert fit.objective == fit.history[-1] and fit.history.shape == (fit.iterations + 1,)
    if name in ("partition", "dc", "regions"):
        assert fit.kept.sum() == keep
        slow = reference.trimmed_loss(fit.net.weights, fit.net.signs, X, y, keep)
        assert fit.objective == pytest.approx(slow, rel=1e-6, abs=1e-12)
        assert breakdown.trimmed_loss(fit.net, X, y, keep=keep) == pytest.approx(slow, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("seed", range(6))
def test_a_whole_partition_step_is_lifted_least_squares(seed):
    signs = [1, -1]
    X, y, net, _ = problem(seed, 80, 3, signs, 0.1, attacks.GrossOutliers(), 0.1)
    near = net.weights + 0.01 * streams.generator(seed).standard_normal((2, 3))
    slow = reference.partition_step(near, net.signs, X, y, 60)
    with pytest.warns(ConvergenceWarning, match="breakdown.partition_fit stopped short: the loss still falls after 1"):
        fit = breakdown.partition_fit(X, y, signs=signs, keep=60, start=near[None], seed=0, max_iter=1)
    assert fit.iterations == 1 and not fit.converged
    np.testing.assert_allclose(fit.net.weights, slow, atol=1e-8)


@pytest.mark.parametrize("K", [2, 7])
def test_normal_equations_of_both_assemblies(K):
    rng = streams.generator(K)
    n, d = 50, 2
    X, U, r = rng.standard_normal((n, d)), rng.standard_normal((K, d)), rng.standard_normal(n)
    s = np.where(rng.random(K) < 0.5, 1.0, -1.0)
    use = rng.random(n) < 0.7
    gram, side, H, b = work(n, d, K)
    _lifted.accumulate(X, X @ U.T > 0, s, r, use, gram, side, H, b, True)
    Z = reference.lifted(U, s, X)[use]
    np.testing.assert_allclose(np.tril(H), np.tril(Z.T @ Z), atol=1e-12)
    np.testing.assert_allclose(b, Z.T @ r[use], atol=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_majoriser_is_minimised(seed):
    rng = streams.generator(seed)
    n, d, signs = 14, 2, np.array([1.0, -1.0])
    X, U, y = rng.standard_normal((n, d)), rng.standard_normal((2, d)), 2 * rng.standard_normal(n)
    V = U.copy()
    value, _ = _lifted.minimise_majoriser(
        X, y, signs, np.ones(n, np.bool_), X @ U.T > 0, V, 1e-13, 300, *work(n, d, 2), True
    )
    assert value == pytest.approx(reference.majoriser(V, U, signs, X, y), rel=1e-10)
    assert value <= reference.majoriser(U, U, signs, X, y)
    assert value <= reference.least_majoriser(U, signs, X, y) * (1 + 1e-3) + 1e-9


def test_dc_and_partition_agree_where_no_pattern_changes():
    X, y, net, _ = problem(1, 80, 3, [1, -1], noise=1e-6)
    start = net.weights[None] * (1 + 1e-7)
    with pytest.warns(ConvergenceWarning):  # one step of each is compared
        one = breakdown.partition_fit(X, y, signs=[1, -1], keep=80, start=start, seed=0, max_iter=1)
        two = breakdown.dc_fit(X, y, signs=[1, -1], keep=80, start=start, seed=0, max_iter=1)
    np.testing.assert_allclose(one.net.weights, two.net.weights, atol=1e-9)


def test_infer_without_weights_and_with():
    X, y, net, _ = problem(0, 200, 3, [1, -1])
    patterns, coefs, grams = breakdown.region_fits(X, y, X @ net.weights.T > 0)
    np.testing.assert_allclose(breakdown.infer(patterns, coefs, [1, -1]), net.weights, atol=1e-9)
    np.testing.assert_allclose(breakdown.infer(patterns, coefs, [1, -1], grams=grams), net.weights, atol=1e-9)


@pytest.mark.parametrize("name", ["partition", "dc"])
@pytest.mark.parametrize("scale", [0.5, 2.0])
@pytest.mark.parametrize("order", ["random", "top", "low"])
def test_the_quarter(name, scale, order):
    """d = 5, n = 400, 200 active: the bound is 97 corruptions, and 96 are survived."""
    task = breakdown.NetProblem(400, 5, (1,), balanced=True)
    curve = breakdown.breakdown_curve(
        name, task, attacks.ActiveHalf(scale, order=order), fractions=[0.22, 0.24], trials=5, seed=7
    )
    assert curve.breakdown_point == 0.24


@pytest.mark.parametrize(
    "attack", [attacks.ActiveHalf(0.5), attacks.ActiveHalf(2.0), attacks.Leverage(), attacks.GrossOutliers()]
)
def test_two_units(attack):
    X, y, _, truth = problem(11, 500, 5, [1, 1], 0.2, attack)
    fit = breakdown.partition_fit(X, y, signs=[1, 1], seed=0)
    np.testing.assert_allclose(fit.net.predict(X), truth, atol=1e-8)


def test_four_units():
    X, y, _, truth = problem(5, 800, 6, [1, 1, -1, -1], 0.2, attacks.ActiveHalf(0.5))
    fit = breakdown.dc_fit(X, y, signs=[1, 1, -1, -1], seed=0)
    np.testing.assert_allclose(fit.net.predict(X), truth, atol=1e-8)


def test_negative_unit_and_noise():
    X, y, net, truth = problem(2, 400, 4, [-1], 0.2, attacks.ActiveHalf(0.5), noise=0.01)
    fit = breakdown.partition_fit(X, y, signs=[-1], seed=0)
    assert np.linalg.norm(fit.net.predict(X) - truth) < 0.05 * np.linalg.norm(truth)


@pytest.mark.parametrize("fit", [breakdown.partition_fit, breakdown.dc_fit])
def test_threads_give_the_same_bits(fit):
    X, y, _, _ = problem(3, 300, 4, [1, -1], 0.2, attacks.GrossOutliers(), noise=0.1)
    one, two = (fit(X, y, signs=[1, -1], start="random", starts=6, seed=9, threads=t) for t in (1, 2))
    assert (one.net.weights == two.net.weights).all() and (one.history == two.history).all() and one.start == two.start


def test_ols_breaks_and_l1_does_not():
    X, y, _, truth = problem(4, 300, 3, [1], 0.1, attacks.GrossOutliers())
    error = {
        name: np.linalg.norm(FITS[name](X, y, signs=[1], seed=0).net.predict(X) - truth)
        for name in ("ols", "dc ols", "l1")
    }
    assert error["ols"] > 1 and error["dc ols"] > 1 and error["l1"] < 1e-6


def test_half_coverage_is_too_little_even_on_clean_labels():
    X, y, net, _ = problem(6, 101, 2, [1])
    inactive = int((X @ net.weights[0] <= 0).sum())
    wild = nets.ReLUSum(1000 * net.weights, net.signs)
    assert breakdown.trimmed_loss(wild, X, y, keep=inactive) == 0.0


def test_a_unit_without_points_is_reported():
    X = np.abs(streams.generator(0).standard_normal((40, 2)))
    y = X @ [1.0, 1.0]
    fit = breakdown.partition_fit(X, y, signs=[1, 1], keep=30, start=[[[1.0, 0.9], [-1.0, -1.0]]], seed=0)
    assert fit.determined.tolist() == [True, False]
    np.testing.assert_allclose(fit.net.weights, [[1.0, 1.0], [-1.0, -1.0]], atol=1e-9)


def test_many_units_use_the_direct_assembly():
    X, y, _, _ = problem(8, 200, 8, [1, -1] * 4, noise=0.1)
    fit = breakdown.partition_fit(X, y, signs=[1, -1] * 4, keep=150, start="random", starts=1, seed=0)
    assert (np.diff(fit.history) <= 0).all() and fit.iterations > 0


def test_zero_labels():
    X = streams.generator(0).standard_normal((30, 2))
    fit = breakdown.partition_fit(X, np.zeros(30), signs=[1], seed=0)
    assert fit.objective < 1e-12


@pytest.mark.parametrize(
    "change, says",
    [
        (dict(keep=3), "keep"),
        (dict(keep=31), "keep"),
        (dict(signs=[1, 2]), "signs"),
        (dict(signs=[]), "signs"),
        (dict(X=np.ones((30, 3))), "rank deficient"),
        (dict(X=np.eye(3), y=np.ones(3)), "more points"),
        (dict(X=np.full((30, 3), np.nan)), "nan"),
        (dict(y=np.ones(29)), "shape"),
        (dict(inner="huber"), "inner"),
        (dict(inner="ols"), "no meaning"),
        (dict(form="regions", inner="l1", keep=None), "regions"),
        (dict(start="lucky"), "start"),
        (dict(start=np.ones((1, 2, 3))), "start"),
        (dict(starts=0), "starts"),
        (dict(seed=None), "seed"),
    ],
)
def test_bad_input(change, says):
    X, y, _, _ = problem(0, 30, 3, [1])
    options = {"X": X, "y": y, "signs": [1], "keep": 20, "seed": 0, **change}
    with pytest.raises(ValueError, match=says):
        breakdown.partition_fit(options.pop("X"), options.pop("y"), **options)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(5, 60), bits=st.integers(-45, 2))
def test_consensus_is_the_formula(seed, n, bits):
    rng = streams.generator(seed)
    r = rng.standard_normal(n) * np.where(rng.random(n) < 0.4, 2.0**bits, 1.0)
    fast = _kernels.consensus(r.copy(), 1.7, np.empty(_kernels.LEVELS + 1))[0]
    assert fast == pytest.approx(reference.consensus(r, 1.7), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.sampled_from([0.0, 1.0, 2.5, -1.0, 7.0]), min_size=1, max_size=40), data=st.data())
def test_selection(values, data):
    values = np.array(values)
    h = data.draw(st.integers(1, len(values)))
    assert _kernels.kth_smallest(values, h - 1, np.empty_like(values)) == np.sort(values)[h - 1]
    kept = np.zeros(len(values), np.bool_)
    total = _kernels.keep_smallest(values, h, np.empty_like(values), kept)
    assert kept.sum() == h and total == pytest.approx(np.sort(values)[:h].sum())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 30), p=st.integers(1, 3))
def test_distinct_draws(seed, n, p):
    picks = np.empty(p, np.int64)
    _kernels.distinct(streams.generator(seed).random(p), n, picks)
    assert len(set(picks.tolist())) == p and picks.min() >= 0 and picks.max() < n


def test_row_of_region_fits_without_points_kept():
    patterns, coefs, grams = networks.region_fits([[1.0], [-1.0]], [2.0, 0.0], [[1], [0]], keep=[False, True])
    assert coefs[patterns[:, 0]].tolist() == [[0.0]] and grams[patterns[:, 0]].tolist() == [[[0.0]]]


@pytest.mark.parametrize("name", list(FITS))
def test_a_fit_that_stops_short_says_so_once(name):
    X, y, net, _ = problem(3, 120, 3, [1, -1], 0.1, attacks.GrossOutliers(), 0.3)
    start = net.weights[None] + 0.5
    with pytest.warns(
        ConvergenceWarning, match="^breakdown.(partition|dc)_fit stopped short: .* raise max_iter = 1"
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
    X, y, net, _ = problem(3, 120, 3, [1, -1], 0.1, attacks.GrossOutliers(), 0.3)
    with pytest.warns(ConvergenceWarning, match="breakdown.dc_fit stopped short: the majoriser of step .* or newton"):
        fit = breakdown.dc_fit(X, y, signs=[1, -1], keep=90, start=net.weights[None] + 0.5, seed=0, newton=1, tol=0.5)
    assert not fit.converged


def test_the_tolerance_of_the_l1_fit_is_the_one_that_was_asked_for():
    X, y, net, _ = problem(0, 120, 3, [1, -1], 0.2, attacks.GrossOutliers(), 0.3)
    case = dict(signs=[1, -1], inner="l1", start=net.weights[None] + 1.0, seed=0)
    coarse, usual, fine = (breakdown.partition_fit(X, y, tol=tol, **case) for tol in (0.5, None, 0.0))
    assert coarse.iterations < usual.iterations <= fine.iterations
    assert fine.objective <= usual.objective < coarse.objective
