import numpy as np
import pytest

from robustnn_core import breakdown, nets, streams
from robustnn_core.breakdown import adversaries
from tests.breakdown.made import problem

FITS = {
    "partition": breakdown.fit_partition,
    "dc": breakdown.fit_dc,
    "regions": lambda *a, **k: breakdown.fit_partition(*a, form="regions", **k),
    "l1": lambda *a, keep=None, **k: breakdown.fit_partition(*a, inner="l1", **k),
    "ols": lambda *a, keep=None, **k: breakdown.fit_partition(*a, inner="ols", **k),
    "dc ols": lambda *a, keep=None, **k: breakdown.fit_dc(*a, inner="ols", **k),
}


@pytest.mark.parametrize("name", ["partition", "dc"])
@pytest.mark.parametrize("scale", [0.5, 2.0])
@pytest.mark.parametrize("order", ["random", "top", "low"])
def test_the_quarter(name, scale, order):
    """d = 5, n = 400, 200 active: the bound is 97 corruptions, and 96 are survived."""
    task = breakdown.NetProblem(400, 5, (1,), balanced=True)
    curve = breakdown.breakdown_curve(
        name, task, adversaries.ActiveHalf(scale, order=order), fractions=[0.22, 0.24], trials=5, seed=7
    )
    assert curve.breakdown_point == 0.24


@pytest.mark.parametrize(
    "adversary",
    [
        adversaries.ActiveHalf(0.5),
        adversaries.ActiveHalf(2.0),
        adversaries.Leverage(),
        adversaries.GrossOutliers(),
    ],
)
def test_two_units(adversary):
    X, y, _, truth = problem(11, 500, 5, [1, 1], 0.2, adversary)
    fit = breakdown.fit_partition(X, y, signs=[1, 1], seed=0)
    np.testing.assert_allclose(fit.net.predict(X), truth, atol=1e-8)


def test_four_units():
    X, y, _, truth = problem(5, 800, 6, [1, 1, -1, -1], 0.2, adversaries.ActiveHalf(0.5))
    fit = breakdown.fit_dc(X, y, signs=[1, 1, -1, -1], seed=0)
    np.testing.assert_allclose(fit.net.predict(X), truth, atol=1e-8)


def test_negative_unit_and_noise():
    X, y, net, truth = problem(2, 400, 4, [-1], 0.2, adversaries.ActiveHalf(0.5), noise=0.01)
    fit = breakdown.fit_partition(X, y, signs=[-1], seed=0)
    assert np.linalg.norm(fit.net.predict(X) - truth) < 0.05 * np.linalg.norm(truth)


@pytest.mark.parametrize("fit", [breakdown.fit_partition, breakdown.fit_dc])
def test_threads_give_the_same_bits(fit):
    X, y, _, _ = problem(3, 300, 4, [1, -1], 0.2, adversaries.GrossOutliers(), noise=0.1)
    one, two = (fit(X, y, signs=[1, -1], init="random", starts=6, seed=9, threads=t) for t in (1, 2))
    assert (one.net.weights == two.net.weights).all() and one.winner == two.winner
    assert (one.trace.objective == two.trace.objective).all()


def test_ols_breaks_and_l1_does_not():
    X, y, _, truth = problem(4, 300, 3, [1], 0.1, adversaries.GrossOutliers())
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


def test_keep_is_a_number_or_a_share():
    X, y, _, _ = problem(3, 80, 3, [1], 0.1, adversaries.GrossOutliers(), noise=0.1)
    for fit in (breakdown.fit_partition, breakdown.fit_dc):
        whole, share = (fit(X, y, signs=[1], keep=keep, seed=0) for keep in (56, 0.7))
        assert (whole.net.weights == share.net.weights).all() and share.kept.sum() == 56
        assert breakdown.trimmed_loss(share.net, X, y, keep=0.7) == pytest.approx(share.objective, abs=1e-12)
    everything = breakdown.fit_partition(X, y, signs=[1], keep=1.0, inner="ols", seed=0)
    assert everything.kept.all()


def test_a_start_is_taken_in_place_of_those_that_init_makes():
    X, y, net, _ = problem(3, 80, 3, [1], noise=0.1)
    start = net.weights[None] + 0.2
    found = [breakdown.fit_partition(X, y, signs=[1], init=how, start=start, seed=0) for how in ("elemental", "random")]
    assert (found[0].net.weights == found[1].net.weights).all() and found[0].winner == 0
    assert len(found[0].trace) == found[0].iterations + 1


def test_zero_labels():
    X = streams.generator(0).standard_normal((30, 2))
    fit = breakdown.fit_partition(X, np.zeros(30), signs=[1], seed=0)
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
        (dict(init="lucky"), "init"),
        (dict(start=np.ones((1, 2, 3))), "start"),
        (dict(starts=0), "starts"),
        (dict(seed=None), "seed"),
    ],
)
def test_bad_input(change, says):
    X, y, _, _ = problem(0, 30, 3, [1])
    options = {"X": X, "y": y, "signs": [1], "keep": 20, "seed": 0, **change}
    with pytest.raises(ValueError, match=says):
        breakdown.fit_partition(options.pop("X"), options.pop("y"), **options)
