import math

import numpy as np
import pytest
from neurotron import reference

from robustnn_core import nets

rng = np.random.default_rng(0)


@pytest.mark.parametrize("leak", [0.0, 0.1, 1.0, -0.5])
def test_single_filter_net_is_definition_1(leak):
    net = nets.SingleFilterNet(rng.normal(size=(3, 2, 4)), leak)
    w, X = rng.normal(size=2), rng.normal(size=(20, 4))
    np.testing.assert_allclose(net.predict(w, X), [reference.net(net.patches, leak, w, x) for x in X], rtol=1e-12)
    np.testing.assert_allclose(net.mean_patch, sum(net.patches) / 3, rtol=1e-15)


def test_gate_is_one_unit():
    X = rng.normal(size=(9, 3))
    np.testing.assert_array_equal(nets.SingleFilterNet.gate(3).predict([1, 2, 3], X), np.maximum(X @ [1, 2, 3], 0))
    np.testing.assert_array_equal(nets.SingleFilterNet.gate(3, leak=1.0).predict([1, 2, 3], X), X @ [1, 2, 3])


def test_leaky_relu_at_the_kink():
    assert nets.leaky_relu(np.array([-1.0, -0.0, 0.0, 2.0]), 0.25).tolist() == [-0.25, 0.0, 0.0, 2.0]


@pytest.mark.parametrize("stride", [1, 2, (1, 2), (3, 1)])
def test_convolution_slides_and_averages(stride):
    image, w = rng.normal(size=(5, 6)), rng.normal(size=(2, 3))
    net = nets.SingleFilterNet.convolution((5, 6), (2, 3), stride, leak=0.2)
    down, right = stride if isinstance(stride, tuple) else (stride, stride)
    seen = [float((image[i : i + 2, j : j + 3] * w).sum()) for i in range(0, 4, down) for j in range(0, 4, right)]
    expected = sum(v if v >= 0 else 0.2 * v for v in seen) / len(seen)
    assert net.predict(w.ravel(), image.reshape(1, -1))[0] == pytest.approx(expected, rel=1e-12)
    assert set(np.unique(net.patches)) == {0.0, 1.0} and (net.patches.sum(axis=2) == 1).all()


def test_convolution_of_a_signal():
    net = nets.SingleFilterNet.convolution(4, 3)
    assert net.patches.shape == (2, 3, 4)
    assert net.predict([1, 0, -1], [[1, 2, 3, 4]]).tolist() == [0.0]


def test_relu_sum_and_frozen_head():
    X, W = rng.normal(size=(7, 3)), rng.normal(size=(4, 3))
    two = nets.ReLUSum(W, [1, 1, -1, -1]).predict(X)
    np.testing.assert_allclose(two, [sum(s * max(float(u @ x), 0) for s, u in zip((1, 1, -1, -1), W)) for x in X])
    net = nets.FrozenHeadNet(W, leak=0.3)
    assert net.head.tolist() == [0.5, 0.5, -0.5, -0.5] and math.isclose(np.linalg.norm(net.head), 1.0)
    np.testing.assert_allclose(
        net.predict(X), [sum(a * reference.sigma(float(u @ x), 0.3) for a, u in zip(net.head, W)) for x in X]
    )


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: nets.SingleFilterNet(np.eye(3)), r"^patches has shape \(3, 3\); it must have shape \(k, r, n\)"),
        (lambda: nets.SingleFilterNet([np.eye(2) * np.nan]), r"^patches contains nan at index \(0, 0, 0\); remove"),
        (lambda: nets.SingleFilterNet([[[1, 2], [3]]]), r"^patches is ragged"),
        (lambda: nets.SingleFilterNet(np.ones((1, 2, 2)), np.inf), r"^leak = inf must be a finite number"),
        (lambda: nets.SingleFilterNet.gate(0), r"^n = 0.* must be >= 1"),
        (lambda: nets.SingleFilterNet.gate(2.0), r"^n = 2.0 must be an integer"),
        (lambda: nets.SingleFilterNet.convolution((8, 8), 3), r"^kernel = \(3,\) must have as many axes as shape"),
        (
            lambda: nets.SingleFilterNet.convolution((2, 2), (3, 3)),
            r"^kernel = \(3, 3\) .* must fit inside shape = \(2, 2\)",
        ),
        (lambda: nets.SingleFilterNet.convolution(8, 4, (1, 2)), r"^kernel = \(4,\) with stride = \(1, 2\)"),
        (lambda: nets.SingleFilterNet.convolution(8, 4, 0), r"^stride = 0.* must be >= 1"),
        (
            lambda: nets.SingleFilterNet.gate(2).predict([1, 2, 3], [[1, 2]]),
            r"^w has shape \(3,\); it must have shape \(2,\)",
        ),
        (
            lambda: nets.SingleFilterNet.gate(2).predict([1, 2], [1, 2]),
            r"^X has shape \(2,\); it must have shape \(N, 2\)",
        ),
        (lambda: nets.ReLUSum(np.eye(2), [1, 0]), r"^signs contains 0.0; every entry must be \+1 or -1"),
        (lambda: nets.ReLUSum(np.eye(2), [1]), r"^signs has shape \(1,\); it must have shape \(2,\)"),
        (
            lambda: nets.ReLUSum(np.eye(2), [1, 1]).predict([[1.0]]),
            r"^X has shape \(1, 1\); it must have shape \(N, 2\)",
        ),
        (lambda: nets.FrozenHeadNet(np.ones((3, 2)), 0.5), r"^weights has 3 rows; the width must be even"),
        (lambda: nets.FrozenHeadNet(np.ones((2, 2)), 1.0), r"^leak = 1.0 must be > 0 and < 1"),
        (lambda: nets.FrozenHeadNet(np.ones((2, 2)), 0.5).predict([[1.0]]), r"^X has shape \(1, 1\)"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
