r"""Assumption (A), the bounds under it, and what the second net is predicted to do: theory only, no simulation.

Notation as in the book: N points :math:`x_n` with labels :math:`y_n = \pm1`, leak :math:`\gamma`,
:math:`R_\min, R_\max` the extreme norms, :math:`p_\max = \max_{n \ne k} |\langle x_n, x_k\rangle|`,
:math:`f(x) = a^\top\phi(Wx)` a ``nets.FrozenHeadNet`` of width m.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from robustnn_core import blas, checks

__all__ = [
    "Orthogonality",
    "agreement",
    "alignment",
    "cancellation",
    "dimension_correction",
    "kappa",
    "multiplier_bounds",
    "noise_share",
    "orthogonality",
    "predicted_accuracy",
]


UNIFORM_SIGMA = 1 / math.sqrt(3)  # standard deviation of a coordinate that is uniform in [-1, 1]


@dataclass(frozen=True)
class Orthogonality:
    r"""How far from orthogonal the data is, and how far assumption (A) allows it to be.

    Attributes
    ----------
    p_max : float
        :math:`\max_{n\ne k}|\langle x_n,x_k\rangle|`, 0 for a single point.
    bound : float
        :math:`\gamma^3 R_\min^4/(3 N R_\max^2)`.
    holds : bool
        ``p_max <= bound``.
    r_min, r_max : float
        Extreme norms.
    n : int
        N.
    """

    p_max: float
    bound: float
    holds: bool
    r_min: float
    r_max: float
    n: int


def orthogonality(X, leak):
    r"""Measure assumption (A): :math:`p_\max \le \gamma^3 R_\min^4/(3 N R_\max^2)`.

    Parameters
    ----------
    X : array_like, shape (N, d)
        No zero rows, no two equal ones.
    leak : float in (0, 1)

    Returns
    -------
    Orthogonality

    Raises
    ------
    ValueError
        Zero points, equal points, leak out of range.

    References
    ----------
    Kumano, Kera & Yamasaki, "Theoretical understanding of learning from adversarial perturbations".

    Examples
    --------
    >>> from robustnn_core.perturbations import orthogonality
    >>> o = orthogonality([[2.0, 0.0], [0.1, 2.0]], leak=0.9)
    >>> o.p_max, round(o.bound, 4), o.holds
    (0.2, 0.4848, True)
    """
    X = checks.array(X, "X", shape=("N", "d"))
    leak = check_leak(leak)
    p_max, low, high = check_points(blas.gram(X))
    bound = leak**3 * low**2 / (3 * len(X) * high)
    return Orthogonality(p_max, bound, p_max <= bound, math.sqrt(low), math.sqrt(high), len(X))


def multiplier_bounds(X, leak):
    r"""Return the interval :math:`(1/(2R_\max^2),\ 3/(2\gamma^2R_\min^2))` that holds every multiplier under (A).

    Examples
    --------
    >>> from robustnn_core.perturbations import multiplier_bounds
    >>> multiplier_bounds([[2.0, 0.0], [0.0, 2.0]], leak=0.5)
    (0.125, 1.5)
    """
    o = orthogonality(X, leak)
    return 1 / (2 * o.r_max**2), 3 / (2 * check_leak(leak) ** 2 * o.r_min**2)


def alignment(X, y, Z):
    r"""Return :math:`\rho(z) = |\sum_n y_n\langle x_n,z\rangle| \,/\, |(\langle x_n,z\rangle)_n|_2` for the rows of Z.

    1 at a training point of orthogonal data, :math:`\sqrt N` if z leans equally, and with the right sign, on all of
    them: how loudly many weak correlations speak together. T2/T1 is of the size kappa rho.

    Parameters
    ----------
    X : array_like, shape (N, d)
    y : array_like, shape (N,)
    Z : array_like, shape (Z, d)
        A z orthogonal to all of X gets nan.

    Returns
    -------
    ndarray, shape (Z,), in [0, sqrt N]

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.perturbations import alignment
    >>> alignment(np.eye(4), [1, 1, -1, -1], [[1, 0, 0, 0], [1, 1, -1, -1]])
    array([1., 2.])
    """
    X = checks.array(X, "X", shape=("N", "d"))
    y = checks.signs(y, "y", length=len(X))
    Z = checks.array(Z, "Z", shape=("Z", X.shape[1]))
    seen = blas.product(Z, X.T)
    size = np.linalg.norm(seen, axis=1)
    return np.divide(np.abs(seen @ y), size, out=np.full(len(Z), np.nan), where=size > 0)


def kappa(X, eps):
    r"""Return :math:`\kappa = \epsilon\sqrt N/R`, R the root mean square norm: f's boundary lies at kappa = 1.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.perturbations import kappa
    >>> kappa(3 * np.eye(9), eps=1.0)
    1.0
    """
    X = checks.array(X, "X", shape=("N", "d"))
    square = float((X**2).sum(axis=1).mean())
    if square == 0:
        raise ValueError("X is 0 everywhere; give points that differ from 0")
    return checks.number(eps, "eps", at_least=0.0) * math.sqrt(len(X) / square)


def cancellation(leak):
    r"""Return :math:`(1-\gamma)^2/(2(1+\gamma^2))`, what is left of T2 once T1 has eaten its share.

    Natural base, orthogonal points of one norm, true and false labels in the four combinations equally often. With
    :math:`c = \frac{(1+\gamma)^2}{2(1+\gamma^2)}`, points whose label happens to be the true one get multipliers
    smaller by the share :math:`c\kappa`: T1 then leans against w and takes the share c of T2 back.

    Examples
    --------
    >>> from robustnn_core.perturbations import cancellation
    >>> [round(cancellation(leak), 4) for leak in (0.05, 0.3, 0.6, 0.9)]
    [0.4501, 0.2248, 0.0588, 0.0028]
    """
    leak = check_leak(leak)
    return (1 - leak) ** 2 / (2 * (1 + leak**2))


def agreement(leak, kappa):
    r"""Return the share of isotropic points where both nets agree.

    It is :math:`\frac12+\frac1\pi\arctan\max((1-c)\kappa,\,\kappa-1)` with
    :math:`c = \frac{(1+\gamma)^2}{2(1+\gamma^2)}`, for a natural base, orthogonal points of one norm, true and false
    labels in the four combinations equally often. Below kappa = 1/c every perturbed point is a support vector, above
    it only those whose label is false. Derived for a leak >= 1/2.

    Parameters
    ----------
    leak : float in (0, 1)
    kappa : float >= 0

    Examples
    --------
    >>> from robustnn_core.perturbations import agreement
    >>> [round(agreement(0.5, kappa), 3) for kappa in (0.1, 1.0, 2.0, 3.0)]
    [0.503, 0.532, 0.75, 0.852]
    """
    share = 1 - cancellation(leak)
    kappa = checks.number(kappa, "kappa", at_least=0.0)
    return 0.5 + math.atan(max((1 - share) * kappa, kappa - 1)) / math.pi


def dimension_correction(leak, *, adversarial, d):
    r"""Return :math:`1 - \frac{h^2+\gamma^2}{4h^2}\frac{N_\text{adv}}d` with :math:`h = \frac{1+\gamma^2}2`.

    Noise base, first order in N_adv/d: what the argument of Phi is multiplied by. The multipliers adapt to the noise
    they see and take the share :math:`\frac{(1+\gamma)^2}{2(1+\gamma^2)}\frac{N_\text{adv}}d` of T2 back
    (:func:`noise_share`), but nearly as much of the scatter of T1: only the difference counts. For leak 1 the exact
    limit is :math:`\sqrt{1-N_\text{adv}/d}`.

    Examples
    --------
    >>> from robustnn_core.perturbations import dimension_correction
    >>> round(dimension_correction(0.5, adversarial=200, d=2000), 4)
    0.959
    """
    leak, ratio = check_leak(leak), _ratio(adversarial, d)
    h = (1 + leak**2) / 2
    factor = 1 - (h**2 + leak**2) / (4 * h**2) * ratio
    if factor <= 0:
        raise ValueError(f"adversarial = {adversarial} is too large for d = {d}; the first order is meaningless there")
    return factor


def noise_share(leak, *, adversarial, d):
    r"""Return :math:`\frac{(1+\gamma)^2}{2(1+\gamma^2)}\frac{N_\text{adv}}d`, the share of T2 that T1 takes back.

    Noise base, first order in N_adv/d.

    Examples
    --------
    >>> from robustnn_core.perturbations import noise_share
    >>> round(noise_share(0.5, adversarial=200, d=2000), 4)
    0.09
    """
    leak, ratio = check_leak(leak), _ratio(adversarial, d)
    return (1 + leak) ** 2 / (2 * (1 + leak**2)) * ratio


def _ratio(adversarial, d):
    return checks.integer(adversarial, "adversarial", at_least=1) / checks.integer(d, "d", at_least=1)


def predicted_accuracy(*, eps, n, adversarial, sigma=UNIFORM_SIGMA, leak=None, d=None):
    r"""Predict the second net's accuracy on the first net's data.

    Noise base: :math:`\Phi\big(\frac\epsilon\sigma\sqrt{N_\text{adv}/N}\,\cdot\,\text{correction}\big)`.

    Parameters
    ----------
    eps : float >= 0
        Length of the perturbations.
    n, adversarial : int
        N and N_adv.
    sigma : float > 0
        Standard deviation of a coordinate of the noise: 1/sqrt 3 for U[-1, 1], 1 for a normal one.
    leak, d : optional
        Give both for the :func:`dimension_correction`; without it the formula is for N_adv << d.

    Notes
    -----
    Derived for orthogonal data of equal norms. Against simulations it is right within .01-.05, less so for N in the
    thousands or d <= 1000 (up to .11).

    Examples
    --------
    >>> from robustnn_core.perturbations import predicted_accuracy
    >>> [round(predicted_accuracy(eps=0.78, n=200, adversarial=a), 3) for a in (20, 100, 200, 500, 1000)]
    [0.665, 0.83, 0.912, 0.984, 0.999]
    """
    eps = checks.number(eps, "eps", at_least=0.0)
    n = checks.integer(n, "n", at_least=1)
    adversarial = checks.integer(adversarial, "adversarial", at_least=1)
    sigma = checks.number(sigma, "sigma", above=0.0)
    if (leak is None) != (d is None):
        raise ValueError("leak and d belong together; give both or neither")
    factor = 1.0 if leak is None else dimension_correction(leak, adversarial=adversarial, d=d)
    return float(ndtr(eps * math.sqrt(adversarial / n) / sigma * factor))


def check_leak(leak):
    """Return ``leak`` if it is in (0, 1)."""
    return checks.number(
        leak, "leak", above=0.0, below=1.0, remedy="the theorem divides by the leak, and 1 is a linear net"
    )


def check_width(width):
    """Return ``width`` if it is even and positive."""
    width = checks.integer(width, "width", at_least=2)
    if width % 2:
        raise ValueError(f"width = {width} must be even: half of the head is negative")
    return width


def check_data(X, y, leak, name="X", label="y"):
    """Return validated ``(X, y, leak)``."""
    X = checks.array(X, name, shape=("N", "d"))
    return X, checks.signs(y, label, length=len(X)), check_leak(leak)


def check_points(G):
    """Return ``(p_max, R_min^2, R_max^2)`` of a Gram matrix; zero and equal points are refused."""
    p_max, low, high, i, j = blas.extremes(G)
    if low == 0:
        raise ValueError(f"X has a zero row (row {int(np.diag(G).argmin())}); remove it, its margin is always 0")
    if i >= 0:
        raise ValueError(f"X has two equal rows, {i} and {j} (p_max >= R^2); keep one of them")
    return float(p_max), float(low), float(high)
