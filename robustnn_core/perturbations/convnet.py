r"""A small convolutional net for grey images: conv, pool, conv, pool, dense; ten classes; compiled kernels.

Activations stand as (channels, height, width, images), so that a convolution is one matrix product with the patches
(im2col), its result is the next layer's input as it stands, and every inner loop runs over contiguous images.
Everything is ``float32``. Threads share the images in parts of fixed size, each worked on by one thread and added up
in order, so that a seed gives the same bits on any machine's number of cores.
"""

import contextlib
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np
from numba import njit
from scipy.special import log_softmax

from robustnn_core import blas, checks, streams, sweeps
from robustnn_core.trace import Trace

__all__ = ["ConvNet", "Trained", "train"]

_PART = 16  # images a thread takes at a time: their patches fit into the second-level cache


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
    >>> import numpy as np
    >>> from robustnn_core.perturbations.convnet import ConvNet
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
            parameters += [
                (math.sqrt(2 / shape[1]) * rng.standard_normal(shape)).astype(dtype),
                np.zeros(shape[0], dtype),
            ]
        return cls(side, tuple(parameters))

    def predict(self, X):
        """Return the scores of the ten classes at the rows of ``X`` (N, side^2): (N, 10) float64."""
        X = checks.array(X, "X", shape=("N", self.side**2))
        parts = _parts(X, _PART)
        with _workers(len(parts)) as each:
            return np.concatenate(list(each(lambda part: _forward(self, part)[0], parts))).astype(np.float64)

    def pullback(self, X, v):
        """Return the gradients of ``sum_k v[n, k] score[n, k]`` at the rows of ``X``: (N, side^2) float64."""
        X = checks.array(X, "X", shape=("N", self.side**2))
        v = checks.array(v, "v", shape=(len(X), len(self.parameters[5])))
        parts = _parts(X, _PART)

        def pull(part, own):
            return _backward(self, own, _forward(self, part)[1], True)[1]

        with _workers(len(parts)) as each:
            return np.concatenate(list(each(pull, parts, _parts(v, _PART)))).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Trained:
    """What :func:`train` returns.

    Attributes
    ----------
    net : ConvNet
    trace : Trace
        One row an epoch: ``loss``, the mean cross-entropy, and ``accuracy``, on the training images as they were met.
    watched : tuple
        What ``watch`` returned after each epoch; empty without it.
    converged : bool
        All parameters are finite; a run makes the epochs that it was told.
    """

    net: ConvNet
    trace: Trace
    watched: tuple
    converged: bool


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
    seed : int >= 0, tuple of int, or numpy Generator
        Of the first weights and of the order of the images.
    filters : (int, int)
        Of the two convolutions.
    classes : int >= 2
    watch : callable, optional
        ``watch(net)`` is called after every epoch, with a copy of the net as it then is.
    progress : bool

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        Images that are not square, labels that are no classes, pixels beyond the range of ``float32``.

    Warns
    -----
    ConvergenceWarning
        The parameters overflowed: ``rate`` is too large, or the pixels are.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.perturbations.convnet import train
    >>> X = np.random.default_rng(0).uniform(size=(64, 256))
    >>> X[:32, :128] += 1.0
    >>> run = train(X, np.repeat([0, 1], 32), epochs=12, batch=16, rate=5e-3, seed=0)
    >>> float(np.mean(run.net.predict(X).argmax(axis=1) == np.repeat([0, 1], 32)))
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
    if np.abs(X).max() > np.finfo(np.float32).max:
        raise ValueError(f"X has entries of size {np.abs(X).max():.3g}, beyond float32; scale the images to [0, 1]")
    X = X.astype(np.float32)
    first, second = ([np.zeros_like(p) for p in net.parameters] for _ in range(2))
    total, t = epochs * -(-len(X) // batch), 0
    losses, hits, watched = np.zeros(epochs), np.zeros(epochs), []

    @np.errstate(over="ignore", invalid="ignore")  # said once, at the end
    def learn(rows):
        """Loss, hits and gradients of some images."""
        scores, memory = _forward(net, X[rows])
        logs, own = log_softmax(scores, axis=1), np.arange(len(rows))
        v = np.exp(logs)
        v[own, labels[rows]] -= 1.0
        right = int((scores.argmax(axis=1) == labels[rows]).sum())
        return -float(logs[own, labels[rows]].sum()), right, _backward(net, v, memory, False)[0]

    with _workers(-(-min(batch, len(X)) // _PART)) as each, np.errstate(over="ignore", invalid="ignore"):
        for epoch in sweeps.progress(range(epochs), label="ConvNet", show=progress):
            chosen = rng.permutation(len(X))
            for rows in _parts(chosen, batch):
                found = list(each(learn, _parts(rows, _PART)))
                losses[epoch] += sum(loss for loss, _, _ in found)
                hits[epoch] += sum(right for _, right, _ in found)
                t += 1
                step = rate * 0.5 * (1 + math.cos(math.pi * (t - 1) / total)) * math.sqrt(1 - 0.999**t) / (1 - 0.9**t)
                for p, m, s, *gradients in zip(net.parameters, first, second, *(g for _, _, g in found)):
                    g = sum(gradients) / len(rows)
                    m += 0.1 * (g - m)
                    s += 0.001 * (g * g - s)
                    p -= step * m / (np.sqrt(s) + 1e-8)
            if watch is not None:
                watched.append(watch(ConvNet(side, tuple(p.copy() for p in net.parameters))))
    finite = all(np.isfinite(p).all() for p in net.parameters)
    if not finite:
        at = int(np.argmin(np.isfinite(losses))) if not np.isfinite(losses).all() else epochs - 1
        checks.warn_unconverged(
            "convnet.train",
            f"the parameters overflowed in epoch {at}",
            "finite parameters",
            f"lower rate = {rate:.6g}, or scale the images to [0, 1]",
        )
    trace = Trace(loss=losses / len(X), accuracy=hits / len(X))
    return Trained(net=net, trace=trace, watched=tuple(watched), converged=finite)


def _parts(X, size):
    return [X[i : i + size] for i in range(0, len(X), size)]


@contextlib.contextmanager
def _workers(parts):
    """A ``map`` over up to ``parts`` threads, for calls that use a BLAS of one thread each; results in order."""
    with blas.single_thread():
        count = min(parts, numba.get_num_threads())
        if count < 2:
            yield map
        else:
            # where the limit is one of the calling thread only, each worker has to set its own
            with ThreadPoolExecutor(count, initializer=blas.single_thread) as pool:
                yield pool.map


def _forward(net, X):
    """Scores (n, K) and what the way back needs. Only inside :func:`_workers`, as :func:`_backward`."""
    W1, b1, W2, b2, W3, b3 = net.parameters
    n, side = len(X), net.side
    image = np.ascontiguousarray(X.T, dtype=W1.dtype).reshape(1, side, side, n)
    cols1 = _gather(image)
    pooled1, winner1 = _pool((W1 @ cols1).reshape(len(b1), side - 4, side - 4, n), b1)
    cols2 = _gather(pooled1)
    inner = pooled1.shape[1] - 4
    pooled2, winner2 = _pool((W2 @ cols2).reshape(len(b2), inner, inner, n), b2)
    flat = pooled2.reshape(-1, n)
    return (W3 @ flat).T + b3, (cols1, winner1, pooled1.shape, cols2, winner2, pooled2.shape, flat)


def _backward(net, v, memory, to_image):
    """Gradients of ``sum v * scores``: of the parameters, and of the images (n, side^2) if asked for."""
    W1, _, W2, _, W3, _ = net.parameters
    cols1, winner1, shape1, cols2, winner2, shape2, flat = memory
    v = np.ascontiguousarray(v.T, dtype=W1.dtype)
    dW3, db3 = v @ flat.T, v.sum(axis=1)
    out2 = _unpool((W3.T @ v).reshape(shape2), winner2)
    dW2, db2 = out2 @ cols2.T, out2.sum(axis=1)
    out1 = _unpool(_scatter(W2.T @ out2, shape1), winner1)
    dW1, db1 = out1 @ cols1.T, out1.sum(axis=1)
    image = _scatter(W1.T @ out1, (1, net.side, net.side, len(v.T))).reshape(-1, len(v.T)).T if to_image else None
    return (dW1, db1, dW2, db2, dW3, db3), image


def _gather(x):
    """The 5 x 5 patches of x (C, H, W, n) as columns (C 25, (H-4) (W-4) n)."""
    C, H, W, n = x.shape
    cols = np.empty((C * 25, (H - 4) * (W - 4) * n), x.dtype)
    _patches(x.reshape(C, H, W * n), cols.reshape(C, 5, 5, H - 4, (W - 4) * n), n, False)
    return cols


def _scatter(cols, shape):
    """The transpose of :func:`_gather`: (C, H, W, n)."""
    C, H, W, n = shape
    x = np.zeros(shape, cols.dtype)
    _patches(x.reshape(C, H, W * n), cols.reshape(C, 5, 5, H - 4, (W - 4) * n), n, True)
    return x


@njit(cache=True, nogil=True)
def _patches(x, cols, n, back):
    """Kernel: copy the rows of the patches of x (C, H, W n) to cols (C, 5, 5, H-4, (W-4) n), or add them back."""
    C, _, _, h, length = cols.shape
    for c in range(C):
        for a in range(5):
            for b in range(5):
                for r in range(h):
                    own, row = x[c, r + a, b * n : b * n + length], cols[c, a, b, r]
                    if back:
                        for i in range(length):
                            own[i] += row[i]
                    else:
                        for i in range(length):
                            row[i] = own[i]


def _pool(z, offset):
    """max(z + offset, 0) and the largest of 2 x 2, with the place of the winner (4: nobody was positive)."""
    F, H, W, n = z.shape
    out, winner = np.empty((F, H // 2, W // 2, n), z.dtype), np.empty((F, H // 2, W // 2, n), np.uint8)
    _pool_kernel(z, offset, out, winner)
    return out, winner


@njit(cache=True, nogil=True)
def _pool_kernel(z, offset, out, winner):
    F, h, w, n = out.shape
    zero = out.dtype.type(0)
    for f in range(F):
        for r in range(h):
            for s in range(w):
                a, b, c, d = (
                    z[f, 2 * r, 2 * s],
                    z[f, 2 * r, 2 * s + 1],
                    z[f, 2 * r + 1, 2 * s],
                    z[f, 2 * r + 1, 2 * s + 1],
                )
                value, place = out[f, r, s], winner[f, r, s]
                for i in range(n):
                    left, right = max(a[i], b[i]), max(c[i], d[i])
                    best = max(left, right) + offset[f]
                    upper, lower = np.uint8(b[i] > a[i]), np.uint8(2) + np.uint8(d[i] > c[i])
                    value[i] = best if best > zero else zero
                    place[i] = (lower if right > left else upper) if best > zero else np.uint8(4)


def _unpool(v, winner):
    """Send v (F, h, w, n) to the places of the winners: (F, 4 h w n)."""
    F, h, w, n = v.shape
    z = np.empty((F, 2 * h, 2 * w, n), v.dtype)
    _unpool_kernel(v, winner, z)
    return z.reshape(F, -1)


@njit(cache=True, nogil=True)
def _unpool_kernel(v, winner, z):
    F, h, w, n = v.shape
    zero = z.dtype.type(0)
    for f in range(F):
        for r in range(h):
            for s in range(w):
                own, place = v[f, r, s], winner[f, r, s]
                for k in range(4):
                    row, one = z[f, 2 * r + k // 2, 2 * s + k % 2], np.uint8(k)
                    for i in range(n):
                        row[i] = own[i] if place[i] == one else zero
