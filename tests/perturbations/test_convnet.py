import dataclasses

import numba
import numpy as np
import pytest
import threadpoolctl
from scipy.special import softmax
from sklearn.datasets import load_digits

from robustnn_core import ConvergenceWarning, attacks
from robustnn_core.perturbations import convnet

rng = np.random.default_rng(0)


def exact(seed=0):
    """A small net in double precision, with offsets that are not 0."""
    net = convnet.ConvNet.initial(16, seed=seed, filters=(2, 3), classes=4, dtype=np.float64)
    own = np.random.default_rng(seed)
    return dataclasses.replace(net, parameters=tuple(p + 0.1 * own.normal(size=p.shape) for p in net.parameters))


def plain(net, x):
    """The scores of one image, by loops from the definition."""
    W1, b1, W2, b2, W3, b3 = net.parameters
    z = x.reshape(1, net.side, net.side)
    for W, b in ((W1, b1), (W2, b2)):
        C, H = z.shape[0], z.shape[1]
        W = W.reshape(len(b), C, 5, 5)
        out = np.zeros((len(b), H - 4, H - 4))
        for f in range(len(b)):
            for i in range(H - 4):
                for j in range(H - 4):
                    out[f, i, j] = max(0.0, b[f] + float((W[f] * z[:, i : i + 5, j : j + 5]).sum()))
        half = (H - 4) // 2
        z = np.array(
            [
                [[out[f, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max() for j in range(half)] for i in range(half)]
                for f in range(len(b))
            ]
        )
    return W3 @ z.ravel() + b3


def test_scores_against_loops():
    net, X = exact(), rng.normal(size=(3, 256))
    np.testing.assert_allclose(net.predict(X), [plain(net, x) for x in X], rtol=1e-12)


def test_gradients_against_finite_differences():
    net, X, v, h = exact(1), rng.normal(size=(2, 256)), rng.normal(size=(2, 4)), 1e-6
    found = net.pullback(X, v)
    for i in rng.choice(256, size=25, replace=False):
        step = h * np.eye(256)[i]
        slope = (v * (net.predict(X + step) - net.predict(X - step))).sum(axis=1) / (2 * h)
        np.testing.assert_allclose(found[:, i], slope, atol=1e-7)
    gradients, _ = convnet._backward(net, v, convnet._forward(net, X)[1], False)
    for k, (p, g) in enumerate(zip(net.parameters, gradients)):
        for i in rng.choice(p.size, size=min(p.size, 8), replace=False):
            moved = []
            for sign in (1, -1):
                q = p.copy()
                q.flat[i] += sign * h
                other = dataclasses.replace(net, parameters=net.parameters[:k] + (q,) + net.parameters[k + 1 :])
                moved.append((v * other.predict(X)).sum())
            assert g.flat[i] == pytest.approx((moved[0] - moved[1]) / (2 * h), abs=1e-7)


def test_gradients_against_autograd():
    """The same net in PyTorch: the loss, and its gradients in the weights and in the images."""
    torch = pytest.importorskip("torch")
    net, X, y = exact(2), rng.normal(size=(37, 256)), rng.integers(0, 4, 37)
    parameters = [torch.tensor(p, requires_grad=True) for p in net.parameters]
    images = torch.tensor(X, requires_grad=True)
    z = images.reshape(-1, 1, 16, 16)
    for k, channels in ((0, 1), (2, 2)):
        W = parameters[k].reshape(-1, channels, 5, 5)
        z = torch.nn.functional.max_pool2d(torch.relu(torch.nn.functional.conv2d(z, W, parameters[k + 1])), 2)
    scores = z.flatten(1) @ parameters[4].T + parameters[5]
    torch.nn.functional.cross_entropy(scores, torch.tensor(y), reduction="sum").backward()
    v = softmax(net.predict(X), axis=1) - np.eye(4)[y]
    np.testing.assert_allclose(net.predict(X), scores.detach().numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(net.pullback(X, v), images.grad.numpy(), rtol=1e-10, atol=1e-12)
    for own, other in zip(convnet._backward(net, v, convnet._forward(net, X)[1], False)[0], parameters):
        np.testing.assert_allclose(own, other.grad.numpy(), rtol=1e-10, atol=1e-12)


def digits():
    """The 8 x 8 digits, each pixel doubled: 16 x 16."""
    data = load_digits()
    return np.kron(data.images / 16, np.ones((2, 2))).reshape(len(data.target), -1), data.target


def test_it_learns_and_can_be_attacked():
    X, y = digits()
    run = convnet.train(X[:1200], y[:1200], epochs=12, rate=4e-3, filters=(8, 32), seed=0)
    net, trace = run.net, run.trace
    assert np.mean(net.predict(X[1200:]).argmax(axis=1) == y[1200:]) > 0.9
    assert trace.loss[-1] < 0.3 * trace.loss[0] and trace.accuracy[-1] > 0.95 and run.converged
    target = (y[:40] + 1) % 10
    found = attacks.pgd(net, X[:40], y[:40], eps=3.0, norm="l2", target=target, low=0.0, high=1.0, steps=20)
    assert found.success.mean() > 0.6 and np.linalg.norm(found.eta, axis=1).max() <= 3.0 + 1e-9


def test_same_bits_on_one_and_two_threads():
    X, y = digits()
    nets = []
    for threads in (1, numba.config.NUMBA_NUM_THREADS):
        numba.set_num_threads(threads)
        with threadpoolctl.threadpool_limits(threads):
            nets.append(convnet.train(X[:300], y[:300], epochs=1, seed=3).net)
    for a, b in zip(nets[0].parameters, nets[1].parameters):
        assert np.array_equal(a, b)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"X": np.zeros((4, 250))}, r"^X has 250 columns, which is no square"),
        ({"X": np.zeros((4, 324))}, r"^side = 18 must be a multiple of 4"),
        ({"X": np.zeros((4, 64))}, r"^side = 8.* must be >= 16"),
        ({"y": [0, 1, 2, 10]}, r"^y has entries outside 0, ..., 9"),
        ({"y": [0, 1]}, r"^y has shape \(2,\)"),
        ({"epochs": 0}, r"^epochs = 0"),
        ({"batch": 0}, r"^batch = 0"),
        ({"rate": 0.0}, r"^rate = 0.0"),
        ({"seed": None}, r"^seed"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        convnet.train(**{"X": np.zeros((4, 256)), "y": [0, 1, 2, 3], "seed": 0, **change})


def test_training_that_overflows_says_so_once():
    X = np.random.default_rng(0).uniform(size=(64, 256))
    with pytest.warns(ConvergenceWarning, match="^convnet.train stopped short: .* in epoch 0, .* lower rate") as caught:
        run = convnet.train(X, np.repeat([0, 1], 32), epochs=2, batch=16, rate=1e10, seed=0)
    assert not run.converged and len(caught) == 1 and caught[0].filename == __file__
    with pytest.raises(ValueError, match=r"X has entries of size 1e\+300, beyond float32"):
        convnet.train(np.full((2, 256), 1e300), [0, 1], seed=0)


def test_watching_cannot_change_what_is_trained_and_keeps_its_nets():
    X, y = np.random.default_rng(0).uniform(size=(32, 256)), np.repeat([0, 1], 16)

    def spoil(net):
        for p in net.parameters:
            p[:] = 0.0

    plain = convnet.train(X, y, epochs=2, batch=16, seed=0, watch=lambda net: net)
    spoilt = convnet.train(X, y, epochs=2, batch=16, seed=0, watch=spoil)
    for one, two in zip(plain.net.parameters, spoilt.net.parameters):
        np.testing.assert_array_equal(one, two)
    first, second = plain.watched
    assert not np.array_equal(first.parameters[0], second.parameters[0])
