"""Natural base, orthogonal data: flipped labels and the reflection, and the two regimes of random labels."""

import math

import numpy as np

from robustnn_core import blas, checks, streams
from robustnn_core.ledger import Ledger
from robustnn_core.perturbations import adversaries, kkt, theory
from robustnn_core.perturbations.proofs._hypotheses import balanced, orthogonal_rows

__all__ = ["cancellation", "false_half", "reflection"]


def reflection(X, y, leak, *, kappa, seed):
    r"""Natural base, orthogonal data of one norm, labels flipped: all turns at :math:`\kappa = \epsilon\sqrt N/R`.

    :math:`\langle x^a_n,x^a_k\rangle = -y_ny_kR^2\kappa(2-\kappa)/N`: (A) leaves a window around 0, where g = -f, and
    one around 2, where x^a is the reflection of x in the first net's boundary and g = f.

    Parameters
    ----------
    X : array_like, shape (N, d)
        Orthogonal rows of one norm.
    y : array_like, shape (N,)
        As many +1 as -1: only then are all multipliers of the second net equal.
    leak : float
    kappa : float > 0
    seed : int >= 0, tuple of int, or numpy Generator
        Of the points at which the nets are compared.

    Raises
    ------
    ValueError
        Rows that are not orthogonal or not of one norm, unbalanced labels.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.perturbations.proofs import reflection
    >>> reflection(np.eye(4), [1, 1, -1, -1], 0.9, kappa=2.0, seed=0).assert_holds().rows[-1].label
    'K9'
    """
    X, y, leak = theory.check_data(X, y, leak)
    square, N = orthogonal_rows(X)[1], len(y)
    if y.sum() != 0:
        raise ValueError(
            f"y has {int((y > 0).sum())} of {N} labels +1; they must balance, "
            "or the second net's multipliers differ by class"
        )
    kappa = checks.number(kappa, "kappa", above=0.0)
    eps, w = kappa * math.sqrt(square / N), kkt.direction(X, y, np.ones(N))
    unit = w / np.linalg.norm(w)
    moved = adversaries.perturb(X, -y, direction=w, eps=eps)
    H = blas.gram(moved)
    holds = theory.orthogonality(moved, leak).holds
    away = ~np.eye(N, dtype=bool)
    ledger = Ledger(f"Flipped labels and the reflection, kappa = {kappa:g}")
    ledger.eq("K1", r"|w|=R\sqrt N\quad(\text{multipliers }1)", np.linalg.norm(w) / math.sqrt(square * N), 1.0)
    ledger.eq(
        "K2",
        r"y_n\langle w/|w|,x^a_n\rangle=(1-\kappa)R/\sqrt N",
        y * (moved @ unit) * math.sqrt(N / square),
        1 - kappa,
    )
    ledger.eq(
        "K3",
        r"\langle x^a_n,x^a_k\rangle=-y_ny_kR^2\kappa(2-\kappa)/N",
        H[away] / square,
        (-np.multiply.outer(y, y) * kappa * (2 - kappa) / N)[away],
    )
    ledger.eq("K4", r"|x^a_n|^2=R^2(1-\kappa(2-\kappa)/N)", H.diagonal() / square, 1 - kappa * (2 - kappa) / N)
    need = leak**3 / 3 * (1 - kappa * (2 - kappa) / N)
    ledger.eq(
        "K5",
        r"\text{(A)}\iff\kappa|2-\kappa|\le\tfrac{\gamma^3}3\big(1-\tfrac{\kappa(2-\kappa)}N\big)",
        float(holds),
        float(kappa * abs(2 - kappa) <= need * (1 + 1e-12)),
        tol=0.0,
    )
    if kappa * abs(2 - kappa) < need:
        _in_the_window(ledger, X, y, leak, kappa, w, moved, square, seed)
    return ledger


def _in_the_window(ledger, X, y, leak, kappa, w, moved, square, seed):
    """Rows K6 to K9: the second net under (A), minus or plus the first."""
    lam = kkt.kkt_multipliers(moved, -y, leak)
    ledger.eq("K6", r"\lambda^a_n=\lambda^a_1", lam * square, lam[0] * square)
    normal = kkt.direction(moved, -y, lam)
    ledger.eq(
        "K7",
        r"\sum\lambda^a_ny^a_nx^a_n=(\kappa-1)\lambda^a_1\sum_ny_nx_n",
        normal,
        (kappa - 1) * lam[0] * w,
        scale=float(np.abs(lam[0] * w).max()),
    )
    Z = streams.generator(seed).standard_normal((200, X.shape[1]))
    g, f = kkt.kkt_net(moved, -y, leak).predict(Z), kkt.kkt_net(X, y, leak).predict(Z)
    ledger.eq(
        "K8",
        r"\mathrm{sgn}\,g(z)=\mathrm{sgn}(\kappa-1)\,\mathrm{sgn}f(z)",
        np.sign(g),
        np.sign(kappa - 1) * np.sign(f),
        tol=0.0,
    )
    if kappa == 2.0:
        unit = w / np.linalg.norm(w)
        mirrored = X - 2 * np.multiply.outer(X @ unit, unit)
        ledger.eq("K9", r"x^a_n=x_n-2\langle x_n,w\rangle w/|w|^2\quad(\kappa=2)", moved, mirrored)


def cancellation(X, y, labels, leak, *, kappa):
    r"""Natural base, random labels: how much of T2 the false labels take back.

    With :math:`h = (1+\gamma^2)/2` and :math:`s_n = y_ny^a_n`, for every N:
    :math:`\lambda^a_n = \lambda_0 + \lambda_1s_n`, :math:`\lambda_1 = -\frac{h+\gamma}{2h}\kappa\lambda_0`, and what
    is left of T2 is :math:`1-\frac{h+\gamma}{2h} = \frac{(1-\gamma)^2}{2(1+\gamma^2)}`.

    Parameters
    ----------
    X : array_like, shape (N, d)
        Orthogonal rows of one norm.
    y, labels : array_like, shape (N,)
        True and false labels; the four combinations equally often.
    leak, kappa : float

    Raises
    ------
    ValueError
        Rows that are not orthogonal or not of one norm, labels that do not balance.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.perturbations.proofs import cancellation
    >>> cancellation(np.eye(4), [1, 1, -1, -1], [1, -1, 1, -1], 0.3, kappa=0.5).assert_holds().rows[-1].label
    'C5'
    """
    X, y, leak = theory.check_data(X, y, leak)
    labels, s = balanced(y, labels)
    kappa = checks.number(kappa, "kappa", above=0.0)
    square, N = orthogonal_rows(X)[1], len(y)
    w = kkt.direction(X, y, np.ones(N))
    moved = adversaries.perturb(X, labels, direction=w, eps=kappa * math.sqrt(square / N))
    H = blas.gram(moved) / square
    away = ~np.eye(N, dtype=bool)
    lam = np.linalg.solve(kkt.pattern_matrix(H, labels, leak), np.ones(N))
    even, odd = lam.mean(), (lam * s).mean()
    h = (1 + leak**2) / 2
    expected = np.multiply.outer(labels, labels) * (np.add.outer(s, s) * kappa + kappa**2) / N
    ledger = Ledger("What the false labels take back")
    ledger.eq(
        "C1",
        r"\langle x^a_n,x^a_k\rangle=\tfrac{R^2}Ny^a_ny^a_k\big(\kappa(s_n+s_k)+\kappa^2\big)",
        H[away],
        expected[away],
    )
    ledger.eq("C2", r"\lambda^a_n=\lambda_0+\lambda_1s_n", lam, even + odd * s)
    ledger.eq("C3", r"\lambda_1=-\tfrac{h+\gamma}{2h}\kappa\lambda_0", odd / even, -(h + leak) / (2 * h) * kappa)
    along = w / np.linalg.norm(w)
    T1 = float((lam * labels) @ (X @ along))
    T2 = float(kappa * math.sqrt(square / N) * lam.sum())
    ledger.eq("C4", r"T_1^{\text{sys}}/T_2=\lambda_1/(\kappa\lambda_0)", T1 / T2, odd / (kappa * even))
    ledger.eq(
        "C5", r"(T_1^{\text{sys}}+T_2)/T_2=\tfrac{(1-\gamma)^2}{2(1+\gamma^2)}", 1 + T1 / T2, theory.cancellation(leak)
    )
    return ledger


def false_half(X, y, labels, leak, *, kappa):
    r"""Natural base, random labels, kappa > 1/c: only the points with false labels are support vectors.

    With :math:`h = (1+\gamma^2)/2`, :math:`c = (h+\gamma)/(2h)` and :math:`s_n = y_ny^a_n`: multipliers
    :math:`\lambda` where :math:`s_n = -1` and 0 elsewhere make a KKT point, whose normal is
    :math:`\frac{\lambda}2\big((\kappa-1)\sum_ny_nx_n+\sum_ny^a_nx_n\big)`.

    Parameters
    ----------
    X : array_like, shape (N, d)
        Orthogonal rows of one norm.
    y, labels : array_like, shape (N,)
        True and false labels; the four combinations equally often.
    leak : float >= 1/2
    kappa : float > 1/c

    Raises
    ------
    ValueError
        Rows that are not orthogonal or not of one norm, labels that do not balance, a leak below 1/2, kappa <= 1/c.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.perturbations.proofs import false_half
    >>> y, false = np.tile([1, 1, -1, -1], 200), np.tile([1, -1], 400)
    >>> false_half(np.eye(800), y, false, 0.5, kappa=3.0).assert_holds().rows[-1].label
    'H8'
    """
    X, y, leak = theory.check_data(X, y, leak)
    leak = checks.number(leak, "leak", at_least=0.5, remedy="below 1/2 the pattern can break")
    labels, s = balanced(y, labels)
    h = (1 + leak**2) / 2
    c = (h + leak) / (2 * h)
    kappa = checks.number(
        kappa, "kappa", above=1 / c, remedy="below 1/c all points are support vectors: see cancellation"
    )
    square, N = orthogonal_rows(X)[1], len(y)
    w, wrong = kkt.direction(X, y, np.ones(N)), s < 0
    moved = adversaries.perturb(X, labels, direction=w, eps=kappa * math.sqrt(square / N))
    H, away = blas.gram(moved) / square, ~np.eye(N, dtype=bool)
    some = np.ix_(wrong, wrong)
    pairs = wrong[:, None] & wrong & away
    lam = np.zeros(N)
    lam[wrong] = np.linalg.solve(kkt.pattern_matrix(H[some], labels[wrong], leak), np.ones(int(wrong.sum())))
    net = kkt.kkt_net(moved, labels, leak, multipliers=lam / square)
    Z, margins = blas.product(net.weights, moved.T), labels * net.predict(moved)
    first = lam[wrong].mean()
    ledger = Ledger("Only the false half supports the second net")
    inner = np.multiply.outer(labels, labels) * (kappa**2 - 2 * kappa) / N
    ledger.eq(
        "H1",
        r"\langle x^a_n,x^a_k\rangle=\tfrac{R^2}Ny^a_ny^a_k\,\kappa(\kappa-2)\quad(s_n=s_k=-1)",
        H[pairs],
        inner[pairs],
    )
    ledger.lt("H2", r"0<\lambda_n=\lambda\quad(s_n=-1)", 0.0, lam[wrong])
    ledger.eq(
        "H3",
        r"\lambda R^2\big(h+\tfrac{h+\gamma}4\kappa(\kappa-2)\big)=1",
        lam[wrong] * (h + (h + leak) / 4 * kappa * (kappa - 2)),
        1.0,
    )
    ledger.eq(
        "H4",
        r"y^a_ng(x^a_n)=\tfrac{h+\gamma}4\kappa^2\lambda R^2\quad(s_n=+1)",
        margins[~wrong],
        (h + leak) / 4 * kappa**2 * first,
    )
    ledger.lt("H5", r"1<y^a_ng(x^a_n)\quad(s_n=+1)", 1.0, margins[~wrong])
    ledger.lt(
        "H6",
        r"0<\mathrm{sgn}(a_j)\,y^a_n\langle w_j,x^a_n\rangle",
        0.0,
        np.sign(net.head)[:, None] * labels * Z * math.sqrt(square),
    )
    _turn_the_normal(ledger, X, labels, w, kkt.direction(moved, labels, lam), first, kappa)
    return ledger


def _turn_the_normal(ledger, X, labels, w, normal, first, kappa):
    """Rows H7 and H8: the second net's normal between the first one's, ``w``, and that of the false labels."""
    N = len(labels)
    expected = first / 2 * ((kappa - 1) * w + kkt.direction(X, labels, np.ones(N)))
    size = first * float(np.linalg.norm(w)) / N  # lambda R / sqrt N
    ledger.eq(
        "H7",
        r"\sum\lambda_ny^a_nx^a_n=\tfrac\lambda2\big((\kappa-1)\sum y_nx_n+\sum y^a_nx_n\big)",
        normal / size,
        expected / size,
        scale=math.sqrt(N),
    )
    unit = w / np.linalg.norm(w)
    along = float(normal @ unit)
    across = float(np.linalg.norm(normal - along * unit))
    ledger.eq("H8", r"\text{along}/\text{across}=\kappa-1", along / across, kappa - 1)
