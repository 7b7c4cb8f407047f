r"""The KKT point that gradient flow tends to under (A): its multipliers, its net, its boundary, its verdict.

Notation as in :mod:`robustnn_core.perturbations.theory`.
"""

import math
from dataclasses import dataclass

import numpy as np

from robustnn_core import blas, checks, nets
from robustnn_core.perturbations.theory import check_data, check_points, check_width

__all__ = ["Terms", "direction", "kkt_multipliers", "kkt_net", "pattern_matrix", "second_net_terms"]


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


def kkt_multipliers(X, y, leak):
    r"""Solve :math:`M\lambda = 1`, the multipliers of the KKT point whose neurons see the labels.

    :math:`M_{nk} = \langle x_n,x_k\rangle\cdot\frac{1+\gamma^2}2` where :math:`y_n = y_k`, else times
    :math:`-\gamma`. Every point is a support vector and every neuron obeys the pattern
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
    >>> from robustnn_core.perturbations import kkt_multipliers
    >>> kkt_multipliers([[2.0, 0.0], [0.0, 1.0]], [1, -1], leak=0.5)
    array([0.4, 1.6])
    """
    X, y, leak = check_data(X, y, leak)
    G = blas.gram(X)
    check_points(G)
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
    r"""Return M of :func:`kkt_multipliers` from the Gram matrix, shape (N, N).

    Parameters
    ----------
    G : ndarray, shape (N, N)
        :math:`\langle x_n,x_k\rangle`.
    y : ndarray, shape (N,)
        Labels +-1.
    leak : float in (0, 1)

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.perturbations import pattern_matrix
    >>> pattern_matrix(np.array([[4.0, 1.0], [1.0, 4.0]]), np.array([1, -1]), leak=0.5)
    array([[ 2.5, -0.5],
           [-0.5,  2.5]])
    """
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
    >>> from robustnn_core.perturbations import kkt_net
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
    >>> from robustnn_core.perturbations import direction
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
    >>> from robustnn_core.perturbations import second_net_terms
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
