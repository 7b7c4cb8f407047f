"""Matrix products that give the same bits on one core and on many."""

from functools import cache

import numpy as np
from numba import njit
from threadpoolctl import ThreadpoolController

__all__ = ["extremes", "gram", "product", "single_thread"]


@cache
def _controller():
    return ThreadpoolController()


def single_thread():
    """Limit BLAS to one thread from now on, or until the end of the ``with`` that opens with this.

    Around a region where several threads multiply: :func:`product` in each would undo the others' limits.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.blas import single_thread
    >>> with single_thread():
    ...     np.eye(2) @ np.array([1.0, 2.0])
    array([1., 2.])
    """
    return _controller().limit(limits=1, user_api="blas")


def product(A, B):
    """Return ``A @ B`` by a BLAS of one thread: splitting the work among threads can change the last bits.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.blas import product
    >>> product(np.eye(2), np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[1., 2.],
           [3., 4.]])
    """
    with single_thread():
        return A @ B


def gram(X):
    """Return the inner products of the rows of ``X`` (N, d): shape (N, N), symmetric to the last bit.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.blas import gram
    >>> gram(np.array([[1.0, 2.0], [0.0, 1.0]]))
    array([[5., 2.],
           [2., 1.]])
    """
    return np.ascontiguousarray(product(X, X.T))


@njit(cache=True, nogil=True)
def extremes(G):
    """Kernel: the largest |off-diagonal|, smallest and largest diagonal of a Gram matrix, and a pair of equal points.

    The pair is (-1, -1) if all points differ (by more than rounding).
    """
    p, low, high = 0.0, G[0, 0], G[0, 0]
    i, j = -1, -1
    for n in range(G.shape[0]):
        low, high = min(low, G[n, n]), max(high, G[n, n])
        for k in range(n):
            p = max(p, abs(G[n, k]))
            both = G[n, n] + G[k, k]
            if both - 2.0 * G[n, k] <= 1e-13 * both:
                i, j = k, n
    return p, low, high, i, j
