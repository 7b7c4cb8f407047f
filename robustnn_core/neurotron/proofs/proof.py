"""The ledgers of *The proof, line by line*: the lemmas and the two cases of Theorem II.1."""

import numpy as np

from robustnn_core import checks, nets
from robustnn_core.ledger import Ledger
from robustnn_core.neurotron import schedules
from robustnn_core.neurotron.inputs import check_finite
from robustnn_core.neurotron.proofs.snapshot import one_step

__all__ = ["case_one", "case_two", "lipschitz", "parity", "recursion"]


def parity(law, a, b, leak=0.0):
    r"""Lemma B.1: :math:`E[\sigma(a\cdot x)\, b\cdot x] = \frac{1+\alpha}{2}\, a^\top\Sigma b`.

    Parameters
    ----------
    law : laws.Symmetrised
    a, b : array_like, shape (n,)
    leak : float

    Examples
    --------
    >>> from robustnn_core import laws
    >>> from robustnn_core.neurotron.proofs import parity
    >>> parity(laws.Symmetrised([[1.0, 2.0], [0.5, -1.0]]), [1, 0], [1, 1], leak=0.1).assert_holds().rows[-1].lhs
    0.75625
    """
    check_finite(law)
    a, b = checks.array(a, "a", shape=(law.n,)), checks.array(b, "b", shape=(law.n,))
    leak = checks.number(leak, "leak")
    z, y = law.points() @ a, law.points() @ b
    up, down = nets.leaky_relu(z, leak), nets.leaky_relu(-z, leak)
    ledger = Ledger("Lemma B.1 (parity)")
    ledger.eq("P1", r"\sigma(z)-\sigma(-z)=(1+\alpha)z", up - down, (1 + leak) * z)
    ledger.eq(
        "P2",
        r"\mathbb E[\sigma(a\cdot x)\,b\cdot x]=\tfrac12\mathbb E[(\sigma(a\cdot x)-\sigma(-a\cdot x))\,b\cdot x]",
        np.mean(up * y),
        np.mean((up - down) * y) / 2,
    )
    ledger.eq(
        "P3",
        r"\mathbb E[\sigma(a\cdot x)\,b\cdot x]=\tfrac{1+\alpha}2a^\top\Sigma b",
        np.mean(up * y),
        (1 + leak) / 2 * a @ law.second_moment() @ b,
    )
    return ledger


def lipschitz(shot):
    r"""Lemma B.2, link by link, at every run and every input of a snapshot.

    Parameters
    ----------
    shot : Snapshot

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.proofs import greedy_snapshot, lipschitz
    >>> law = laws.Symmetrised([[1.0, 0.0], [0.0, 2.0]])
    >>> shot = greedy_snapshot(nets.SingleFilterNet.gate(2), law, [1.0, 1.0], [[0.0, 0.0]], theta=0.5)
    >>> lipschitz(shot).assert_holds().rows[-1].label
    'L7'
    """
    leak, c = shot.net.leak, shot.constants
    L = max(1.0, abs(leak))
    present, true = shot.seen
    d = nets.leaky_relu(true, leak) - nets.leaky_relu(present, leak)
    linear = true - present
    lengths = np.linalg.norm(shot.net.patches @ shot.X.T, axis=1)
    norms = np.linalg.norm(shot.net.patches, 2, axis=(1, 2))
    r = np.linalg.norm(shot.X, axis=1)
    size = shot.size[:, None]
    ledger = Ledger("Lemma B.2 (how far two nets differ)")
    ledger.eq("L1", r"(f_{w_*}-f_w)^2=\big(\tfrac1k\sum_i d_i\big)^2", shot.h**2, d.mean(axis=1) ** 2)
    ledger.leq("L2", r"\big(\tfrac1k\sum_i d_i\big)^2\le\tfrac1k\sum_i d_i^2", d.mean(axis=1) ** 2, (d**2).mean(axis=1))
    ledger.leq("L3", r"d_i^2\le L_\alpha^2\,(e\cdot A_ix)^2", d**2, L**2 * linear**2)
    ledger.leq("L4", r"(e\cdot A_ix)^2\le|e|^2|A_ix|^2", linear**2, size[:, :, None] ** 2 * (lengths**2)[None])
    ledger.leq("L5", r"|A_ix|\le|A_i|_2\,|x|", lengths, norms[:, None] * r[None])
    ledger.leq("L6", r"(f_{w_*}-f_w)^2\le L_\alpha^2\lambda_3|e|^2|x|^2", shot.h**2, L**2 * c.lam3 * size**2 * r**2)
    if 0 <= leak <= 1:
        ledger.leq("L7", r"L_\alpha\le1+\alpha", L, 1 + leak)
    return ledger


def recursion(*, b, c1, c2, c3, Delta1, target, gamma):
    r"""Lemma A.1: what :math:`\Delta_{t+1}\le(1-\eta'b+\eta'^2c_1)\Delta_t+\eta'^2c_2+\eta'c_3` implies.

    Parameters
    ----------
    b, c1, c2, c3 : float > 0
    Delta1, target : float
        :math:`\Delta_1` and :math:`\epsilon'^2`, with c3/b < target < Delta1.
    gamma : float
        Above (target + c2/c1)/(target - c3/b).

    Examples
    --------
    >>> from robustnn_core.neurotron.proofs import recursion
    >>> recursion(b=1.0, c1=2.0, c2=0.01, c3=0.01, Delta1=1.0, target=0.1, gamma=2.0).assert_holds().rows[-1].label
    'R9'
    """
    b, c2, c3 = (checks.number(value, name, above=0.0) for value, name in ((b, "b"), (c2, "c2"), (c3, "c3")))
    c1 = checks.number(c1, "c1", above=b**2 / 4, remedy="else A may be negative")
    Delta1 = checks.number(Delta1, "Delta1", above=0.0)
    target = checks.number(target, "target", above=c3 / b, below=Delta1, remedy="the bounds are c3/b and Delta1")
    gamma = checks.number(
        gamma, "gamma", above=(target + c2 / c1) / (target - c3 / b), remedy="that is (target + c2/c1)/(target - c3/b)"
    )
    step = b / (gamma * c1)
    A, B = 1 - step * b + step**2 * c1, step**2 * c2 + step * c3
    floor = (c2 / c1 + gamma * c3 / b) / (gamma - 1)
    T = schedules.count_steps(Delta1 - floor, target - floor, A)
    worst = [Delta1]
    for _ in range(T - 1):
        worst.append(A * worst[-1] + B)
    worst = np.array(worst)
    margin = target * (1 - A) - B
    ledger = Ledger("Lemma A.1 (the recursion)")
    ledger.eq("R1", r"A=1-\tfrac{b^2}{c_1}\tfrac{\gamma-1}{\gamma^2}", A, 1 - b**2 / c1 * (gamma - 1) / gamma**2)
    ledger.lt("R2", r"0<A", 0.0, A)
    ledger.lt("R3", r"A<1", A, 1.0)
    ledger.eq("R4", r"\rho:=\tfrac B{1-A}=\tfrac{c_2/c_1+\gamma c_3/b}{\gamma-1}", B / (1 - A), floor, scale=floor)
    ledger.eq(
        "R5",
        r"\Delta_t\le\rho+A^{t-1}(\Delta_1-\rho)",
        worst,
        floor + A ** np.arange(T) * (Delta1 - floor),
    )
    ledger.eq(
        "R6",
        r"\epsilon'^2(1-A)-B=\eta'^2c_1\big[\gamma(\epsilon'^2-\tfrac{c_3}b)-(\epsilon'^2+\tfrac{c_2}{c_1})\big]",
        margin,
        step**2 * c1 * (gamma * (target - c3 / b) - (target + c2 / c1)),
        scale=target * (1 - A),
    )
    ledger.lt("R7", r"\rho<\epsilon'^2", floor, target)
    ledger.leq(
        "R8",
        r"\Delta_T\le\epsilon'^2,\quad T=1+\big\lceil\ln\tfrac{\Delta_1-\rho}{\epsilon'^2-\rho}/(-\ln A)\big\rceil",
        worst[-1],
        target,
    )
    ledger.lt("R9", r"\epsilon'^2<\Delta_{T-1}\ \text{(equality case)}", target, worst[-2] if T > 1 else np.inf)
    return ledger


def case_one(shot, *, gamma=2.0):
    r"""Theorem II.1, Case I: one step of the realisable dynamics contracts by kappa.

    Parameters
    ----------
    shot : Snapshot
        With theta = 0.
    gamma : float > 1

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.proofs import case_one, greedy_snapshot
    >>> law = laws.Symmetrised([[1.0, 0.0], [0.0, 2.0]])
    >>> shot = greedy_snapshot(nets.SingleFilterNet.gate(2), law, [1.0, 1.0], [[0.0, 0.5]], theta=0.0)
    >>> case_one(shot).assert_holds().rows[-1].label
    'C5'
    """
    if shot.theta != 0.0:
        raise ValueError(f"shot.theta = {shot.theta} must be 0 in Case I; use case_two")
    c = shot.constants
    s = schedules.realizable_schedule(c, eps=1e-3, delta=0.5, Delta1=1.0, gamma=gamma)
    ledger = Ledger("Theorem II.1, Case I")
    after = one_step(shot, s.eta)
    before = shot.size**2
    kappa = 1 - s.eta * c.a + s.eta**2 * c.lam2**2 * (1 + c.leak) ** 2 * c.lam3 * c.m[3]
    ledger.leq("C1", r"\mathbb E[|e^+|^2\mid w]\le\kappa|e|^2", after, kappa * before)
    ledger.eq(
        "C2",
        r"\kappa=1-\tfrac{\gamma-1}{\gamma^2}\tfrac{\lambda_1^2}{\lambda_2^2\lambda_3m_4}",
        kappa,
        s.contraction,
    )
    ledger.leq("C3", r"\lambda_1\le\lambda_2\sqrt{\lambda_3}\,m_2", c.lam1, c.lam2 * np.sqrt(c.lam3) * c.m[1])
    ledger.leq("C4", r"m_2^2\le m_4", c.m[1] ** 2, c.m[3])
    ledger.leq("C5", r"\tfrac34\le\kappa", 0.75, kappa)
    ledger.lt("C5", r"\kappa<1", kappa, 1.0)
    return ledger


def case_two(shot, *, eta):
    r"""Theorem II.1, Case II: one poisoned step, from the expansion of the square to Lemma A.1's form.

    Rows T1-T8 are checked at every run of the snapshot (conditionally on its weights), T9-T12 on the
    average over the runs.

    Parameters
    ----------
    shot : Snapshot
    eta : float > 0

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.proofs import case_two, greedy_snapshot
    >>> law = laws.Symmetrised([[1.0, 0.0], [0.0, 2.0]])
    >>> shot = greedy_snapshot(nets.SingleFilterNet.gate(2), law, [1.0, 1.0], [[0.0, 0.5]], theta=0.2)
    >>> case_two(shot, eta=0.05).assert_holds().rows[-1].label
    'T12'
    """
    eta = checks.number(eta, "eta", above=0.0)
    ledger = Ledger("Theorem II.1, Case II: one step")
    after = _one_run(ledger, shot, eta)
    _average_over_runs(ledger, shot, eta, after)
    return ledger


def _one_run(ledger, shot, eta):
    r"""T1 to T8, at every run; returns :math:`E[|e^+|^2\mid w]`, shape (R,)."""
    c, theta, size = shot.constants, shot.theta, shot.size
    m1, m2, m3, m4 = c.m
    cc = (1 + c.leak) * np.sqrt(c.lam3)
    residual = shot.h + shot.xi
    g = residual[:, :, None] * shot.MX[None]
    moved = shot.e[:, None, :] + eta * g
    inner = np.einsum("ajs,as->aj", g, shot.e)
    drift, attack = (shot.h * shot.pull).mean(axis=1), (shot.xi * shot.pull).mean(axis=1)
    B = shot.net.mean_patch @ shot.law.second_moment() @ shot.M.T
    quadratic = np.einsum("ar,rs,as->a", shot.e, B, shot.e)
    length = np.linalg.norm(shot.X, axis=1)
    square = (g**2).sum(axis=2).mean(axis=1)
    after = (moved**2).sum(axis=2).mean(axis=1)
    ledger.eq(
        "T1",
        r"|e^+|^2=|e|^2+2\eta\,e\cdot g+\eta^2|g|^2",
        (moved**2).sum(axis=2),
        size[:, None] ** 2 + 2 * eta * inner + eta**2 * (g**2).sum(axis=2),
    )
    ledger.eq(
        "T2",
        r"\mathbb E[e\cdot g]=\mathbb E[(f_{w_*}-f_w)\,e\cdot Mx]+\mathbb E[\xi\,e\cdot Mx]",
        inner.mean(axis=1),
        drift + attack,
    )
    ledger.eq(
        "T3",
        r"\mathbb E[(f_{w_*}-f_w)\,e\cdot Mx]=-\tfrac{1+\alpha}2e^\top\bar A\Sigma M^\top e",
        drift,
        -(1 + c.leak) / 2 * quadratic,
    )
    ledger.leq("T4", r"\lambda_1|e|^2\le e^\top\bar A\Sigma M^\top e", c.lam1 * size**2, quadratic)
    ledger.leq("T5", r"\mathbb E[\xi\,e\cdot Mx]\le\theta\lambda_2m_1|e|", attack, theta * c.lam2 * m1 * size)
    ledger.leq(
        "T6",
        r"2\eta\,\mathbb E[e\cdot g]\le-\eta(1+\alpha)\lambda_1|e|^2+2\eta\theta\lambda_2m_1|e|",
        2 * eta * inner.mean(axis=1),
        -eta * c.a * size**2 + 2 * eta * theta * c.lam2 * m1 * size,
    )
    bound7 = c.lam2**2 * ((np.abs(shot.h) + theta) ** 2 * length**2).mean(axis=1)
    ledger.leq("T7", r"\mathbb E|g|^2\le\lambda_2^2\,\mathbb E[(|f_{w_*}-f_w|+\theta)^2|x|^2]", square, bound7)
    ledger.leq(
        "T8",
        r"\mathbb E[(|f_{w_*}-f_w|+\theta)^2|x|^2]\le c^2m_4|e|^2+2c\theta m_3|e|+\theta^2m_2",
        bound7 / c.lam2**2,
        cc**2 * m4 * size**2 + 2 * cc * theta * m3 * size + theta**2 * m2,
    )
    return after


def _average_over_runs(ledger, shot, eta, after):
    """T9 to T12, on the average over the runs."""
    c, theta, size = shot.constants, shot.theta, shot.size
    m1, m2, m3, m4 = c.m
    cc = (1 + c.leak) * np.sqrt(c.lam3)
    delta, mean = (size**2).mean(), size.mean()
    step = eta * c.lam2
    bound9 = (
        (1 - eta * c.a + step**2 * cc**2 * m4) * delta
        + 2 * (step * m1 * theta + step**2 * cc * m3 * theta) * mean
        + step**2 * m2 * theta**2
    )
    ledger.leq(
        "T9",
        r"\Delta^+\le(1-\eta(1+\alpha)\lambda_1+\eta'^2c^2m_4)\Delta"
        r"+2\theta(\eta'm_1+\eta'^2cm_3)\,\mathbb E|e|+\eta'^2m_2\theta^2",
        after.mean(),
        bound9,
    )
    ledger.leq("T10", r"2\theta c|e|\le\theta^2+c^2|e|^2", 2 * theta * cc * size, theta**2 + cc**2 * size**2)
    ledger.leq("T11", r"2\theta|e|\le\theta^2+|e|^2", 2 * theta * size, theta**2 + size**2)
    b = c.a / c.lam2 - m1
    c1, c2, c3 = cc**2 * (m3 + m4), theta**2 * (m2 + m3), theta**2 * m1
    ledger.leq(
        "T12",
        r"\Delta^+\le(1-\eta'b+\eta'^2c_1)\Delta+\eta'^2c_2+\eta'c_3",
        after.mean(),
        (1 - step * b + step**2 * c1) * delta + step**2 * c2 + step * c3,
    )
