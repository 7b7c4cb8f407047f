"""Input laws that look the same from x and from -x (parity symmetry, Assumption 1.1 of the paper).

A law knows how to sample itself, inside a kernel or outside, and its moments: in closed form or by a
one-dimensional integral where that exists, by exact averages over its points for data, and by Monte
Carlo with a standard error for a law of the reader's own.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numba import njit
from scipy.special import gammaln

from robustnn_core import checks, moments, streams

__all__ = ["Cube", "Custom", "Gaussian", "Law", "Sphere", "Symmetrised"]

# What the kernel `draw_rows` branches on.
GAUSSIAN, CUBE, SPHERE, ROWS, GIVEN = range(5)


class Law:
    """What every law offers; ``n`` is the dimension, ``exact`` is False when moments are Monte Carlo.

    Methods a law defines: ``second_moment()`` E[x x^T], ``norm_moment(j)`` E|x|^j (j = 1..4),
    ``weighted_second_moment(N)`` E[(x^T N x) x x^T], ``mean_abs_range(M)`` around sup over unit u of
    E|u.Mx|, ``mean_abs_least(M)`` below their inf, and ``radius`` = sup |x|.
    """

    exact = True
    radius = np.inf

    def sample(self, rng, size):
        """Return ``size`` independent inputs, shape (size, n).

        Parameters
        ----------
        rng : int seed, tuple of int, SeedSequence or numpy Generator
        size : int >= 1
        """
        rng = streams.generator(rng)
        X = np.empty((checks.integer(size, "size", at_least=1), self.n))
        state = rng.integers(0, 2**64, size=4, dtype=np.uint64)
        code, data = self._kernel_form()
        draw_rows(code, data, state, X)
        return X

    def mean_abs_range(self, M):
        """Return ``(found, bound)`` with found <= sup over unit u of E|u.Mx| <= bound.

        ``found`` is the best of several local ascents u <- E[sign(u.Mx) Mx] / |.|, ``bound`` is
        certified; they are equal where the supremum is known.
        """
        M = checks.array(M, "M", shape=("r", self.n))
        return self._mean_abs_range(M)

    def mean_abs_least(self, M):
        """Return a certified lower bound of the infimum over unit u of E|u.Mx|, exact for Gaussian and sphere.

        On data it may be smaller than the infimum by as much as the root of the dimension.
        """
        return self._mean_abs_least(checks.array(M, "M", shape=("r", self.n)))


class _Round(Law):
    """A law that looks the same from every side; ``_mean_abs`` is E|u.x| for unit u."""

    def _mean_abs_range(self, M):
        return (float(self._mean_abs * np.linalg.norm(M, 2)),) * 2

    def _mean_abs_least(self, M):
        return float(self._mean_abs * moments.least_stretch(M))


@dataclass(frozen=True, eq=False)
class Gaussian(_Round):
    r"""The normal law :math:`N(0, \sigma^2 I_n)`.

    Examples
    --------
    >>> from robustnn_core.laws import Gaussian
    >>> law = Gaussian(3, 2.0)
    >>> law.norm_moment(4)  # n (n + 2) sigma^4
    240.0
    >>> law.sample(0, 5).shape
    (5, 3)
    """

    n: int
    sigma: float = 1.0

    def __post_init__(self):
        checks.integer(self.n, "n", at_least=1)
        object.__setattr__(self, "sigma", checks.number(self.sigma, "sigma", above=0.0))

    def _kernel_form(self):
        return GAUSSIAN, np.array([[self.sigma]])

    def norm_moment(self, j):
        _check_order(j)
        if j % 2 == 0:
            return float(self.sigma**j * np.prod(self.n + np.arange(0, j, 2)))
        return float(
            np.exp(j * np.log(self.sigma) + j / 2 * np.log(2) + gammaln((self.n + j) / 2) - gammaln(self.n / 2))
        )

    def second_moment(self):
        return self.sigma**2 * np.eye(self.n)

    def weighted_second_moment(self, N):
        return self.sigma**4 * (np.trace(N) * np.eye(self.n) + N + N.T)

    @property
    def _mean_abs(self):
        return self.sigma * np.sqrt(2 / np.pi)


@dataclass(frozen=True, eq=False)
class Sphere(_Round):
    """The uniform law on the sphere of the given radius in R^n.

    Examples
    --------
    >>> from robustnn_core.laws import Sphere
    >>> round(float(Sphere(3, 2.0).second_moment()[0, 0]), 6)  # radius^2 / n
    1.333333
    """

    n: int
    radius: float = 1.0

    def __post_init__(self):
        checks.integer(self.n, "n", at_least=1)
        object.__setattr__(self, "radius", checks.number(self.radius, "radius", above=0.0))

    def _kernel_form(self):
        return SPHERE, np.array([[self.radius]])

    def norm_moment(self, j):
        _check_order(j)
        return float(self.radius**j)

    def second_moment(self):
        return self.radius**2 / self.n * np.eye(self.n)

    def weighted_second_moment(self, N):
        return self.radius**4 / (self.n * (self.n + 2)) * (np.trace(N) * np.eye(self.n) + N + N.T)

    @property
    def _mean_abs(self):
        return self.radius * (np.exp(gammaln(self.n / 2) - gammaln((self.n + 1) / 2)) / np.sqrt(np.pi))


@dataclass(frozen=True, eq=False)
class Cube(Law):
    r"""The uniform law on the cube :math:`[-h, h]^n`.

    The even moments are closed forms; E|x| and E|x|^3 are one-dimensional integrals (relative accuracy
    about 1e-10), from :math:`E\sqrt S = \frac{1}{\sqrt\pi}\int_0^\\infty (1 - E e^{-v^2 S})\, v^{-2} dv`.

    Examples
    --------
    >>> from robustnn_core.laws import Cube
    >>> law = Cube(1, 3.0)
    >>> [round(law.norm_moment(j), 9) for j in (1, 2, 3, 4)]
    [1.5, 3.0, 6.75, 16.2]
    """

    n: int
    half_width: float = 1.0

    def __post_init__(self):
        checks.integer(self.n, "n", at_least=1)
        object.__setattr__(self, "half_width", checks.number(self.half_width, "half_width", above=0.0))

    @property
    def radius(self):
        return float(self.half_width * np.sqrt(self.n))

    def _kernel_form(self):
        return CUBE, np.array([[self.half_width]])

    def norm_moment(self, j):
        _check_order(j)
        n, h = self.n, self.half_width
        if j == 2:
            return n * h**2 / 3
        if j == 4:
            return h**4 * (n / 5 + n * (n - 1) / 9)
        return float(h**j * moments.unit_cube_norm_moment(n, j))

    def second_moment(self):
        return self.half_width**2 / 3 * np.eye(self.n)

    def weighted_second_moment(self, N):
        second, fourth = 1 / 3, 1 / 5
        N = (N + N.T) / 2
        result = second**2 * (np.trace(N) * np.eye(self.n) + 2 * N)
        result += (fourth - 3 * second**2) * np.diag(np.diag(N))
        return self.half_width**4 * result

    def _mean_abs_range(self, M):
        bound = self.half_width * np.linalg.norm(M, 2) / np.sqrt(3)  # Jensen
        _, u = moments.mean_abs_ascent(self.sample(0, 4096) @ M.T)
        return moments.unit_cube_mean_abs(self.half_width * (M.T @ u)), float(bound)

    def _mean_abs_least(self, M):
        # A uniform number on [-1, 1] is a coordinate of a uniform point on the sphere of R^3. The mean of |y + rt| over
        # unit t in R^3 is concave in r^2, so by Jensen normal points of the same variances make E|sum| no larger.
        return float(self.half_width * np.sqrt(2 / (3 * np.pi)) * moments.least_stretch(M))


@dataclass(frozen=True, eq=False)
class Symmetrised(Law):
    """Data made symmetric: a row of ``X`` drawn at random, then its sign tossed.

    Every expectation is an exact average over the 2N points +-x_i. This is how the book evaluates a
    proof on live data: nothing is left to Monte Carlo.

    Parameters
    ----------
    X : array_like, shape (N, n)

    Examples
    --------
    >>> from robustnn_core.laws import Symmetrised
    >>> Symmetrised([[3.0, 4.0], [0.0, 1.0]]).norm_moment(1)
    3.0
    """

    X: np.ndarray

    def __post_init__(self):
        X = checks.array(self.X, "X", shape=("N", "n")).copy()  # its radius is computed once: nobody may change it
        object.__setattr__(self, "X", X)

    @property
    def n(self):
        return self.X.shape[1]

    @cached_property
    def radius(self):
        return float(np.linalg.norm(self.X, axis=1).max())

    def _kernel_form(self):
        return ROWS, self.X

    def points(self):
        """Return the 2N equally likely inputs, shape (2N, n)."""
        return np.concatenate([self.X, -self.X])

    def norm_moment(self, j):
        _check_order(j)
        return float(np.mean(np.linalg.norm(self.X, axis=1) ** j))

    def second_moment(self):
        return self.X.T @ self.X / len(self.X)

    def weighted_second_moment(self, N):
        weights = np.einsum("ij,jk,ik->i", self.X, N, self.X)
        return (self.X * weights[:, None]).T @ self.X / len(self.X)

    def _mean_abs_range(self, M):
        Z = self.X @ M.T
        return moments.mean_abs_ascent(Z)[0], moments.mean_abs_certificate(Z)

    def _mean_abs_least(self, M):
        return moments.mean_abs_least(self.X @ M.T)


@dataclass(frozen=True, eq=False)
class Custom(Law):
    """A law of the reader's own, given by a sampler; its moments are Monte Carlo.

    Parameters
    ----------
    n : int
        Dimension of the inputs.
    sampler : callable
        ``sampler(rng, size)`` returns an array (size, n) drawn with the numpy Generator ``rng``.
    draws : int
        Inputs drawn for the moments.
    seed : int
        Of those draws.

    Raises
    ------
    ValueError
        The law is not parity symmetric: an odd moment (E x_i, E x_i |x|^2 or E x_i^3) is further from 0
        than six of its standard errors. Use :class:`Symmetrised`, or toss the sign in the sampler.

    Examples
    --------
    >>> from robustnn_core.laws import Custom
    >>> law = Custom(2, lambda rng, size: rng.laplace(size=(size, 2)))
    >>> abs(law.norm_moment(2) - 4.0) < 6 * law.standard_error(2)
    True
    """

    n: int
    sampler: object
    draws: int = 200_000
    seed: int = 0
    _points: np.ndarray = field(init=False, repr=False)

    exact = False

    def __post_init__(self):
        checks.integer(self.n, "n", at_least=1)
        checks.integer(self.draws, "draws", at_least=1000)
        if not callable(self.sampler):
            raise ValueError(f"sampler = {self.sampler!r} must be a function of (rng, size)")
        points = self.sample(self.seed, self.draws).copy()  # a sampler may use its buffer again
        object.__setattr__(self, "_points", points)
        X = self._points
        length = (X**2).sum(axis=1, keepdims=True)
        for name, odd in (("E x", X), ("E x |x|^2", X * length), ("E x^3", X**3)):
            mean, error = odd.mean(axis=0), odd.std(axis=0) / np.sqrt(len(odd))
            worst = int(np.argmax(np.abs(mean) - 6 * error))
            if abs(mean[worst]) > 6 * error[worst] + 1e-12:
                raise ValueError(
                    f"sampler is not parity symmetric: {name} has coordinate {worst} = {mean[worst]:.4g}, "
                    f"{abs(mean[worst]) / max(error[worst], 1e-300):.0f} standard errors from 0; "
                    "give every draw a random sign, or use laws.Symmetrised"
                )

    def sample(self, rng, size):
        X = self.sampler(streams.generator(rng), checks.integer(size, "size", at_least=1))
        return checks.array(X, "sampler(rng, size)", shape=(size, self.n))

    def _kernel_form(self):
        return GIVEN, np.zeros((1, 1))

    def batches(self, count=16):
        """Split the draws into ``count`` symmetrised laws, for standard errors of what they imply."""
        return [Symmetrised(part) for part in np.array_split(self._points, count)]

    def _empirical(self):
        return Symmetrised(self._points)

    def norm_moment(self, j):
        _check_order(j)
        return self._empirical().norm_moment(j)

    def standard_error(self, j):
        """Standard error of ``norm_moment(j)``."""
        return float(np.std(np.linalg.norm(self._points, axis=1) ** j) / np.sqrt(len(self._points)))

    def second_moment(self):
        return self._empirical().second_moment()

    def weighted_second_moment(self, N):
        return self._empirical().weighted_second_moment(N)

    def _mean_abs_range(self, M):
        return self._empirical()._mean_abs_range(M)

    def _mean_abs_least(self, M):
        return self._empirical()._mean_abs_least(M)


def _check_order(j):
    checks.integer(j, "j", at_least=1, at_most=4, remedy="the theorems need no other")


@njit(cache=True)
def draw_rows(code, data, state, X):
    """Kernel: fill ``X`` (count, n) with inputs of the law ``(code, data)``, moving ``state`` on.

    The numbers come in one sequence: two blocks of 5 rows are the same inputs as one block of 10.
    """
    count, n = X.shape
    if code == GAUSSIAN:
        streams.fill_normal(state, X.reshape(count * n), data[0, 0])
    elif code == CUBE:
        streams.fill_uniform(state, X.reshape(count * n), -data[0, 0], data[0, 0])
    elif code == SPHERE:
        streams.fill_normal(state, X.reshape(count * n), 1.0)
        for i in range(count):
            length = 0.0
            for j in range(n):
                length += X[i, j] * X[i, j]
            scale = data[0, 0] / np.sqrt(length)
            for j in range(n):
                X[i, j] *= scale
    else:
        for i in range(count):
            # the sign and the row from one number: exact up to a bias of rows / 2^52
            share = 2.0 * streams.uniform(state)
            sign = 1.0
            if share >= 1.0:
                sign, share = -1.0, share - 1.0
            row = int(share * data.shape[0])
            for j in range(n):
                X[i, j] = sign * data[row, j]
