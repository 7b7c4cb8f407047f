import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import breakdown, nets
from robustnn_core.breakdown import adversaries


class Flip(adversaries.Adversary):
    """Turns signs, the largest labels first, and does not care that zeros stay what they are."""

    def labels(self, X, y, rng, model):
        return -y

    def choose(self, X, y, wanted, m, rng):
        return np.argsort(-np.abs(y), kind="stable")[:m]


ADVERSARIES = [
    adversaries.GrossOutliers(),
    adversaries.Impostor(),
    adversaries.Leverage(),
    adversaries.ActiveHalf(0.5),
    adversaries.ActiveHalf(2.0, order="top", unit=1),
    adversaries.ActiveHalf(2.0, order="low"),
    adversaries.Merge(),
    Flip(),
]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), adversary=st.sampled_from(ADVERSARIES), fraction=st.floats(0, 1))
def test_an_adversary_stays_in_its_budget_and_says_what_it_touched(seed, adversary, fraction):
    X, net = breakdown.NetProblem(40, 3, (1, -1)).draw(seed)
    y = net.predict(X)
    before = y.copy()
    y_bad, touched = breakdown.corrupt(X, y, fraction=fraction, adversary=adversary, seed=seed, model=net)
    assert (y == before).all() and touched.sum() <= fraction * 40 + 1e-9
    assert ((y_bad != y) == touched).all()
    again, _ = breakdown.corrupt(X, y, fraction=fraction, adversary=adversary, seed=seed, model=net)
    assert (again == y_bad).all()


def test_active_half_touches_its_unit_only():
    X, net = breakdown.NetProblem(200, 3, (1, 1)).draw(0)
    _, touched = breakdown.corrupt(
        X, net.predict(X), fraction=0.3, adversary=adversaries.ActiveHalf(2.0, unit=1), seed=0, model=net
    )
    assert touched.sum() == 60 and (X[touched] @ net.weights[1] > 0).all()


def test_top_and_low_take_the_ends():
    X, net = breakdown.NetProblem(200, 3, (1,), balanced=True).draw(0)
    y = net.predict(X)
    for order, worst in (("top", np.max), ("low", np.min)):
        _, touched = breakdown.corrupt(X, y, fraction=0.1, adversary=adversaries.ActiveHalf(0.5, order=order), seed=0)
        assert worst(y[touched]) == worst(y[y > 0])


def test_a_user_can_bring_an_adversary():
    class Zero(adversaries.Adversary):
        def labels(self, X, y, rng, model):
            return np.zeros_like(y)

    y_bad, touched = breakdown.corrupt(np.eye(4), np.ones(4), fraction=0.5, adversary=Zero(), seed=0)
    assert y_bad.sum() == 2 and touched.sum() == 2


@pytest.mark.parametrize(
    "change, says",
    [
        (dict(fraction=1.5), "fraction"),
        (dict(adversary="gross"), "adversary"),
        (dict(adversary=adversaries.Merge()), "model"),
        (dict(adversary=adversaries.Impostor(nets.ReLUSum([[1.0]], [1]))), "X has shape"),
        (dict(y=[1.0]), "y has shape"),
    ],
)
def test_bad_adversaries(change, says):
    gross = adversaries.GrossOutliers()
    options = {"X": np.eye(3), "y": np.ones(3), "fraction": 0.5, "adversary": gross, "seed": 0, **change}
    with pytest.raises(ValueError, match=says):
        breakdown.corrupt(options.pop("X"), options.pop("y"), **options)


@pytest.mark.parametrize(
    "make",
    [
        lambda: adversaries.Merge(pair=(1, 1)),
        lambda: adversaries.Merge(share=1.0),
        lambda: adversaries.ActiveHalf(order="up"),
    ],
)
def test_bad_adversary_parameters(make):
    with pytest.raises(ValueError):
        make()


class Vandal(adversaries.Adversary):
    """Writes into what it is given, in the way that ``what`` says."""

    def __init__(self, what):
        self.what = what

    def labels(self, X, y, rng, model):
        if self.what == "inputs":
            X[:] = 0.0
        if self.what == "labels":
            y[:] = 0.0
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
def test_an_adversary_sees_data_that_it_cannot_overwrite(what):
    X, y = np.eye(4), np.ones(4)
    with pytest.raises(ValueError, match="read-only"):
        breakdown.corrupt(X, y, fraction=0.5, adversary=Vandal(what), seed=0)
    assert (np.array([0.0, 1.0]) == np.unique(X)).all() and (y == 1.0).all()
    X[0, 0], y[0] = 2.0, 2.0  # and the caller still owns his arrays


def test_an_adversary_cannot_change_its_answer_while_it_chooses():
    y, touched = breakdown.corrupt(np.eye(4), np.ones(4), fraction=0.5, adversary=Vandal("choice"), seed=0)
    assert y.tolist() == [2.0, 2.0, 1.0, 1.0] and touched.tolist() == [True, True, False, False]


@pytest.mark.parametrize("what", ["mask", "negative"])
def test_a_choice_that_is_no_list_of_points_is_refused(what):
    with pytest.raises(ValueError, match=r"adversary chose .*; it must choose indices 0, ..., 3 of points"):
        breakdown.corrupt(np.eye(4), np.ones(4), fraction=1.0, adversary=Vandal(what), seed=0)
