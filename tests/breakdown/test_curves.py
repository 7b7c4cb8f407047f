import concurrent.futures
from dataclasses import dataclass

import numpy as np
import pytest

from robustnn_core import breakdown, streams
from robustnn_core.breakdown import (
    adversaries,
)


def test_balanced_designs_and_angles():
    X, net = breakdown.NetProblem(100, 4, (1, 1), angle=30.0, balanced=True).draw(3)
    assert (X @ net.weights[0] > 0).sum() == 50
    assert net.weights[0] @ net.weights[1] == pytest.approx(np.cos(np.pi / 6))
    np.testing.assert_allclose(np.linalg.norm(net.weights, axis=1), 1.0)
    with pytest.raises(ValueError, match="angle"):
        breakdown.NetProblem(100, 4, (1,), angle=30.0)
    with pytest.raises(ValueError, match="K <= d"):
        breakdown.NetProblem(100, 1, (1, 1))


def curve(executor=None, **change):
    options = dict(fractions=[0.05, 0.2, 0.3], trials=4, seed=3, executor=executor)
    problem, half = breakdown.NetProblem(120, 3, (1,), balanced=True), adversaries.ActiveHalf(0.5)
    return breakdown.breakdown_curve("partition", problem, half, **{**options, **change})


def test_a_curve_does_not_depend_on_the_executor():
    alone = curve()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        threads = curve(pool)
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        processes = curve(pool)
    assert (alone.errors == threads.errors).all() and (alone.errors == processes.errors).all()
    assert alone.errors.shape == (3, 4) and alone.breakdown_point == 0.2 and alone.successes[2] == 0
    assert (alone.low <= alone.rate).all() and (alone.rate <= alone.high).all()


def test_a_curve_resumes_from_disk(tmp_path):
    first = curve(checkpoint=tmp_path / "curve")
    lines = (tmp_path / "curve").read_text().splitlines(keepends=True)
    (tmp_path / "curve").write_text("".join(lines[:2]))
    assert (curve(checkpoint=tmp_path / "curve").errors == first.errors).all()


def plain(X, y, m, seed, signs):
    return breakdown.ols(X, y)


def test_a_user_can_bring_an_estimator_and_a_problem():
    @dataclass(frozen=True)
    class Line:
        def draw(self, seed):
            X = streams.generator(seed).standard_normal((20, 1))
            return X, breakdown.ols(X, 2 * X[:, 0])

    gross = adversaries.GrossOutliers()
    found = breakdown.breakdown_curve(plain, Line(), gross, fractions=[0.0, 0.1], trials=3, seed=0)
    assert found.rate.tolist() == [1.0, 0.0] and found.breakdown_point == 0.0


def test_every_named_estimator_runs():
    for name in ("ols", "huber", "lad", "torrent", "lts"):
        found = breakdown.breakdown_curve(
            breakdown.Estimator(name, keep="oracle" if name == "torrent" else None),
            breakdown.LinearProblem(80, 3),
            adversaries.Leverage(),
            fractions=[0.05],
            trials=2,
            seed=0,
        )
        assert found.breakdown_point == (0.0 if name == "ols" else 0.05)
    found = breakdown.breakdown_curve(
        breakdown.Estimator("dc", keep=0.8),
        breakdown.NetProblem(120, 3, (-1,)),
        adversaries.Leverage(),
        fractions=[0.05],
        trials=2,
        seed=0,
    )
    assert found.breakdown_point == 0.05


@pytest.mark.parametrize(
    "change, says",
    [
        (dict(fractions=[0.2, 0.1]), "increase"),
        (dict(fractions=[0.5, 1.5]), "increase"),
        (dict(trials=0), "trials"),
        (dict(tolerance=0), "tolerance"),
    ],
)
def test_bad_curves(change, says):
    with pytest.raises(ValueError, match=says):
        curve(**change)
    with pytest.raises(ValueError, match="name"):
        breakdown.Estimator("median")


class Liar(adversaries.Adversary):
    """Writes into the model that it is shown."""

    def labels(self, X, y, rng, model):
        model.signs[:] = -1.0
        return y + 1.0


def test_an_adversary_cannot_tell_the_estimator_other_signs():
    seen = []

    def estimator(X, y, *, m, seed, signs):
        seen.append(signs)
        return breakdown.ols(X, y)

    breakdown.breakdown_curve(estimator, breakdown.NetProblem(30, 2), Liar(), fractions=[0.1], trials=1, seed=0)
    assert seen[0].tolist() == [1.0]


def test_an_estimator_that_works_in_place_is_measured_on_the_data():
    def careless(X, y, **_):
        fit = breakdown.ols(X, y)
        X[:] = 0.0
        return fit

    def careful(X, y, **_):
        return breakdown.ols(X, y)

    one, two = (
        breakdown.breakdown_curve(
            f, breakdown.LinearProblem(30, 2), adversaries.GrossOutliers(), fractions=[0.0, 0.2], trials=3, seed=0
        )
        for f in (careless, careful)
    )
    np.testing.assert_array_equal(one.errors, two.errors)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("ols", 0.5), r"keep = 0.5 has no meaning for ols"),
        (("lts", 1.5), r"keep = 1.5 must be > 0 and <= 1"),
        (("lts", "mine"), r"keep = 'mine' must be a real number"),
        (("lts", True), r"keep = True must be a real number"),
    ],
)
def test_an_estimator_with_a_meaningless_keep_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        breakdown.Estimator(*arguments)


def test_a_share_too_small_for_the_parameters_is_refused_not_raised():
    with pytest.raises(ValueError, match="keep = 0.01 means 1 of 20, which must be between 3 and 20"):
        breakdown.Estimator("torrent", keep=0.01).fit(
            np.random.default_rng(0).normal(size=(20, 2)), np.ones(20), m=0, seed=0
        )


@pytest.mark.parametrize("size", [1e-200, 1e200])
@pytest.mark.parametrize("name", ["ols", "huber", "lad", "torrent", "lts", "partition", "dc"])
def test_a_scale_whose_squares_are_no_numbers_is_refused(name, size):
    X = np.random.default_rng(0).normal(size=(30, 2))
    y = np.maximum(X[:, 0], 0.0)
    fit = breakdown.Estimator(name).fit
    for case in ((X * [1.0, size], y), (X, y * size)):
        with pytest.raises(ValueError, match=r"^[Xy] has entries of size .*; change its unit"):
            fit(*case, m=0, seed=0, signs=[1])


@pytest.mark.parametrize("size", [1e-90, 1e-12, 1e12, 1e90])
@pytest.mark.parametrize("name", ["ols", "huber", "lad", "torrent", "lts", "partition", "dc"])
def test_a_change_of_unit_changes_nothing_else(name, size):
    X = np.random.default_rng(0).normal(size=(30, 2))
    y = np.maximum(X[:, 0], 0.0) + 0.01 * np.sin(np.arange(30.0))
    fit = breakdown.Estimator(name).fit
    plain, scaled = (fit(X, c * y, m=0, seed=0, signs=[1]).predict(X) / c for c in (1.0, size))
    np.testing.assert_allclose(scaled, plain, rtol=1e-6, atol=1e-9)


@pytest.mark.filterwarnings("ignore:::distributed")
def test_a_curve_on_a_dask_cluster_is_the_serial_curve():
    distributed = pytest.importorskip("distributed", reason="the optional extra 'dask' is not installed")
    case = dict(fractions=[0.1, 0.3], trials=3, seed=5)
    serial = breakdown.breakdown_curve("torrent", breakdown.LinearProblem(60, 3), adversaries.Impostor(), **case)
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        spread = breakdown.breakdown_curve(
            "torrent", breakdown.LinearProblem(60, 3), adversaries.Impostor(), executor=client.get_executor(), **case
        )
    assert np.array_equal(serial.errors, spread.errors)
