r"""Constants, floors and bounds of Neuro-Tron: theory only, no simulation (step sizes: ``schedules``).

Two theorems stand here side by side. *The paper's* Theorem II.1, with its O(.) made explicit, and the
book's *sharper theorem* (Theorem A'), which needs no condition on the scale of the inputs and whose
floor cannot be improved. Notation as in the book: :math:`\bar A` mean patch, :math:`\Sigma = E xx^\top`,
:math:`e = w - w^*`, :math:`\Delta_t = E|w^{(t)} - w^*|^2`.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from robustnn_core import checks
from robustnn_core.neurotron.inputs import check_m, check_pair

__all__ = [
    "Constants",
    "best_m",
    "check_constants",
    "check_eta",
    "check_leak",
    "constants",
    "paper_floor",
    "sharp_bound",
    "sharp_floor",
    "weighted_floor",
]


@dataclass(frozen=True)
class Constants:
    r"""Everything the two theorems know of a net, a law and a matrix M.

    Attributes
    ----------
    lam1 : float
        Smallest eigenvalue of the *symmetric part* of :math:`\bar A \Sigma M^\top`.
    lam2, lam3 : float
        :math:`|M|_2` and :math:`\frac1k \sum_i |A_i|_2^2`.
    m : tuple of 4 floats
        :math:`m_j = E|x|^j`, j = 1..4.
    leak : float
        Slope alpha of the activation.
    c_tradeoff : float
        :math:`-1 + (1+\alpha)\lambda_1/(m_1\lambda_2)`; the paper's theorem is vacuous unless it is > 0.
    c_star : float
        :math:`((1+c_\text{tradeoff})/2)^2`, what a weighted AM-GM puts in its place (always > 0).
    a : float
        :math:`(1+\alpha)\lambda_1`, twice the drift towards w*.
    p, p_found : float
        Certified bound of, and largest value found for, :math:`\sup_{|u|=1} E|u\cdot Mx|`; equal
        where the supremum is known (Gaussian, sphere). The theorems use ``p``.
    least : float
        Certified lower bound of :math:`\inf_{|u|=1} E|u\cdot Mx|`, exact for Gaussian and sphere.
    Q, V : float
        Second-order constants of Theorem A':
        :math:`\frac{1+\alpha^2}{2}\lambda_{\max}(E[|Mx|^2 \frac1k\sum A_i xx^\top A_i^\top])`
        and :math:`E|Mx|^2`.
    standard_error : dict
        Monte-Carlo standard error of each number for a ``laws.Custom``; empty where all are exact.
    """

    lam1: float
    lam2: float
    lam3: float
    m: tuple
    leak: float
    c_tradeoff: float
    c_star: float
    a: float
    p: float
    p_found: float
    least: float
    Q: float
    V: float
    standard_error: dict

    @property
    def best_eta(self):
        """The step a/(2Q) that contracts fastest when nobody attacks."""
        return self.a / (2 * self.Q)


def best_m(net, law):
    r"""Return the M of the smallest floor, :math:`C^{-1}\bar A` with :math:`C = \bar A\Sigma\bar A^\top`.

    Source: the book, *A sharper theorem* (the best M). It needs :math:`\Sigma`, hence unlabelled inputs,
    which the adversary does not touch.

    Parameters
    ----------
    net : nets.SingleFilterNet
    law : laws.Law

    Returns
    -------
    ndarray, shape (r, n)

    Raises
    ------
    ValueError
        C is singular (its condition number exceeds 1e12).

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron import best_m
    >>> best_m(nets.SingleFilterNet.gate(2), laws.Gaussian(2, 0.5))
    array([[4., 0.],
           [0., 4.]])
    """
    check_pair(net, law)
    gram = net.mean_patch @ law.second_moment() @ net.mean_patch.T
    values = np.linalg.eigvalsh(gram)
    if values[0] <= 1e-12 * values[-1]:
        raise ValueError(
            f"net and law give a singular C = Abar Sigma Abar^T (eigenvalues {values[0]:.3g} to {values[-1]:.3g}); "
            "use fewer or smaller patches, or inputs that move in every direction the mean patch sees"
        )
    return np.linalg.solve(gram, net.mean_patch)


def constants(net, law, M=None):
    r"""Compute the constants of both theorems, exactly where closed forms exist.

    Parameters
    ----------
    net : nets.SingleFilterNet
        k patches (k, r, n) and a leak.
    law : laws.Law
        Of the inputs in R^n.
    M : array_like, shape (r, n), optional
        The matrix of the algorithm; the mean patch :math:`\bar A` when not given.

    Returns
    -------
    Constants

    Raises
    ------
    ValueError
        Shapes that do not fit, M = 0, or not finite.

    Notes
    -----
    ``lam1`` may come out <= 0 (an M that does not see some direction): the schedules refuse it then.
    Source: Theorem II.1 of the paper; Theorem A' of the book.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron import constants
    >>> c = constants(nets.SingleFilterNet.gate(2), laws.Gaussian(2, 4.0))
    >>> round(c.c_tradeoff, 4), round(c.p, 4), c.Q, c.V
    (2.1915, 3.1915, 512.0, 32.0)
    """
    check_pair(net, law)
    M = check_m(net, M)
    result = _constants(net, law, M)
    if law.exact:
        return result
    batches = [_constants(net, part, M) for part in law.batches()]
    names = ("lam1", "c_tradeoff", "c_star", "a", "p", "least", "Q", "V")
    error = {n: float(np.std([getattr(b, n) for b in batches], ddof=1) / math.sqrt(len(batches))) for n in names}
    error.update({f"m{j}": law.standard_error(j) for j in (1, 2, 3, 4)})
    return replace(result, standard_error=error)


def _constants(net, law, M):
    leak, sigma = net.leak, law.second_moment()
    drift = net.mean_patch @ sigma @ M.T
    lam1 = float(np.linalg.eigvalsh((drift + drift.T) / 2)[0])
    lam2 = float(np.linalg.norm(M, 2))
    lam3 = float(np.mean(np.linalg.norm(net.patches, 2, axis=(1, 2)) ** 2))
    m = tuple(law.norm_moment(j) for j in (1, 2, 3, 4))
    if m[0] == 0:
        raise ValueError("law has E|x| = 0: every input is 0, so the labels say nothing; give inputs that move")
    ratio = (1 + leak) * lam1 / (m[0] * lam2)
    p_found, p = law.mean_abs_range(M)
    weighted = law.weighted_second_moment(M.T @ M)
    fourth = np.mean(net.patches @ weighted @ net.patches.transpose(0, 2, 1), axis=0)
    return Constants(
        lam1=lam1,
        lam2=lam2,
        lam3=lam3,
        m=m,
        leak=leak,
        c_tradeoff=ratio - 1,
        c_star=(ratio / 2) ** 2,
        a=(1 + leak) * lam1,
        p=p,
        p_found=p_found,
        least=law.mean_abs_least(M),
        Q=float((1 + leak**2) / 2 * np.linalg.eigvalsh((fourth + fourth.T) / 2)[-1]),
        V=float(np.trace(M @ sigma @ M.T)),
        standard_error={},
    )


def paper_floor(c, *, theta, eta):
    r"""Return the fixed point of the paper's recursion: its floor on Delta_t for a step of one's own choice.

    :math:`\rho(\eta) = (\eta' c_2 + c_3)/(b - \eta' c_1)` with :math:`\eta' = \eta\lambda_2` and the b, c1, c2, c3 of
    :func:`~robustnn_core.neurotron.schedules.poisoned_schedule`; nan where the paper's theorem says nothing
    (c_tradeoff <= 0 or :math:`\eta' c_1 \ge b`).

    Parameters
    ----------
    c : Constants
    theta : float >= 0
    eta : float > 0

    Raises
    ------
    ValueError
        A parameter out of range, lam1 <= 0, or a leak outside [0, 1], where Lemma B.2 fails.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron import constants, paper_floor
    >>> c = constants(nets.SingleFilterNet.gate(2), laws.Gaussian(2, 4.0))
    >>> round(paper_floor(c, theta=0.117, eta=2.817e-3), 4)
    0.0174
    """
    check_constants(c)
    theta = checks.number(theta, "theta", at_least=0.0)
    eta = checks.number(eta, "eta", above=0.0)
    check_leak(c)
    m1, m2, m3, m4 = c.m
    step = eta * c.lam2
    margin = m1 * c.c_tradeoff - step * (1 + c.leak) ** 2 * c.lam3 * (m3 + m4)
    return theta**2 * (step * (m2 + m3) + m1) / margin if margin > 0 else math.nan


def weighted_floor(c, *, theta):
    r"""Return :math:`\theta^2/c^*`, the floor on Delta_t of the weighted AM-GM as the step goes to 0.

    :math:`c^* = (P/2)^2` with :math:`P = (1+\alpha)\lambda_1/(m_1\lambda_2)`; never vacuous.

    Parameters
    ----------
    c : Constants
    theta : float >= 0

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron import constants, weighted_floor
    >>> c = constants(nets.SingleFilterNet.gate(10), laws.Gaussian(10, 1.0))
    >>> round(weighted_floor(c, theta=0.1) ** 0.5, 4)
    0.6169
    """
    check_constants(c)
    return checks.number(theta, "theta", at_least=0.0) ** 2 / c.c_star


def sharp_floor(c, *, theta, eta):
    r"""Theorem A': the floor R(eta) on the root mean square error :math:`\sqrt{\Delta_t}`.

    :math:`R(\eta) = \theta\,[q + \sqrt{q^2 + \eta(a-\eta Q)V}]/(a-\eta Q)`, :math:`q = p + \eta\sqrt{QV}`.

    Parameters
    ----------
    c : Constants
    theta : float >= 0
    eta : float in [0, a/Q)
        0 gives the limit :math:`R(0+) = 2\theta p/a`.

    Raises
    ------
    ValueError
        A parameter out of range, or lam1 <= 0.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron import constants, sharp_floor
    >>> c = constants(nets.SingleFilterNet.gate(10), laws.Gaussian(10, 1.0))
    >>> [round(sharp_floor(c, theta=0.1, eta=eta), 4) for eta in (0.0, 0.005, 0.02, 0.08)]
    [0.1596, 0.1754, 0.2266, 0.5721]
    """
    check_constants(c)
    theta = checks.number(theta, "theta", at_least=0.0)
    check_eta(c, eta, zero=True)
    q = c.p + eta * math.sqrt(c.Q * c.V)
    margin = c.a - eta * c.Q
    return theta * (q + math.sqrt(q**2 + eta * margin * c.V)) / margin


def sharp_bound(c, *, theta, eta, Delta1, steps):
    r"""Theorem A' along the way: the bound on :math:`\sqrt{\Delta_t}` after 0, 1, ..., ``steps`` updates.

    The recursion :math:`D \mapsto \varphi(D) = \sqrt{AD^2 + 2BD + C}` itself, of which the theorem prints
    the geometric envelope; :math:`A = 1-\eta a+\eta^2 Q`, :math:`B = \eta\theta q`, :math:`C = \eta^2\theta^2 V`.

    Parameters
    ----------
    c : Constants
    theta, eta : float
        As in :func:`sharp_floor`, eta > 0.
    Delta1 : float >= 0
        :math:`\Delta_1`.
    steps : int >= 0

    Returns
    -------
    ndarray, shape (steps + 1,)

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron import constants, sharp_bound
    >>> c = constants(nets.SingleFilterNet.gate(10), laws.Gaussian(10, 1.0))
    >>> sharp_bound(c, theta=0.1, eta=0.02, Delta1=1.0, steps=2000)[-1].round(4)
    np.float64(0.2266)
    """
    check_constants(c)
    theta = checks.number(theta, "theta", at_least=0.0)
    check_eta(c, eta)
    Delta1 = checks.number(Delta1, "Delta1", at_least=0.0)
    A = 1 - eta * c.a + eta**2 * c.Q
    B = eta * theta * (c.p + eta * math.sqrt(c.Q * c.V))
    C = eta**2 * theta**2 * c.V
    bound = np.empty(checks.integer(steps, "steps", at_least=0) + 1)
    bound[0] = math.sqrt(Delta1)
    for t in range(steps):
        bound[t + 1] = math.sqrt(A * bound[t] ** 2 + 2 * B * bound[t] + C)
    return bound


def check_constants(c):
    """Refuse what is no :class:`Constants`, and constants of which neither theorem speaks."""
    if not isinstance(c, Constants):
        raise ValueError(f"c = {c!r} must be what constants(net, law, M) returns")
    if c.lam1 <= 0:
        raise ValueError(
            f"c.lam1 = {c.lam1:.4g} must be > 0: there is a direction in which M does not pull towards w*; "
            "take M = Abar Sigma with full row rank, or best_m(net, law)"
        )
    if c.leak <= -1:
        raise ValueError(f"c.leak = {c.leak} must be > -1: at -1 the net is even and w and -w look the same")


def check_leak(c):
    """Refuse constants of a leak for which the paper's theorem is not proved."""
    if not 0 <= c.leak <= 1:
        raise ValueError(
            f"c.leak = {c.leak} must be in [0, 1] for Theorem II.1 as this book states it (Lemma B.2 fails below 0); "
            "sharp_schedule holds for every leak > -1"
        )


def check_eta(c, eta, zero=False):
    """Refuse a step with which the bound of Theorem A' does not contract; 0 passes with ``zero``."""
    remedy = "that is a/Q, beyond which the bound does not contract; take c.best_eta"
    bound = {"at_least": 0.0} if zero else {"above": 0.0}
    checks.number(eta, "eta", below=c.a / c.Q, remedy=remedy, **bound)
