import concurrent.futures
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import breakdown, nets, streams
from robustnn_core.breakdown import attacks

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
