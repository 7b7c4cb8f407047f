import numpy as np
import pytest

from robustnn_core import convex
from robustnn_core.convex import datasets, losses


@pytest.mark.parametrize("loss", ["hinge", "logistic", "squared", losses.Huber(0.5)], ids=str)
@pytest.mark.parametrize("attack", [None, "fgsm", "pgd"])
def test_it_learns_and_repeats(loss, attack):
    X, y = datasets.plane("ring", 30, 0)
    a, b = (
        convex.train_gradient(
            X, y, width=20, beta=1e-3, attack=attack, radius=0.03, bias=-1, loss=loss, steps=800, seed=4
        )
        for _ in range(2)
    )
    np.testing.assert_array_equal(a.net.weights, b.net.weights)
    assert np.mean(np.sign(a.net.predict(X)) == y) >= 0.9
    assert a.trace.objective[-1] < 0.6 * a.trace.objective[0]
    if attack is None:  # the balanced split: absorbing the head can only lower the penalty
        assert a.objective <= a.trace.objective[-1] * 1.01


def test_the_attacked_net_is_the_more_robust():
    X, y = datasets.plane("random", 12, 1, separation=0.25)
    worst = {}
    for attack in (None, "pgd"):
        net = convex.train_gradient(X, y, width=40, beta=1e-3, attack=attack, radius=0.08, bias=-1, seed=0).net
        met = convex.attack_box(net, X, y, radius=0.08, bias=-1, seed=0)
        worst[attack] = np.maximum(1 - y * net.predict(met), 0).mean()
    assert worst["pgd"] < worst[None]


def test_the_bias_stays():
    X, y = datasets.plane("moons", 10, 0)
    f = convex.train_gradient(X, y, width=5, beta=1e-3, steps=50, seed=0)
    for method in ("fgsm", "pgd"):
        met = convex.attack_box(f.net, X, y, radius=0.1, bias=-1, method=method, seed=0)
        np.testing.assert_array_equal(met[:, 2], 1.0)
        assert np.abs(met - X).max() <= 0.1 + 1e-15
        assert (y * f.net.predict(met)).sum() <= (y * f.net.predict(X)).sum()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"width": 0}, r"^width = 0"),
        ({"attack": "x"}, r"^attack = 'x' must be None, 'fgsm' or 'pgd'"),
        ({"beta": -1.0}, r"^beta = -1.0"),
        ({"radius": -1.0}, r"^radius = -1.0"),
        ({"rate": 0.0}, r"^rate = 0.0"),
        ({"steps": 0}, r"^steps = 0"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        convex.train_gradient([[1.0, 1.0], [0.0, 1.0]], [1, -1], **{"width": 2, "beta": 0.1, "seed": 0, **options})
