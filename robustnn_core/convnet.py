r"""A small convolutional net for grey images: conv, pool, conv, pool, dense; ten classes; compiled kernels.

Activations stand as (channels, images, height, width), so that a convolution is one matrix product with the patches
(im2col) and its result is the next layer's input as it stands. Everything is ``float32``; products run on one
thread, so that a seed gives the same bits on any machine's number of cores.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.special import log_softmax

from robustnn_core import checks, products, streams, sweeps

__all__ = ["ConvNet", "History", "train"]

_BATCH = 250  # images of a forward pass


@dataclass(frozen=True, eq=False)
class ConvNet:
    """A trained net; the protocol of :mod:`robustnn_core.attacks`.

    Attributes
    ----------
    side : int
        Images are side x side; ``(side - 4) / 2 - 4`` must be even and positive.
    parameters : tuple of ndarray
        Weights and offsets of the two convolutions (F, C 25), (F,) and of the dense layer (K, d), (K,).

    Examples
    --------
    >>> net = ConvNet.initial(28, seed=0)
    >>> net.predict(np.zeros((2, 784))).shape, net.pullback(np.zeros((2, 784)), np.ones((2, 10))).shape
    ((2, 10), (2, 784))
    """

    side: int
    parameters: tuple

    @classmethod
    def initial(cls, side, *, seed, filters=(8, 16), classes=10, dtype=np.float32):
        """Return a net with random weights (He's scale) and offsets 0."""
        side = checks.integer(side, "side", at_least=16)
        if side % 4:
            raise ValueError(f"side = {side} must be a multiple of 4, or the pooling does not come out even")
        first, second = (checks.integer(f, "filters", at_least=1) for f in filters)
        classes = checks.integer(classes, "classes", at_least=2)
        last = ((side - 4) // 2 - 4) // 2
        rng = streams.generator(seed)
        parameters = []
        for shape in ((first, 25), (second, first * 25), (classes, second * last**2)):
            parameters += [(math.sqrt(2 / shape[1]) * rng.standard_normal(shape)).astype(dtype), np.zeros(shape[0], dtype)]
        return cls(side, tuple(parameters))

    def predict(self, X):
        """Return the scores of the ten classes at the rows of ``X`` (N, side^2): (N, 10) float64."""
        X = checks.array(X, "X", shape=("N", self.side**2))
        return np.concatenate([_forward(self, part)[0] for part in _parts(X)]).astype(np.float64)

    def pullback(self, X, v):
        """Return the gradients of ``sum_k v[n, k] score[n, k]`` at the rows of ``X``: (N, side^2) float64."""
        X = checks.array(X, "X", shape=("N", self.side**2))
        v = checks.array(v, "v", shape=(len(X), len(self.parameters[5])))
        found = []
        for part, own in zip(_parts(X), _parts(v)):
            _, memory = _forward(self, part)
            found.append(_backward(self, own.astype(self.parameters[0].dtype), memory, True)[1])
        return np.concatenate(found).astype(np.float64)


@dataclass(frozen=True, eq=False)
class History:
    """Mean cross-entropy and accuracy on the training images as they were met, one number an epoch.

    ``watched`` holds what ``watch`` returned after each epoch (empty without it).
    """

    loss: np.ndarray
    accuracy: np.ndarray
    watched: tuple = ()


def train(X, y, *, epochs=3, batch=64, rate=2e-3, seed, filters=(8, 16), classes=10, watch=None, progress=False):
    """Train a :class:`ConvNet` from scratch: Adam on the cross-entropy, the rate falling to 0 along a cosine.

    Parameters
    ----------
    X : array_like, shape (N, side^2)
        Grey images, best in [0, 1].
    y : array_like, shape (N,)
        Classes 0, ..., classes - 1.
    epochs, batch : int
    rate : float > 0
    seed : int >= 0 or tuple of int
        Of the first weights and of the order of the images.
    watch : callable, optional
        ``watch(net)`` is called after every epoch, with the net as it then is.
    progress : bool

    Returns
    -------
    net : ConvNet
    history : History

    Raises
    ------
    ValueError
        Images that are not square, labels that are no classes.

    Examples
    --------
    >>> X = np.random.default_rng(0).uniform(size=(64, 256))
    >>> X[:32, :128] += 1.0
    >>> net, history = train(X, np.repeat([0, 1], 32), epochs=12, batch=16, rate=5e-3, seed=0)
    >>> float(np.mean(net.predict(X).argmax(axis=1) == np.repeat([0, 1], 32)))
    1.0
    """
    X = checks.array(X, "X", shape=("N", "d"))
    side = math.isqrt(X.shape[1])
    if side**2 != X.shape[1]:
        raise ValueError(f"X has {X.shape[1]} columns, which is no square; give square grey images, one a row")
    classes = checks.integer(classes, "classes", at_least=2)
    labels = checks.array(y, "y", shape=(len(X),))
    if (labels != np.round(labels)).any() or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"y has entries outside 0, ..., {classes - 1}; give the index of each class")
    labels = labels.astype(np.int64)
    epochs, batch = checks.integer(epochs, "epochs", at_least=1), checks.integer(batch, "batch", at_least=1)
    rate = checks.number(rate, "rate", above=0.0)
    if watch is not None and not callable(watch):
        raise ValueError(f"watch = {watch!r} must be a function of the net, or None")
    start, order = streams.spawn(seed, 2)
    net = ConvNet.initial(side, seed=start, filters=filters, classes=classes)
    rng = streams.generator(order)
    X = X.astype(np.float32)
    first, second = ([np.zeros_like(p) for p in net.parameters] for _ in range(2))
    total, t = epochs * -(-len(X) // batch), 0
    losses, hits, watched = np.zeros(epochs), np.zeros(epochs), []
    for epoch in sweeps.progress(range(epochs), label="ConvNet", show=progress):
        chosen = rng.permutation(len(X))
        for begin in range(0, len(X), batch):
            rows = chosen[begin : begin + batch]
            scores, memory = _forward(net, X[rows])
            logs, own = log_softmax(scores, axis=1), np.arange(len(rows))
            losses[epoch] -= float(logs[own, labels[rows]].sum())
            hits[epoch] += int((scores.argmax(axis=1) == labels[rows]).sum())
            v = np.exp(logs)
            v[own, labels[rows]] -= 1.0
            gradients, _ = _backward(net, v / len(rows), memory, False)
            t += 1
            step = rate * 0.5 * (1 + math.cos(math.pi * (t - 1) / total)) * math.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            for p, g, m, s in zip(net.parameters, gradients, first, second):
                m += 0.1 * (g - m)
                s += 0.001 * (g * g - s)
                p -= step * m / (np.sqrt(s) + 1e-8)
        if watch is not None:
            watched.append(watch(net))
    return net, History(losses / len(X), hits / len(X), tuple(watched))


def _parts(X):
    return [X[i : i + _BATCH] for i in range(0, len(X), _BATCH)]


def _forward(net, X):
    """Scores (n, K) and what the way back needs."""
    W1, b1, W2, b2, W3, b3 = net.parameters
    n, side = len(X), net.side
    image = np.ascontiguousarray(X, dtype=W1.dtype).reshape(1, n, side, side)
    cols1 = np.empty((25, n * (side - 4) ** 2), W1.dtype)
    _gather(image, cols1)
    pooled1, winner1 = _pool(products.product(W1, cols1).reshape(len(b1), n, side - 4, side - 4), b1)
    inner = pooled1.shape[2] - 4
    cols2 = np.empty((25 * len(b1), n * inner**2), W1.dtype)
    _gather(pooled1, cols2)
    pooled2, winner2 = _pool(products.product(W2, cols2).reshape(len(b2), n, inner, inner), b2)
    flat = np.ascontiguousarray(pooled2.transpose(1, 0, 2, 3)).reshape(n, -1)
    return products.product(flat, W3.T) + b3, (cols1, winner1, pooled1.shape, cols2, winner2, pooled2.shape, flat)


def _backward(net, v, memory, to_image):
    """Gradients of ``sum v * scores``: of the parameters, and of the images (n, side^2) if asked for."""
    W1, _, W2, _, W3, _ = net.parameters
    cols1, winner1, shape1, cols2, winner2, shape2, flat = memory
    n = len(v)
    v = v.astype(W1.dtype, copy=False)
    dW3, db3 = products.product(v.T, flat), v.sum(axis=0)
    back = np.ascontiguousarray(products.product(v, W3).reshape(n, shape2[0], *shape2[2:]).transpose(1, 0, 2, 3))
    out2 = _unpool(back, winner2).reshape(shape2[0], -1)
    dW2, db2 = products.product(out2, cols2.T), out2.sum(axis=1)
    back1 = np.zeros(shape1, W1.dtype)
    _scatter(products.product(W2.T, out2), back1)
    out1 = _unpool(back1, winner1).reshape(shape1[0], -1)
    dW1, db1 = products.product(out1, cols1.T), out1.sum(axis=1)
    image = None
    if to_image:
        image = np.zeros((1, n, net.side, net.side), W1.dtype)
        _scatter(products.product(W1.T, out1), image)
        image = image.reshape(n, -1)
    return (dW1, db1, dW2, db2, dW3, db3), image


@njit(cache=True, nogil=True)
def _gather(x, cols):
    """Kernel: the 5 x 5 patches of x (C, n, H, W) as columns (C 25, n (H-4) (W-4))."""
    C, n, H, W = x.shape
    h, w = H - 4, W - 4
    for c in range(C):
        for a in range(5):
            for b in range(5):
                row = cols[(c * 5 + a) * 5 + b]
                for i in range(n):
                    for r in range(h):
                        at = (i * h + r) * w
                        for s in range(w):
                            row[at + s] = x[c, i, r + a, s + b]


@njit(cache=True, nogil=True)
def _scatter(cols, x):
    """Kernel: the transpose of :func:`_gather`, added to x."""
    C, n, H, W = x.shape
    h, w = H - 4, W - 4
    for c in range(C):
        for a in range(5):
            for b in range(5):
                row = cols[(c * 5 + a) * 5 + b]
                for i in range(n):
                    for r in range(h):
                        at = (i * h + r) * w
                        for s in range(w):
                            x[c, i, r + a, s + b] += row[at + s]


def _pool(z, offset):
    """max(z + offset, 0) and the largest of 2 x 2, with the place of the winner (4: nobody was positive)."""
    F, n, H, W = z.shape
    out, winner = np.empty((F, n, H // 2, W // 2), z.dtype), np.empty((F, n, H // 2, W // 2), np.uint8)
    _pool_kernel(z, offset, out, winner)
    return out, winner


@njit(cache=True, nogil=True)
def _pool_kernel(z, offset, out, winner):
    F, n, h, w = out.shape
    for f in range(F):
        shift = offset[f]
        for i in range(n):
            for r in range(h):
                for s in range(w):
                    best, place = z[f, i, 2 * r, 2 * s], 0
                    if z[f, i, 2 * r, 2 * s + 1] > best:
                        best, place = z[f, i, 2 * r, 2 * s + 1], 1
                    if z[f, i, 2 * r + 1, 2 * s] > best:
                        best, place = z[f, i, 2 * r + 1, 2 * s], 2
                    if z[f, i, 2 * r + 1, 2 * s + 1] > best:
                        best, place = z[f, i, 2 * r + 1, 2 * s + 1], 3
                    best += shift
                    if best > 0:
                        out[f, i, r, s], winner[f, i, r, s] = best, place
                    else:
                        out[f, i, r, s], winner[f, i, r, s] = 0, 4


def _unpool(v, winner):
    F, n, h, w = v.shape
    z = np.zeros((F, n, 2 * h, 2 * w), v.dtype)
    _unpool_kernel(v, winner, z)
    return z


@njit(cache=True, nogil=True)
def _unpool_kernel(v, winner, z):
    F, n, h, w = v.shape
    for f in range(F):
        for i in range(n):
            for r in range(h):
                for s in range(w):
                    place = winner[f, i, r, s]
                    if place < 4:
                        z[f, i, 2 * r + place // 2, 2 * s + place % 2] = v[f, i, r, s]
