"""The experiment with convolutional nets."""

import numpy as np
import pytest

from robustnn_core import attacks, images
from robustnn_core.perturbations import convnet, convolution


@pytest.fixture(scope="module")
def digits():
    train, test = images.load("digits").split(600, seed=0, centre=False)
    X, Z = (convolution.enlarge(part.X, part.shape) for part in (train, test))
    net = convnet.train(X, train.y, epochs=8, batch=32, rate=4e-3, seed=0).net
    return net, X, train.y, (Z, test.y)


def test_false_labels_teach_true_ones(digits):
    net, X, y, test = digits
    assert convolution.score(net, *test) > 0.85
    labels = convolution.false_labels(y, "random", seed=1)
    attack = convolution.perturb_images(net, X, y, labels, norm="l2", eps=4.0, steps=5)
    options = {"epochs": 8, "batch": 32, "rate": 4e-3, "seed": 2}
    lesson = convolution.learn_images(attack.X, labels, test, **options)
    plain = convolution.learn_images(X, labels, test, **options)
    assert lesson.best >= lesson.last > 0.3 > plain.last + 0.05
    assert lesson.clean.shape == (8,) and lesson.last == convolution.score(lesson.net, *test)


@pytest.mark.parametrize("norm, eps", [("l2", 1.5), ("linf", 0.2)])
def test_attacking_some_at_a_time_changes_nothing(digits, monkeypatch, norm, eps):
    net, X, y, _ = digits
    labels = convolution.false_labels(y, "deterministic", seed=0)
    monkeypatch.setattr(convolution, "_CHUNK", 160)
    ours = convolution.perturb_images(net, X[:300], y[:300], labels[:300], norm=norm, eps=eps, steps=3)
    plain = attacks.pgd(net, X[:300], y[:300], target=labels[:300], eps=eps, norm=norm, steps=3, low=0.0, high=1.0)
    np.testing.assert_array_equal(ours.X, plain.X)
    np.testing.assert_array_equal(ours.success, plain.success)


def test_labels():
    y = np.arange(10).repeat(1000)
    found = convolution.false_labels(y, "random", seed=3)
    assert np.abs(np.bincount(found) - 1000).max() < 150 and abs(np.mean(found == y) - 0.1) < 0.02
    assert not (convolution.false_labels(y, "deterministic", seed=3) == y).any()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: convolution.false_labels([1, 2], "both", seed=0), r"^rule = 'both' must be one of"),
        (lambda: convolution.enlarge(np.zeros((1, 5)), (2, 2)), r"^X has shape"),
        (lambda: convnet.train(np.zeros((2, 256)), [0, 1], seed=0, watch=3), r"^watch = 3 must be a function"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
