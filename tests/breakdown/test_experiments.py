import concurrent.futures
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import ConvergenceWarning, breakdown, nets, streams
from robustnn_core.breakdown import attacks, experiments

ATTACKS = [
    attacks.GrossOutliers(),
    attacks.Impostor(),
    attacks.Leverage(),
    attacks.ActiveHalf(0.5),
    attacks.ActiveHalf(2.0, order="top", unit=1),
    attacks.ActiveHalf(2.0, order="low"),
    attacks.Merge(),
]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), attack=st.sampled_from(ATTACKS), fraction=st.floats(0, 1))
def test_an_attack_stays_in_its_budget_and_says_what_it_touched(seed, attack, fraction):
    X, net = breakdown.NetProblem(40, 3, (1, -1)).draw(seed)
    y = net.predict(X)
    before = y.copy()
    y_bad, touched = breakdown.corrupt(X, y, fraction=fraction, attack=attack, seed=seed, model=net)
    assert (y == before).all() and touched.sum() <= fraction * 40 + 1e-9
    assert ((y_bad != y) == touched).all()
    again, _ = breakdown.corrupt(X, y, fraction=fraction, attack=attack, seed=seed, model=net)
    assert (again == y_bad).all()


def test_active_half_touches_its_unit_only():
    X, net = breakdown.NetProblem(200, 3, (1, 1)).draw(0)
    _, touched = breakdown.corrupt(
        X, net.predict(X), fraction=0.3, attack=attacks.ActiveHalf(2.0, unit=1), seed=0, model=net
    )
    assert touched.sum() == 60 and (X[touched] @ net.weights[1] > 0).all()


def test_top_and_low_take_the_ends():
    X, net = breakdown.NetProblem(200, 3, (1,), balanced=True).draw(0)
    y = net.predict(X)
    for order, worst in (("top", np.max), ("low", np.min)):
        _, touched = breakdown.corrupt(X, y, fraction=0.1, attack=attacks.ActiveHalf(0.5, order=order), seed=0)
        assert worst(y[touched]) == worst(y[y > 0])


def test_a_user_can_bring_an_attack():
    class Zero(attacks.Attack):
        def labels(self, X, y, rng, model):
            return np.zeros_like(y)

    y_bad, touched = breakdown.corrupt(np.eye(4), np.ones(4), fraction=0.5, attack=Zero(), seed=0)
    assert y_bad.sum() == 2 and touched.sum() == 2


@pytest.mark.parametrize(
    "change, says",
    [
        (dict(fraction=1.5), "fraction"),
        (dict(attack="gross"), "attack"),
        (dict(attack=attacks.Merge()), "model"),
        (dict(attack=attacks.Impostor(nets.ReLUSum([[1.0]], [1]))), "X has shape"),
        (dict(y=[1.0]), "y has shape"),
    ],
)
def test_bad_attacks(change, says):
    options = {"X": np.eye(3), "y": np.ones(3), "fraction": 0.5, "attack": attacks.GrossOutliers(), "seed": 0, **change}
    with pytest.raises(ValueError, match=says):
        breakdown.corrupt(options.pop("X"), options.pop("y"), **options)


@pytest.mark.parametrize(
    "make",
    [lambda: attacks.Merge(pair=(1, 1)), lambda: attacks.Merge(share=1.0), lambda: attacks.ActiveHalf(order="up")],
)
def test_bad_attack_parameters(make):
    with pytest.raises(ValueError):
        make()


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
    return breakdown.breakdown_curve(
        "partition", breakdown.NetProblem(120, 3, (1,), balanced=True), attacks.ActiveHalf(0.5), **{**options, **change}
    )


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

    found = breakdown.breakdown_curve(plain, Line(), attacks.GrossOutliers(), fractions=[0.0, 0.1], trials=3, seed=0)
    assert found.rate.tolist() == [1.0, 0.0] and found.breakdown_point == 0.0


def test_every_named_estimator_runs():
    for name in ("ols", "huber", "lad", "torrent", "lts"):
        found = breakdown.breakdown_curve(
            breakdown.Estimator(name, keep="oracle" if name == "torrent" else None),
            breakdown.LinearProblem(80, 3),
            attacks.Leverage(),
            fractions=[0.05],
            trials=2,
            seed=0,
        )
        assert found.breakdown_point == (0.0 if name == "ols" else 0.05)
    found = breakdown.breakdown_curve(
        breakdown.Estimator("dc", keep=0.8),
        breakdown.NetProblem(120, 3, (-1,)),
        attacks.Leverage(),
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


# --- what an adversary and an estimator may not touch ------------------------------------------------------


class Vandal(attacks.Attack):
    """Writes into what it is given, in the way that ``what`` says."""

    def __init__(self, what):
        self.what = what

    def labels(self, X, y, rng, model):
        if self.what == "inputs":
            X[:] = 0.0
        if self.what == "labels":
            y[:] = 0.0
        if self.what == "signs":
            model.signs[:] = -1.0
        return y + 1.0

    def choose(self, X, y, wanted, m, rng):
        if self.what == "choice":
            wanted[:] = 1e6
        if self.what == "mask":
            return np.ones(y.size, bool)
        if self.what == "negative":
            return np.array([-1])
        return np.arange(m)


@pytest.mark.parametrize("what", ["inputs", "labels"])
def test_an_attack_sees_data_that_it_cannot_overwrite(what):
    X, y = np.eye(4), np.ones(4)
    with pytest.raises(ValueError, match="read-only"):
        breakdown.corrupt(X, y, fraction=0.5, attack=Vandal(what), seed=0)
    assert (np.array([0.0, 1.0]) == np.unique(X)).all() and (y == 1.0).all()
    X[0, 0], y[0] = 2.0, 2.0  # and the caller still owns his arrays


def test_an_attack_cannot_change_its_answer_while_it_chooses():
    y, touched = breakdown.corrupt(np.eye(4), np.ones(4), fraction=0.5, attack=Vandal("choice"), seed=0)
    assert y.tolist() == [2.0, 2.0, 1.0, 1.0] and touched.tolist() == [True, True, False, False]


@pytest.mark.parametrize("what", ["mask", "negative"])
def test_a_choice_that_is_no_list_of_points_is_refused(what):
    with pytest.raises(ValueError, match=r"attack chose .*; it must choose indices 0, ..., 3 of points"):
        breakdown.corrupt(np.eye(4), np.ones(4), fraction=1.0, attack=Vandal(what), seed=0)


def test_an_attack_cannot_tell_the_estimator_other_signs():
    seen = []

    def estimator(X, y, *, m, seed, signs):
        seen.append(signs)
        return breakdown.ols(X, y)

    breakdown.breakdown_curve(
        estimator, breakdown.NetProblem(30, 2), Vandal("signs"), fractions=[0.1], trials=1, seed=0
    )
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
            f, breakdown.LinearProblem(30, 2), attacks.GrossOutliers(), fractions=[0.0, 0.2], trials=3, seed=0
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
        experiments.Estimator(*arguments)


def test_a_share_too_small_for_the_parameters_is_refused_not_raised():
    with pytest.raises(ValueError, match="keep = 1.0 must be >= 3"):
        experiments.Estimator("torrent", keep=0.01).fit(
            np.random.default_rng(0).normal(size=(20, 2)), np.ones(20), m=0, seed=0
        )


@pytest.mark.parametrize("size", [1e-200, 1e200])
@pytest.mark.parametrize("name", ["ols", "huber", "lad", "torrent", "lts", "partition", "dc"])
def test_a_scale_whose_squares_are_no_numbers_is_refused(name, size):
    X = np.random.default_rng(0).normal(size=(30, 2))
    y = np.maximum(X[:, 0], 0.0)
    fit = experiments.Estimator(name).fit
    for case in ((X * [1.0, size], y), (X, y * size)):
        with pytest.raises(ValueError, match=r"^[Xy] has entries of size .*; change its unit"):
            fit(*case, m=0, seed=0, signs=[1])


@pytest.mark.parametrize("size", [1e-90, 1e-12, 1e12, 1e90])
@pytest.mark.parametrize("name", ["ols", "huber", "lad", "torrent", "lts", "partition", "dc"])
def test_a_change_of_unit_changes_nothing_else(name, size):
    X = np.random.default_rng(0).normal(size=(30, 2))
    y = np.maximum(X[:, 0], 0.0) + 0.01 * np.sin(np.arange(30.0))
    fit = experiments.Estimator(name).fit
    plain, scaled = (fit(X, c * y, m=0, seed=0, signs=[1]).predict(X) / c for c in (1.0, size))
    np.testing.assert_allclose(scaled, plain, rtol=1e-6, atol=1e-9)


def test_a_cut_majoriser_says_so():
    X, net = breakdown.NetProblem(60, 3, signs=(1, -1)).draw(0)
    y = net.predict(X) + np.random.default_rng(0).normal(size=60)
    with pytest.warns(ConvergenceWarning, match="^minimise_majoriser stopped short: .* after 1 Newton steps"):
        experiments.minimise_majoriser(X, y, net, newton=1)
