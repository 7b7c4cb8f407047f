"""The three network classes of the book and their activations.

* :class:`SingleFilterNet`: one filter seen through k patches (Definition 1 of the Neuro-Tron part).
* :class:`ReLUSum`: a sum of signed ReLU units (corruption and convex parts).
* :class:`FrozenHeadNet`: a LeakyReLU layer under a frozen +-1/sqrt(m) head (perturbations part).
"""

from dataclasses import dataclass

import numpy as np

from robustnn_core import checks

__all__ = ["FilteredNet", "FrozenHeadNet", "ReLUSum", "SingleFilterNet", "leaky_relu"]


def leaky_relu(z, leak=0.0):
    """Return z where z >= 0 and ``leak * z`` elsewhere.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.nets import leaky_relu
    >>> leaky_relu(np.array([-2.0, 3.0]), leak=0.5)
    array([-1.,  3.])
    """
    return np.where(z >= 0, z, leak * z)


@dataclass(frozen=True, eq=False)
class SingleFilterNet:
    r"""The net :math:`f_w(x) = \frac1k \sum_{i=1}^k \sigma(w^\top A_i x)` of one filter and k patches.

    Parameters
    ----------
    patches : array_like, shape (k, r, n)
        The sensing matrices :math:`A_i`.
    leak : float
        Slope :math:`\alpha` of the activation on the negative side. Every real slope is a net; the
        theorems ask for a range and say so.

    Attributes
    ----------
    mean_patch : ndarray, shape (r, n)
        :math:`\bar A = \frac1k \sum_i A_i`.

    Raises
    ------
    ValueError
        Patches that are not a stack of k matrices of one shape, or not finite.

    References
    ----------
    Mukherjee & Muthukumar, "Guarantees on learning depth-2 neural networks under a data-poisoning
    attack", Definition 1. In the book: *The poisoned oracle*.

    Examples
    --------
    >>> from robustnn_core.nets import SingleFilterNet
    >>> net = SingleFilterNet.gate(2)
    >>> net.predict([1.0, -1.0], [[3.0, 1.0], [1.0, 3.0]])
    array([2., 0.])
    """

    patches: np.ndarray
    leak: float = 0.0

    def __post_init__(self):
        patches = checks.array(self.patches, "patches", shape=("k", "r", "n"))
        object.__setattr__(self, "patches", patches)
        object.__setattr__(self, "leak", checks.number(self.leak, "leak"))
        object.__setattr__(self, "mean_patch", np.ascontiguousarray(patches.mean(axis=0)))

    @classmethod
    def gate(cls, n, leak=0.0):
        """A single gate :math:`x \\mapsto \\sigma(w^\\top x)` on R^n: one patch, the identity.

        Examples
        --------
        >>> from robustnn_core.nets import SingleFilterNet
        >>> SingleFilterNet.gate(3).patches.shape
        (1, 3, 3)
        """
        return cls(np.eye(checks.integer(n, "n", at_least=1))[None], leak)

    @classmethod
    def convolution(cls, shape, kernel, stride=1, leak=0.0):
        """A one-channel convolutional layer with average pooling over all its positions.

        Parameters
        ----------
        shape : int or (height, width)
            Of the signal or image.
        kernel : int or (height, width)
            Of the filter.
        stride : int or (vertical, horizontal)

        Examples
        --------
        >>> from robustnn_core.nets import SingleFilterNet
        >>> SingleFilterNet.convolution((8, 8), (4, 4), stride=4).patches.shape
        (4, 16, 64)
        """
        shape, kernel, stride = (
            _as_lengths(v, m) for v, m in ((shape, "shape"), (kernel, "kernel"), (stride, "stride"))
        )
        if len(shape) != len(kernel):
            raise ValueError(f"kernel = {kernel} must have as many axes as shape = {shape}")
        stride = stride * len(shape) if len(stride) == 1 else stride
        if len(stride) != len(shape) or any(k > s for k, s in zip(kernel, shape)):
            raise ValueError(f"kernel = {kernel} with stride = {stride} must fit inside shape = {shape}")
        pixels = np.arange(np.prod(shape)).reshape(shape)
        windows = np.lib.stride_tricks.sliding_window_view(pixels, kernel)
        windows = windows[tuple(slice(None, None, step) for step in stride)]
        index = windows.reshape(-1, int(np.prod(kernel)))
        return cls(np.eye(pixels.size)[index], leak)

    def predict(self, w, X):
        """Return :math:`f_w` at every row of ``X``.

        Parameters
        ----------
        w : array_like, shape (r,)
        X : array_like, shape (N, n)

        Returns
        -------
        ndarray, shape (N,)
        """
        _, r, n = self.patches.shape
        w = checks.array(w, "w", shape=(r,))
        X = checks.array(X, "X", shape=("N", n))
        return leaky_relu(X @ (w @ self.patches).T, self.leak).mean(axis=1)

    def at(self, w):
        """Return the net with its filter fixed to ``w`` (r,), a :class:`FilteredNet`.

        Examples
        --------
        >>> from robustnn_core.nets import SingleFilterNet
        >>> SingleFilterNet.gate(2).at([1.0, -1.0]).predict([[3.0, 1.0]])
        array([2.])
        """
        return FilteredNet(self, w)


@dataclass(frozen=True, eq=False)
class FilteredNet:
    """A :class:`SingleFilterNet` with its filter: what an attack on the input needs.

    Parameters
    ----------
    net : SingleFilterNet
    w : array_like, shape (r,)

    Examples
    --------
    >>> from robustnn_core.nets import FilteredNet, SingleFilterNet
    >>> FilteredNet(SingleFilterNet.gate(2), [1.0, -1.0]).pullback([[3.0, 1.0], [0.0, 1.0]], [1.0, 1.0])
    array([[ 1., -1.],
           [ 0.,  0.]])
    """

    net: SingleFilterNet
    w: np.ndarray

    def __post_init__(self):
        if not isinstance(self.net, SingleFilterNet):
            raise ValueError(f"net = {self.net!r} must be a nets.SingleFilterNet")
        object.__setattr__(self, "w", checks.array(self.w, "w", shape=(self.net.patches.shape[1],)))

    def predict(self, X):
        """Return f at every row of ``X`` (N, n): shape (N,)."""
        return self.net.predict(self.w, X)

    def pullback(self, X, v):
        """Return ``v[i]`` times the gradient of f at ``X[i]``: (N, n) from X (N, n) and v (N,)."""
        X, v = _check_pullback(X, v, self.net.patches.shape[2])
        seen = self.w @ self.net.patches
        return v[:, None] * (np.where(X @ seen.T >= 0, 1.0, self.net.leak) @ seen) / len(seen)


@dataclass(frozen=True, eq=False)
class ReLUSum:
    r"""The net :math:`f(x) = \sum_k s_k \max(u_k^\top x, 0)`.

    Parameters
    ----------
    weights : array_like, shape (K, d)
        One unit :math:`u_k` a row.
    signs : array_like, shape (K,)
        :math:`s_k`, each +1 or -1.

    Examples
    --------
    >>> from robustnn_core.nets import ReLUSum
    >>> ReLUSum([[1.0, 0.0], [0.0, 1.0]], [1, -1]).predict([[3.0, 1.0], [-1.0, 2.0]])
    array([ 2., -2.])
    """

    weights: np.ndarray
    signs: np.ndarray

    def __post_init__(self):
        weights = checks.array(self.weights, "weights", shape=("K", "d"))
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "signs", checks.signs(self.signs, "signs", length=weights.shape[0]))

    def predict(self, X):
        """Return f at every row of ``X`` (N, d): shape (N,)."""
        X = checks.array(X, "X", shape=("N", self.weights.shape[1]))
        return np.maximum(X @ self.weights.T, 0.0) @ self.signs

    def pullback(self, X, v):
        """Return ``v[n]`` times the gradient of f at ``X[n]``: (N, d) from X (N, d) and v (N,).

        Examples
        --------
        >>> from robustnn_core.nets import ReLUSum
        >>> ReLUSum([[1.0, 2.0], [0.0, 1.0]], [1, -1]).pullback([[3.0, -1.0]], [2.0])
        array([[2., 4.]])
        """
        X, v = _check_pullback(X, v, self.weights.shape[1])
        return (v[:, None] * (X @ self.weights.T >= 0) * self.signs) @ self.weights


@dataclass(frozen=True, eq=False)
class FrozenHeadNet:
    r"""The net :math:`f(x) = a^\top \phi(Wx)` with a frozen head, :math:`a_j = \pm 1/\sqrt m`.

    Parameters
    ----------
    weights : array_like, shape (m, d)
        The trained layer; m is even, the first half of the head is positive.
    leak : float in (0, 1)
        Slope of :math:`\phi(z) = \max(z, \text{leak}\, z)`.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.nets import FrozenHeadNet
    >>> net = FrozenHeadNet([[1.0, 0.0], [0.0, 1.0]], leak=0.5)
    >>> np.round(net.predict([[2.0, 0.0]]), 4)
    array([1.4142])
    """

    weights: np.ndarray
    leak: float

    def __post_init__(self):
        weights = checks.array(self.weights, "weights", shape=("m", "d"))
        if weights.shape[0] % 2:
            raise ValueError(
                f"weights has {weights.shape[0]} rows; the width must be even, half of the head is negative"
            )
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "leak", checks.number(self.leak, "leak", above=0.0, below=1.0))

    @property
    def head(self):
        """The frozen second layer a, shape (m,)."""
        m = self.weights.shape[0]
        return np.repeat([1.0, -1.0], m // 2) / np.sqrt(m)

    def predict(self, X):
        """Return f at every row of ``X`` (N, d): shape (N,)."""
        X = checks.array(X, "X", shape=("N", self.weights.shape[1]))
        return leaky_relu(X @ self.weights.T, self.leak) @ self.head

    def pullback(self, X, v):
        """Return ``v[n]`` times the gradient of f at ``X[n]``: (N, d) from X (N, d) and v (N,).

        Examples
        --------
        >>> import numpy as np
        >>> from robustnn_core.nets import FrozenHeadNet
        >>> net = FrozenHeadNet([[1.0, 0.0], [0.0, 1.0]], leak=0.5)
        >>> np.round(net.pullback([[2.0, -1.0]], [1.0]), 4)
        array([[ 0.7071, -0.3536]])
        """
        X, v = _check_pullback(X, v, self.weights.shape[1])
        return (v[:, None] * np.where(X @ self.weights.T >= 0, 1.0, self.leak) * self.head) @ self.weights


def _check_pullback(X, v, width):
    X = checks.array(X, "X", shape=("N", width))
    return X, checks.array(v, "v", shape=(X.shape[0],))


def _as_lengths(value, name):
    values = value if isinstance(value, (tuple, list)) else (value,)
    return tuple(checks.integer(v, name, at_least=1) for v in values)
