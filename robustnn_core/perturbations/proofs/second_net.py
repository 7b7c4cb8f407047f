"""The second net: its verdict in two terms, and how loudly weak correlations speak together."""

import math

import numpy as np

from robustnn_core import checks
from robustnn_core.ledger import Ledger
from robustnn_core.perturbations import kkt, theory
from robustnn_core.perturbations.proofs._hypotheses import assumption_sides, inside, orthogonal_rows

__all__ = ["second_net", "weak_alignment"]


def second_net(base, labels, eta, Z, leak, *, first=None):
    r"""The second net's verdict, :math:`\mathrm{sgn}\,g(z) = \mathrm{sgn}(T_1+T_2)`, and when it is the first net's.

    Parameters
    ----------
    base, labels, eta
        The second net's data, ``base + eta`` inside assumption (A).
    Z : array_like, shape (Z, d)
    leak : float
    first : array_like, shape (d,), optional
        The first net's normal w, if the perturbation is :math:`\epsilon y^a_n w/|w|`.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.perturbations.proofs import second_net
    >>> from robustnn_core.perturbations import adversarial_set
    >>> X, w = 2 * np.eye(3), np.array([1.0, 1.0, -1.0])
    >>> adv = adversarial_set(X, [1, 1, -1], direction=w, eps=0.01, seed=0)
    >>> second_net(adv.base, adv.y, adv.eta, [[1.0, 2.0, 4.0]], 0.9, first=w).assert_holds().rows[0].label
    'G1'
    """
    base = checks.array(base, "base", shape=("N", "d"))
    eta = checks.array(eta, "eta", shape=base.shape)
    X, labels, leak, _ = inside(base + eta, labels, leak)
    Z = checks.array(Z, "Z", shape=("Z", X.shape[1]))
    terms = kkt.second_net_terms(base, labels, eta, Z, leak)
    net = kkt.kkt_net(X, labels, leak)
    g, lam = np.sign(net.predict(Z)), terms.multipliers
    ledger = Ledger("The second net")
    ledger.leq("G1", r"p^a_\max\le\gamma^3(R^a_\min)^4/(3N(R^a_\max)^2)", *assumption_sides(X, leak))
    ledger.eq(
        "G2", r"\sum_n\lambda^a_ny^a_n\langle x^a_n,z\rangle=T_1+T_2", Z @ kkt.direction(X, labels, lam), terms.total
    )
    ledger.eq("G3", r"\mathrm{sgn}\,g(z)=\mathrm{sgn}(T_1+T_2)", g, np.sign(terms.total), tol=0.0)
    if first is not None:
        w = checks.array(first, "first", shape=(X.shape[1],))
        eps = float(np.linalg.norm(eta, axis=1).max())
        T2 = eps * lam.sum() * (Z @ w) / np.linalg.norm(w)
        ledger.eq("G4", r"T_2=\epsilon\big(\sum_n\lambda^a_n\big)\langle w,z\rangle/|w|", terms.perturbation, T2)
        f = np.sign(Z @ w)
        ledger.eq("G5", r"\mathrm{sgn}\,T_2=\mathrm{sgn}f(z)", np.sign(terms.perturbation), f, tol=0.0)
        agree = (np.sign(terms.mislabelled) == f) | (np.abs(terms.perturbation) > np.abs(terms.mislabelled))
        ledger.eq(
            "G6",
            r"g(z)\text{ and }f(z)\text{ agree iff }\mathrm{sgn}\,T_1=\mathrm{sgn}\,T_2\text{ or }|T_2|>|T_1|",
            (g == f).astype(float),
            agree.astype(float),
            tol=0.0,
        )
    return ledger


def weak_alignment(X, y, Z):
    r"""How loudly weak correlations speak together: :math:`0\le\rho(z)\le\sqrt N`, and the two ends.

    Parameters
    ----------
    X, y
        Orthogonal rows of one norm, with labels.
    Z : array_like, shape (Z, d)
        No z orthogonal to all of X.

    Raises
    ------
    ValueError
        Rows that are not orthogonal or not of one norm, a z orthogonal to all of them.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.perturbations.proofs import weak_alignment
    >>> weak_alignment(np.eye(4), [1, 1, -1, -1], [[1.0, 2.0, 3.0, 4.0]]).assert_holds().rows[-1].label
    'A3'
    """
    X = checks.array(X, "X", shape=("N", "d"))
    y = checks.signs(y, "y", length=len(X))
    orthogonal_rows(X)
    rho = theory.alignment(X, y, Z)
    if np.isnan(rho).any():
        raise ValueError(f"Z has a row orthogonal to all of X (row {int(np.isnan(rho).argmax())}); leave it out")
    ledger = Ledger("Weak alignment")
    ledger.leq("A1", r"\rho(z)\le\sqrt N", rho, math.sqrt(len(X)))
    ledger.eq("A2", r"\rho(x_n)=1", theory.alignment(X, y, X), 1.0)
    ledger.eq("A3", r"\rho\big(\sum_ny_nx_n\big)=\sqrt N", theory.alignment(X, y, (y @ X)[None]), math.sqrt(len(X)))
    return ledger
