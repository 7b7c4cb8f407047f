r"""Assumption (A), the multipliers of the KKT point, and what they predict: theory only, no simulation.

Notation as in the book: N points :math:`x_n` with labels :math:`y_n = \pm1`, leak :math:`\gamma`,
:math:`R_\min, R_\max` the extreme norms, :math:`p_\max = \max_{n \ne k} |\langle x_n, x_k\rangle|`,
:math:`f(x) = a^\top\phi(Wx)` a ``nets.FrozenHeadNet`` of width m.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from robustnn_core import blas, checks, nets

__all__ = [
    "Orthogonality",
    "Terms",
    "agreement",
    "alignment",
    "cancellation",
    "dimension_correction",
    "direction",
    "kappa",
    "kkt_multipliers",
    "kkt_net",
    "multiplier_bounds",
    "noise_share",
    "orthogonality",
    "predicted_accuracy",
    "second_net_terms",
]


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
    count : int
        N.
    """

    p_max: float
    bound: float
    holds: bool
    r_min: float
    r_max: float
    count: int


@dataclass(frozen=True, eq=False)
class Terms:
    r"""The two halves of the second net's verdict at each z.

    Attributes
    ----------
    mislabelled : ndarray, shape (Z,)
        :math:`T_1 = \sum_n \lambda^a_n y^a_n \langle x_n, z\rangle`: what the false labels teach.
    perturbation : ndarray, shape (Z,)
        :math:`T_2 = \sum_n \lambda^a_n y^a_n \langle \eta_n, z\rangle`: what the perturbations teach.
    multipliers : ndarray, shape (N,)
        :math:`\lambda^a`.
    """

    mislabelled: np.ndarray
    perturbation: np.ndarray
    multipliers: np.ndarray

    @property
    def total(self):
        """T1 + T2, whose sign is the second net's, shape (Z,)."""
        return self.mislabelled + self.perturbation


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
    >>> o = orthogonality([[2.0, 0.0], [0.1, 2.0]], leak=0.9)
    >>> o.p_max, round(o.bound, 4), o.holds
    (0.2, 0.4848, True)
    """
    X = checks.array(X, "X", shape=("N", "d"))
    leak = check_leak(leak)
    return _orthogonality(blas.gram(X), leak)


def _orthogonality(G, leak):
    p_max, low, high = check_points(G)
    bound = leak**3 * low**2 / (3 * len(G) * high)
    return Orthogonality(p_max, bound, p_max <= bound, math.sqrt(low), math.sqrt(high), len(G))


def multiplier_bounds(X, leak):
    r"""Return the interval :math:`(1/(2R_\max^2),\ 3/(2\gamma^2R_\min^2))` that holds every multiplier under (A).

    Examples
    --------
    >>> multiplier_bounds([[2.0, 0.0], [0.0, 2.0]], leak=0.5)
    (0.125, 1.5)
    """
    o = orthogonality(X, leak)
    return 1 / (2 * o.r_max**2), 3 / (2 * check_leak(leak) ** 2 * o.r_min**2)


def kkt_multipliers(X, y, leak):
    r"""Solve :math:`M\lambda = 1`, the multipliers of the KKT point whose neurons see the labels.

    :math:`M_{nk} = \langle x_n,x_k\rangle\cdot\frac{1+\gamma^2}2` where :math:`y_n = y_k`, else times :math:`-\gamma`. Every
    point is a support vector and every neuron obeys the pattern
    :math:`\mathrm{sgn}(a_j) y_n \langle w_j,x_n\rangle > 0`. Under (A) this is *the* KKT point, the limit of gradient
    flow; outside (A) it is one KKT point if it exists, and not necessarily the limit.

    Parameters
    ----------
    X : array_like, shape (N, d)
    y : array_like, shape (N,)
        Labels +-1.
    leak : float in (0, 1)

    Returns
    -------
    ndarray, shape (N,)

    Raises
    ------
    ValueError
        Zero or equal points, or a solution that is no KKT point: a multiplier <= 0, or a broken pattern.

    Examples
    --------
    >>> kkt_multipliers([[2.0, 0.0], [0.0, 1.0]], [1, -1], leak=0.5)
    array([0.4, 1.6])
    """
    X, y, leak = check_data(X, y, leak)
    G = blas.gram(X)
    check_points(G)
    return _kkt_multipliers(G, y, leak)


def _kkt_multipliers(G, y, leak):
    remedy = (
        "no KKT point has this pattern (the data is too far from orthogonal); train_flow(...).multipliers finds one"
    )
    try:
        lam = np.linalg.solve(pattern_matrix(G, y, leak), np.ones(len(y)))
    except np.linalg.LinAlgError:
        raise ValueError(f"X gives a singular system M lam = 1; {remedy}") from None
    if not (lam > 0).all():
        raise ValueError(
            f"X gives the multiplier {lam.min():.4g} at point {int(lam.argmin())}, which must be > 0; {remedy}"
        )
    slopes = np.where(np.multiply.outer([1.0, -1.0], y) > 0, 1.0, leak)
    seen = y * np.stack([blas.product((lam * y * s)[None], G)[0] for s in slopes])
    if not (seen > 0).all():
        raise ValueError(
            f"X breaks the pattern sgn(a_j) y_n <w_j, x_n> > 0 at {int((seen <= 0).any(axis=0).sum())} points; {remedy}"
        )
    return lam


def pattern_matrix(G, y, leak):
    """M of :func:`kkt_multipliers` from the Gram matrix."""
    return G * np.where(np.equal.outer(y, y), (1 + leak**2) / 2, -leak)


def kkt_net(X, y, leak, *, width=2, multipliers=None):
    r"""Return the KKT point itself: :math:`w_j = a_j \sum_n \lambda_n y_n \phi'_{jn} x_n`, margins 1.

    Parameters
    ----------
    X, y, leak
        As in :func:`kkt_multipliers`.
    width : int, even
    multipliers : array_like, shape (N,), optional
        When they are known already.

    Returns
    -------
    nets.FrozenHeadNet

    Examples
    --------
    >>> net = kkt_net([[2.0, 0.0], [0.0, 1.0]], [1, -1], leak=0.5)
    >>> net.predict([[2.0, 0.0], [0.0, 1.0]]).round(12)
    array([ 1., -1.])
    """
    X, y, leak = check_data(X, y, leak)
    width = check_width(width)
    lam = (
        kkt_multipliers(X, y, leak) if multipliers is None else checks.array(multipliers, "multipliers", shape=y.shape)
    )
    slopes = np.where(np.multiply.outer([1.0, -1.0], y) > 0, 1.0, leak)
    v, u = blas.product(slopes * (lam * y) * np.array([[1.0], [-1.0]]) / math.sqrt(width), X)
    return nets.FrozenHeadNet(np.repeat(np.stack([v, u]), width // 2, axis=0), leak)


def direction(X, y, multipliers):
    r"""Return :math:`w = \sum_n \lambda_n y_n x_n`, the normal of the decision boundary, shape (d,).

    Examples
    --------
    >>> direction([[2.0, 0.0], [0.0, 1.0]], [1, -1], [0.4, 1.6])
    array([ 0.8, -1.6])
    """
    X = checks.array(X, "X", shape=("N", "d"))
    y = checks.signs(y, "y", length=len(X))
    lam = checks.array(multipliers, "multipliers", shape=y.shape)
    return blas.product((lam * y)[None], X)[0]


def second_net_terms(base, labels, eta, Z, leak, *, multipliers=None):
    r"""Split the second net's verdict at z: :math:`\mathrm{sgn}\, g(z) = \mathrm{sgn}(T_1 + T_2)`.

    The second net learns :math:`x^a_n = x_n + \eta_n` with labels :math:`y^a_n`.

    Parameters
    ----------
    base, eta : array_like, shape (N, d)
        The points before the perturbation, and the perturbations.
    labels : array_like, shape (N,)
        The false labels.
    Z : array_like, shape (Z, d)
    leak : float in (0, 1)
    multipliers : array_like, shape (N,), optional
        Of the second net; by :func:`kkt_multipliers` when not given.

    Returns
    -------
    Terms

    Examples
    --------
    >>> terms = second_net_terms([[2.0, 0.0]], [-1], [[0.0, 0.1]], [[1.0, 1.0]], leak=0.5)
    >>> (terms.perturbation / terms.mislabelled).round(6)
    array([0.05])
    """
    base, labels, leak = check_data(base, labels, leak, "base", "labels")
    eta = checks.array(eta, "eta", shape=base.shape)
    Z = checks.array(Z, "Z", shape=("Z", base.shape[1]))
    lam = (
        kkt_multipliers(base + eta, labels, leak)
        if multipliers is None
        else checks.array(multipliers, "multipliers", shape=labels.shape)
    )
    weights = (lam * labels)[None]
    first, second = (blas.product(Z, blas.product(weights, part)[0]) for part in (base, eta))
    return Terms(first, second, lam)


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

    Natural base, orthogonal points of one norm, true and false labels in the four combinations equally often. Points
    whose label happens to be the true one get smaller multipliers, by the share :math:`\frac{(1+\gamma)^2}{2(1+\gamma^2)}\kappa`: T1 then leans
    against w and takes the share :math:`\frac{(1+\gamma)^2}{2(1+\gamma^2)}` of T2 back.

    Examples
    --------
    >>> [round(cancellation(leak), 4) for leak in (0.05, 0.3, 0.6, 0.9)]
    [0.4501, 0.2248, 0.0588, 0.0028]
    """
    leak = check_leak(leak)
    return (1 - leak) ** 2 / (2 * (1 + leak**2))


def agreement(leak, kappa):
    r"""Return the share of isotropic points where both nets agree, :math:`\frac12+\frac1\pi\arctan\max((1-c)\kappa,\,\kappa-1)`.

    Natural base, orthogonal points of one norm, true and false labels in the four combinations equally often;
    :math:`c = \frac{(1+\gamma)^2}{2(1+\gamma^2)}`. Below kappa = 1/c every perturbed point is a support vector, above it
    only those whose label is false. Derived for a leak >= 1/2.

    Parameters
    ----------
    leak : float in (0, 1)
    kappa : float >= 0

    Examples
    --------
    >>> [round(agreement(0.5, kappa), 3) for kappa in (0.1, 1.0, 2.0, 3.0)]
    [0.503, 0.532, 0.75, 0.852]
    """
    share = 1 - cancellation(leak)
    kappa = checks.number(kappa, "kappa", at_least=0.0)
    return 0.5 + math.atan(max((1 - share) * kappa, kappa - 1)) / math.pi


def dimension_correction(leak, *, adversarial, dimension):
    r"""Return :math:`1 - \frac{h^2+\gamma^2}{4h^2}\frac{N_\text{adv}}d` with :math:`h = \frac{1+\gamma^2}2`: the first order in N_adv/d.

    Noise base: what the argument of Phi is multiplied by. The multipliers adapt to the noise they see and take the
    share :math:`\frac{(1+\gamma)^2}{2(1+\gamma^2)}\frac{N_\text{adv}}d` of T2 back (:func:`noise_share`), but nearly as much of
    the scatter of T1: only the difference counts. For leak 1 the exact limit is :math:`\sqrt{1-N_\text{adv}/d}`.

    Examples
    --------
    >>> round(dimension_correction(0.5, adversarial=200, dimension=2000), 4)
    0.959
    """
    leak, ratio = check_leak(leak), _ratio(adversarial, dimension)
    h = (1 + leak**2) / 2
    factor = 1 - (h**2 + leak**2) / (4 * h**2) * ratio
    if factor <= 0:
        raise ValueError(
            f"adversarial = {adversarial} is too large for dimension = {dimension}; the first order is meaningless there"
        )
    return factor


def noise_share(leak, *, adversarial, dimension):
    r"""Return :math:`\frac{(1+\gamma)^2}{2(1+\gamma^2)}\frac{N_\text{adv}}d`, the share of T2 that T1 takes back, noise base, first order.

    Examples
    --------
    >>> round(noise_share(0.5, adversarial=200, dimension=2000), 4)
    0.09
    """
    leak, ratio = check_leak(leak), _ratio(adversarial, dimension)
    return (1 + leak) ** 2 / (2 * (1 + leak**2)) * ratio


def _ratio(adversarial, dimension):
    return checks.integer(adversarial, "adversarial", at_least=1) / checks.integer(dimension, "dimension", at_least=1)


def predicted_accuracy(*, eps, count, adversarial, sigma=1 / math.sqrt(3), leak=None, dimension=None):
    r"""Predict the second net's accuracy on the first net's data, noise base:
    :math:`\Phi\big(\frac\epsilon\sigma\sqrt{N_\text{adv}/N}\,\cdot\,\text{correction}\big)`.

    Parameters
    ----------
    eps : float >= 0
        Length of the perturbations.
    count, adversarial : int
        N and N_adv.
    sigma : float > 0
        Standard deviation of a coordinate of the noise: 1/sqrt 3 for U[-1, 1], 1 for a normal one.
    leak, dimension : optional
        Give both for the :func:`dimension_correction`; without it the formula is for N_adv << d.

    Notes
    -----
    Derived for orthogonal data of equal norms. Against simulations it is right within .01-.05, less so for N in the
    thousands or d <= 1000 (up to .11).

    Examples
    --------
    >>> [round(predicted_accuracy(eps=0.78, count=200, adversarial=n), 3) for n in (20, 100, 200, 500, 1000)]
    [0.665, 0.83, 0.912, 0.984, 0.999]
    """
    eps = checks.number(eps, "eps", at_least=0.0)
    count = checks.integer(count, "count", at_least=1)
    adversarial = checks.integer(adversarial, "adversarial", at_least=1)
    sigma = checks.number(sigma, "sigma", above=0.0)
    if (leak is None) != (dimension is None):
        raise ValueError("leak and dimension belong together; give both or neither")
    factor = 1.0 if leak is None else dimension_correction(leak, adversarial=adversarial, dimension=dimension)
    return float(ndtr(eps * math.sqrt(adversarial / count) / sigma * factor))


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
