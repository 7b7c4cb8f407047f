r"""The proofs of the Neuro-Tron part, step by step on live data.

Each function takes numbers that a real run has reached and returns a :class:`~robustnn_core.ledger.Ledger`
with one row for each numbered (in)equality of the proof on the page of the same name. Expectations over
the input are *exact*: the law is a :class:`~robustnn_core.laws.Symmetrised` one, a finite set of points
+-x, so that a step that fails fails for good and not by chance.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import betainc, betaln, erfc, hyp0f1

from robustnn_core import checks, laws, nets
from robustnn_core.ledger import Ledger
from robustnn_core.neurotron import theory
from robustnn_core.neurotron.inputs import check_finite, check_m, check_pair

__all__ = [
    "Snapshot",
    "allowed",
    "allowed_sphere",
    "ball",
    "best_m_ledger",
    "case_one",
    "case_two",
    "dropped_factor",
    "exactness",
    "feasible",
    "finite_sample",
    "greedy_snapshot",
    "lipschitz",
    "minimax",
    "one_step",
    "parity",
    "recursion",
    "regression",
    "sharp",
    "weighted",
    "worst",
]


@dataclass(frozen=True, eq=False)
class Snapshot:
    r"""Where R runs stand at one time, and what an adversary answers at every input from there.

    Attributes
    ----------
    net : nets.SingleFilterNet
    law : laws.Symmetrised
    M : ndarray, shape (r, n)
    w_star : ndarray, shape (r,)
    weights : ndarray, shape (R, r)
    xi : ndarray, shape (R, 2N)
        The adversary's answer to run i at the input ``law.points()[j]``.
    theta : float
        Its budget.
    """

    net: nets.SingleFilterNet
    law: laws.Symmetrised
    M: np.ndarray
    w_star: np.ndarray
    weights: np.ndarray
    xi: np.ndarray
    theta: float

    @cached_property
    def constants(self):
        return theory.constants(self.net, self.law, self.M)

    @cached_property
    def X(self):
        """The equally likely inputs, (2N, n): the second half is minus the first."""
        return self.law.points()

    @cached_property
    def e(self):
        """Errors w - w*, (R, r)."""
        return self.weights - self.w_star

    @cached_property
    def size(self):
        """|e|, (R,)."""
        return np.linalg.norm(self.e, axis=1)

    @cached_property
    def MX(self):
        return self.X @ self.M.T

    @cached_property
    def pull(self):
        """e . Mx, (R, 2N)."""
        return self.e @ self.MX.T

    @cached_property
    def seen(self):
        """What each patch sees of w and of w*: (R, k, 2N) and (k, 2N)."""
        views = self.net.patches @ self.X.T
        return np.einsum("ar,krj->akj", self.weights, views), np.einsum("r,krj->kj", self.w_star, views)

    @cached_property
    def h(self):
        """f_{w*} - f_w as the net itself says, (R, 2N)."""
        return self.net.predict(self.w_star, self.X) - np.stack([self.net.predict(w, self.X) for w in self.weights])


def greedy_snapshot(net, law, w_star, weights, *, theta, M=None):
    r"""A :class:`Snapshot` in which the adversary is the greedy one.

    Parameters
    ----------
    net : nets.SingleFilterNet
    law : laws.Symmetrised
    w_star : array_like, shape (r,)
    weights : array_like, shape (R, r)
        For instance ``train(...).weights``.
    theta : float >= 0
    M : array_like, shape (r, n), optional

    Raises
    ------
    ValueError
        A law whose expectations are not finite sums, or bad shapes.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.proofs import greedy_snapshot
    >>> law = laws.Symmetrised([[1.0, 0.0], [0.0, 2.0]])
    >>> shot = greedy_snapshot(nets.SingleFilterNet.gate(2), law, [1.0, 1.0], [[0.0, 0.0]], theta=0.5)
    >>> shot.xi
    array([[-0.5, -0.5,  0.5,  0.5]])
    """
    check_pair(net, law)
    check_finite(law)
    M = check_m(net, M)
    r = M.shape[0]
    w_star = checks.array(w_star, "w_star", shape=(r,))
    weights = checks.array(weights, "weights", shape=("R", r))
    theta = checks.number(theta, "theta", at_least=0.0)
    xi = theta * np.where((weights - w_star) @ (law.points() @ M.T).T >= 0, 1.0, -1.0)
    return Snapshot(net, law, M, w_star, weights, xi, theta)


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


def recursion(*, b, c1, c2, c3, start, target, gamma):
    r"""Lemma A.1: what :math:`\Delta_{t+1}\le(1-\eta'b+\eta'^2c_1)\Delta_t+\eta'^2c_2+\eta'c_3` implies.

    Parameters
    ----------
    b, c1, c2, c3 : float > 0
    start, target : float
        :math:`\Delta_1` and :math:`\epsilon'^2`, with c3/b < target < start.
    gamma : float
        Above (target + c2/c1)/(target - c3/b).

    Examples
    --------
    >>> from robustnn_core.neurotron.proofs import recursion
    >>> recursion(b=1.0, c1=2.0, c2=0.01, c3=0.01, start=1.0, target=0.1, gamma=2.0).assert_holds().rows[-1].label
    'R9'
    """
    b, c2, c3 = (checks.number(value, name, above=0.0) for value, name in ((b, "b"), (c2, "c2"), (c3, "c3")))
    c1 = checks.number(c1, "c1", above=b**2 / 4, remedy="else A may be negative")
    start = checks.number(start, "start", above=0.0)
    target = checks.number(target, "target", above=c3 / b, below=start, remedy="the bounds are c3/b and start")
    gamma = checks.number(
        gamma, "gamma", above=(target + c2 / c1) / (target - c3 / b), remedy="that is (target + c2/c1)/(target - c3/b)"
    )
    step = b / (gamma * c1)
    A, B = 1 - step * b + step**2 * c1, step**2 * c2 + step * c3
    floor = (c2 / c1 + gamma * c3 / b) / (gamma - 1)
    T = theory._steps(start - floor, target - floor, A)
    worst = [start]
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
        floor + A ** np.arange(T) * (start - floor),
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
    s = theory.realizable_schedule(c, eps=1e-3, delta=0.5, start=1.0, gamma=gamma)
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
    ledger = Ledger("Theorem II.1, Case II: one step")
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
    delta, mean = (size**2).mean(), size.mean()
    step = eta * c.lam2
    bound9 = (
        (1 - eta * c.a + step**2 * cc**2 * m4) * delta
        + 2 * (step * m1 * theta + step**2 * cc * m3 * theta) * mean
        + step**2 * m2 * theta**2
    )
    ledger.leq(
        "T9",
        r"\Delta^+\le(1-\eta(1+\alpha)\lambda_1+\eta'^2c^2m_4)\Delta+2\theta(\eta'm_1+\eta'^2cm_3)\,\mathbb E|e|+\eta'^2m_2\theta^2",
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
    return ledger


def weighted(c, *, theta, sizes):
    r"""The weighted AM-GM: why :math:`c^* = (P/2)^2` replaces :math:`c_\text{trade-off} = P - 1`.

    Parameters
    ----------
    c : theory.Constants
    theta : float > 0
    sizes : array_like
        Values of \|e\| at which the inequality is evaluated.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron import theory
    >>> from robustnn_core.neurotron.proofs import weighted
    >>> c = theory.constants(nets.SingleFilterNet.gate(2), laws.Gaussian(2, 1.0))
    >>> weighted(c, theta=0.1, sizes=[0.1, 1.0]).assert_holds().rows[-1].label
    'W5'
    """
    theory._check_constants(c)
    sizes = checks.array(sizes, "sizes", shape=("s",))
    P = c.c_tradeoff + 1
    rho = P * np.linspace(0.05, 0.95, 19)
    ledger = Ledger("Weighted AM-GM")
    ledger.leq(
        "W1",
        r"2\theta|e|\le\theta^2/\nu+\nu|e|^2",
        (2 * theta * sizes)[:, None] + 0 * rho,
        theta**2 / rho + rho * sizes[:, None] ** 2,
    )
    ledger.leq("W2", r"\nu(P-\nu)\le(P/2)^2", rho * (P - rho), P**2 / 4)
    ledger.eq("W3", r"\nu=P/2:\ \nu(P-\nu)=c^*", P / 2 * (P - P / 2), c.c_star)
    ledger.eq("W4", r"c^*-c_{\mathrm{to}}=(P/2-1)^2\ge0", c.c_star - c.c_tradeoff, (P / 2 - 1) ** 2)
    ledger.leq(
        "W5",
        r"R(0^+)^2=(2\theta p/a)^2\le\theta^2/c^*",
        theory.sharp_floor(c, theta=theta, eta=0.0) ** 2,
        theory.weighted_floor(c, theta=theta),
    )
    return ledger


def sharp(shot, *, eta):
    r"""Theorem A': every step of its proof.

    Parameters
    ----------
    shot : Snapshot
    eta : float in (0, a/Q)

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.proofs import greedy_snapshot, sharp
    >>> law = laws.Symmetrised([[1.0, 0.0], [0.0, 2.0]])
    >>> shot = greedy_snapshot(nets.SingleFilterNet.gate(2), law, [1.0, 1.0], [[0.0, 0.5]], theta=0.2)
    >>> sharp(shot, eta=0.05).assert_holds().rows[-1].label
    'S14'
    """
    c, theta, size, leak = shot.constants, shot.theta, shot.size, shot.net.leak
    R = theory.sharp_floor(c, theta=theta, eta=eta)
    q = c.p + eta * np.sqrt(c.Q * c.V)
    A, B, C = 1 - eta * c.a + eta**2 * c.Q, eta * theta * q, eta**2 * theta**2 * c.V
    present, true = shot.seen
    half = present.shape[-1] // 2
    length = (shot.MX**2).sum(axis=1)
    drift, attack = (shot.h * shot.pull).mean(axis=1), (shot.xi * shot.pull).mean(axis=1)
    spread = (shot.h**2 * length).mean(axis=1)
    second = ((shot.h + shot.xi) ** 2 * length).mean(axis=1)
    after = one_step(shot, eta)
    u, v = present, np.broadcast_to(true, present.shape)
    jump = (nets.leaky_relu(u, leak) - nets.leaky_relu(v, leak)) ** 2
    ledger = Ledger("Theorem A' (the sharper theorem)")
    ledger.eq(
        "S1",
        r"\sigma(z)=\tfrac{1+\alpha}2z+\tfrac{1-\alpha}2|z|",
        nets.leaky_relu(u, leak),
        (1 + leak) / 2 * u + (1 - leak) / 2 * np.abs(u),
    )
    ledger.leq("S2", r"2\,\mathbb E[h\,e\cdot Mx]\le-a|e|^2", 2 * drift, -c.a * size**2)
    ledger.leq(
        "S3",
        r"\mathbb E[\xi\,e\cdot Mx]\le\theta\,\mathbb E|e\cdot Mx|",
        attack,
        theta * np.abs(shot.pull).mean(axis=1),
    )
    ledger.leq("S4", r"\mathbb E|e\cdot Mx|\le p\,|e|", np.abs(shot.pull).mean(axis=1), c.p * size)
    ledger.leq(
        "S5",
        r"(\sigma(u)-\sigma(v))^2+(\sigma(-u)-\sigma(-v))^2\le(1+\alpha^2)(u-v)^2",
        jump[..., :half] + jump[..., half:],
        (1 + leak**2) * (u - v)[..., :half] ** 2,
    )
    ledger.leq("S6", r"\mathbb E[h^2|Mx|^2]\le Q|e|^2", spread, c.Q * size**2)
    ledger.leq(
        "S7",
        r"\sqrt{\mathbb E[(h+\xi)^2|Mx|^2]}\le\sqrt{\mathbb E[h^2|Mx|^2]}+\theta\sqrt V",
        np.sqrt(second),
        np.sqrt(spread) + theta * np.sqrt(c.V),
    )
    ledger.leq("S8", r"\mathbb E[|e^+|^2\mid w]\le A|e|^2+2B|e|+C", after, A * size**2 + 2 * B * size + C)
    D = np.sqrt((size**2).mean())
    ledger.leq(
        "S9", r"\sqrt{\Delta^+}\le\varphi(\sqrt\Delta)", np.sqrt(after.mean()), np.sqrt(A * D**2 + 2 * B * D + C)
    )
    both = 2 * np.abs(shot.h * shot.pull).mean(axis=1)
    ledger.leq("S10", r"a|e|^2\le2\,\mathbb E|h\,e\cdot Mx|", c.a * size**2, both)
    ledger.leq("S10", r"2\,\mathbb E|h\,e\cdot Mx|\le2\sqrt Q|e|^2", both, 2 * np.sqrt(c.Q) * size**2)
    ledger.leq("S11", r"0\le A", 0.0, A)
    scale = max(R, 1e-12)
    ledger.eq("S12", r"\varphi(R)=R", np.sqrt(A * R**2 + 2 * B * R + C), R, scale=scale)
    grid = R + np.linspace(0, 10 * max(R, D), 200)[1:]
    phi = np.sqrt(A * grid**2 + 2 * B * grid + C)
    ledger.leq("S13", r"\tfrac{1-A}2(D-R)\le D-\varphi(D)\quad(D\ge R)", (1 - A) / 2 * (grid - R), grid - phi)
    low = R * np.linspace(0, 1, 50)
    ledger.leq("S14", r"\varphi(D)\le R\quad(D\le R)", np.sqrt(A * low**2 + 2 * B * low + C), R)
    return ledger


def exactness(shot, *, eta):
    r"""Why the floor of Theorem A' cannot be lowered: the greedy adversary's first moment, one step.

    Parameters
    ----------
    shot : Snapshot
        Of a single gate (k = 1, A = M = I).
    eta : float > 0

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.proofs import exactness, greedy_snapshot
    >>> law = laws.Symmetrised([[1.0, 0.0], [0.0, 2.0]])
    >>> shot = greedy_snapshot(nets.SingleFilterNet.gate(2), law, [1.0, 1.0], [[0.0, 0.5]], theta=0.2)
    >>> exactness(shot, eta=0.05).assert_holds().rows[-1].label
    'X4'
    """
    _check_gate(shot)
    eta = checks.number(eta, "eta", above=0.0)
    alpha, size = shot.net.leak, shot.size
    if size.min() == 0:
        raise ValueError("shot.weights holds w* itself, where the error has no direction; leave that row out")
    unit = shot.e / size[:, None]
    moved = shot.e[:, None, :] + eta * (shot.h + shot.xi)[:, :, None] * shot.X[None]
    along = (moved * unit[:, None, :]).sum(axis=2)
    drift = np.einsum("ar,rs,as->a", unit, shot.law.second_moment(), unit)
    push = np.abs(unit @ shot.X.T).mean(axis=1)
    ledger = Ledger("Exactness of the floor")
    ledger.leq("X1", r"e^+\cdot u\le|e^+|", along, np.linalg.norm(moved, axis=2))
    ledger.eq(
        "X2",
        r"\mathbb E[h\,u\cdot x]=-\tfrac{1+\alpha}2|e|\,u^\top\Sigma u",
        (shot.h * (unit @ shot.X.T)).mean(axis=1),
        -(1 + alpha) / 2 * size * drift,
    )
    ledger.eq(
        "X3",
        r"\mathbb E[\xi\,u\cdot x]=\theta\,\mathbb E|u\cdot x|",
        (shot.xi * (unit @ shot.X.T)).mean(axis=1),
        shot.theta * push,
    )
    ledger.leq(
        "X4",
        r"(1-\tfrac{\eta(1+\alpha)}2u^\top\Sigma u)|e|+\eta\theta\,\mathbb E|u\cdot x|\le\mathbb E|e^+|",
        (1 - eta * (1 + alpha) / 2 * drift) * size + eta * shot.theta * push,
        np.linalg.norm(moved, axis=2).mean(axis=1),
    )
    return ledger


def minimax(X, *, theta, direction, leak=0.0):
    r"""The two-point lower bound on a sphere: two filters that one set of labels cannot tell apart.

    Parameters
    ----------
    X : array_like, shape (N, n)
        Inputs, all of the same length rho.
    theta : float > 0
    direction : array_like, shape (n,)
        Any direction u; the pair is +-u/2 with \|u\| = 4 theta/((1 + leak) rho).
    leak : float in [0, 1]

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.neurotron.proofs import minimax
    >>> minimax(np.eye(3), theta=0.1, direction=[1, 1, 0]).assert_holds().rows[-1].label
    'M5'
    """
    X = checks.array(X, "X", shape=("N", "n"))
    rho = np.linalg.norm(X, axis=1)
    if np.ptp(rho) > 1e-9 * rho.max():
        raise ValueError(f"X has rows of length {rho.min():.6g} to {rho.max():.6g}; all must lie on one sphere")
    rho = rho.mean()
    theta = checks.number(theta, "theta", above=0.0)
    leak = checks.number(leak, "leak", at_least=0.0, at_most=1.0)
    direction = checks.array(direction, "direction", shape=(X.shape[1],))
    if not direction.any():
        raise ValueError("direction is 0; give any other vector")
    u = direction / np.linalg.norm(direction) * 4 * theta / ((1 + leak) * rho)
    z = X @ u / 2
    plus, minus = nets.leaky_relu(z, leak), nets.leaky_relu(-z, leak)
    middle = (plus + minus) / 2
    ledger = Ledger("Minimax bound on a sphere")
    ledger.eq("M1", r"f_{u/2}(x)-f_{-u/2}(x)=\tfrac{1+\alpha}2u\cdot x", plus - minus, (1 + leak) * z)
    ledger.leq(
        "M2",
        r"|y-f_{\pm u/2}(x)|\le\theta\ \text{ for the label half-way}",
        np.maximum(np.abs(middle - plus), np.abs(middle - minus)),
        theta,
    )
    guess = np.linspace(-1, 1, 41)[:, None] * u
    far = np.maximum(np.linalg.norm(guess - u / 2, axis=1), np.linalg.norm(guess + u / 2, axis=1))
    ledger.leq("M3", r"\max_\pm|\hat w\mp u/2|\ge|u|/2\ \text{ for every answer }\hat w", np.linalg.norm(u) / 2, far)
    ledger.eq(
        "M4",
        r"|u|/2=\tfrac{2\theta}{(1+\alpha)\rho}",
        np.linalg.norm(u) / 2,
        2 * theta / ((1 + leak) * rho),
        by_construction=True,
    )
    both = ((guess - u / 2) ** 2 + (guess + u / 2) ** 2).sum(axis=1)
    ledger.leq("M5", r"|u|^2/4\le\tfrac12\big(|\hat w-u/2|^2+|\hat w+u/2|^2\big)", u @ u / 4, both / 2)
    return ledger


def ball(X, w0, *, theta, direction, leak=0.0):
    r"""Around every filter: two filters a step theta/(L rho) away from ``w0`` that its labels fit alike.

    Parameters
    ----------
    X : array_like, shape (N, n)
        Inputs of length at most rho (the longest row).
    w0, direction : array_like, shape (n,)
    theta : float > 0
    leak : float
        L is max(1, \|leak\|).

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.neurotron.proofs import ball
    >>> ball(np.eye(2), [3.0, 4.0], theta=0.1, direction=[1, 1]).assert_holds().rows[-1].label
    'N3'
    """
    X = checks.array(X, "X", shape=("N", "n"))
    w0 = checks.array(w0, "w0", shape=(X.shape[1],))
    direction = checks.array(direction, "direction", shape=w0.shape)
    if not direction.any():
        raise ValueError("direction is 0; give any other vector")
    theta = checks.number(theta, "theta", above=0.0)
    L, rho = max(1.0, abs(leak)), np.linalg.norm(X, axis=1).max()
    v = direction / np.linalg.norm(direction) * theta / (L * rho)
    near = np.array([nets.leaky_relu(X @ (w0 + s * v), leak) - nets.leaky_relu(X @ w0, leak) for s in (1, -1)])
    reach = L * np.abs(X @ v)
    ledger = Ledger("Around every filter")
    ledger.leq("N1", r"|f_{w_0\pm v}(x)-f_{w_0}(x)|\le L_\alpha|v\cdot x|", np.abs(near), np.stack([reach, reach]))
    ledger.leq("N2", r"L_\alpha|v\cdot x|\le\theta", reach, theta)
    guess = w0 + np.linspace(-2, 2, 81)[:, None] * v
    far = np.maximum(np.linalg.norm(guess - w0 - v, axis=1), np.linalg.norm(guess - w0 + v, axis=1))
    ledger.leq("N3", r"|v|\le\max_\pm|\hat w-(w_0\pm v)|", np.linalg.norm(v), far)
    return ledger


def feasible(X, pairs, *, theta, cos_phi, leak=0.0):
    r"""How far apart two filters can be that fit the same labels on the antipodal sample +-X.

    Parameters
    ----------
    X : array_like, shape (N, n)
        One input of each antipodal pair, all of the same length rho.
    pairs : array_like, shape (P, 2, n)
        Pairs (w, w') whose outputs differ by at most 2 theta on the sample.
    theta : float > 0
    cos_phi : float
        Cosine of the covering angle of the sample.
    leak : float > -1

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.neurotron.proofs import feasible
    >>> square = feasible(np.eye(2), [[[0.1, 0.1], [-0.1, -0.1]]], theta=0.05, cos_phi=0.5**0.5)
    >>> square.assert_holds().rows[-1].label
    'F5'
    """
    X = checks.array(X, "X", shape=("N", "n"))
    pairs = checks.array(pairs, "pairs", shape=("P", 2, X.shape[1]))
    rho = np.linalg.norm(X, axis=1).mean()
    up = nets.leaky_relu(pairs @ X.T, leak)
    down = nets.leaky_relu(-(pairs @ X.T), leak)
    here, there = up[:, 0] - up[:, 1], down[:, 0] - down[:, 1]
    v = pairs[:, 0] - pairs[:, 1]
    size, seen = np.linalg.norm(v, axis=1), np.abs(v @ X.T)
    ledger = Ledger("The feasible set")
    ledger.leq("F1", r"|f_w(\pm x)-f_{w'}(\pm x)|\le2\theta", np.maximum(np.abs(here), np.abs(there)), 2 * theta)
    ledger.eq("F2", r"[f_w-f_{w'}](x)-[f_w-f_{w'}](-x)=(1+\alpha)\,v\cdot x", here - there, (1 + leak) * (v @ X.T))
    ledger.leq("F3", r"(1+\alpha)|v\cdot x|\le4\theta", (1 + leak) * seen, 4 * theta)
    ledger.leq("F4", r"|v|\rho\cos\phi\le\max_i|v\cdot x_i|", size * rho * cos_phi, seen.max(axis=1))
    ledger.leq("F5", r"|v|\le\tfrac{4\theta}{(1+\alpha)\rho\cos\phi}", size, 4 * theta / ((1 + leak) * rho * cos_phi))
    return ledger


def finite_sample(n, samples, *, theta, radius=1.0, leak=0.0):
    r"""The lower bound for N inputs drawn from the sphere, and Neuro-Tron's floor against it.

    Probabilities are exact (a coordinate of the sphere squared is a Beta variable).

    Parameters
    ----------
    n : int >= 2
    samples : int >= 1
        N; 4N must stay below exp(n/2), else the two-point bound is the better one.
    theta, radius : float > 0
    leak : float > -1

    Examples
    --------
    >>> from robustnn_core.neurotron.proofs import finite_sample
    >>> finite_sample(64, 10_000, theta=0.1).assert_holds().rows[-1].label
    'H6'
    """
    n = checks.integer(n, "n", at_least=2)
    samples = checks.integer(samples, "samples", at_least=1)
    s = np.sqrt(2 * np.log(4 * samples) / n)
    if s > 1:
        raise ValueError(f"samples = {samples} is above exp(n/2)/4 = {np.exp(n / 2) / 4:.4g}; use the two-point bound")
    k = np.arange(12)
    tilt = np.sqrt(n) * np.linspace(0.1, 4, 40)
    level = np.linspace(0.01, 0.99, 99)
    d = 2 * theta / ((1 + leak) * radius * s)
    moments = np.cumprod((2 * k + 1) / (n + 2 * k)) * n ** (k + 1.0)  # of sqrt(n) z, of the orders 2, 4, ..., 24
    exact = np.exp(betaln(k + 1.5, (n - 1) / 2) - betaln(0.5, (n - 1) / 2)) * n ** (k + 1.0)
    inner = radius * s * np.linspace(-1, 1, 21)
    apart = nets.leaky_relu(d * inner, leak) - nets.leaky_relu(-d * inner, leak)
    c = theory.constants(nets.SingleFilterNet.gate(n, leak), laws.Sphere(n, radius))
    ledger = Ledger("N samples on a sphere")
    ledger.eq("H1", r"n^k\,\mathbb E\,z^{2k}=n^k\prod_{j<k}\tfrac{2j+1}{n+2j}", exact, moments)
    ledger.leq("H1", r"n^k\prod_{j<k}\tfrac{2j+1}{n+2j}\le(2k-1)!!", moments, np.cumprod(2 * k + 1.0))
    ledger.leq(
        "H2", r"\mathbb E\,e^{\lambda z}\le e^{\lambda^2/2n}", hyp0f1(n / 2, tilt**2 / 4), np.exp(tilt**2 / (2 * n))
    )
    ledger.leq(
        "H3",
        r"\mathbb P(|z|>s)\le2e^{-ns^2/2}",
        betainc((n - 1) / 2, 0.5, 1 - level**2),
        2 * np.exp(-n * level**2 / 2),
        scale=1e-6,
    )
    ledger.leq("H4", r"N\,\mathbb P(|z|>s_N)\le\tfrac12", samples * betainc((n - 1) / 2, 0.5, 1 - s**2), 0.5)
    ledger.leq(
        "H5",
        r"\tfrac12|f_{d\hat u}(x)-f_{-d\hat u}(x)|\le\theta\quad(|\hat u\cdot x|\le\rho s_N)",
        np.abs(apart) / 2,
        theta,
    )
    ledger.leq(
        "H6",
        r"\tfrac{2\theta p}a\le\sqrt{2\ln4N}\;d",
        theory.sharp_floor(c, theta=theta, eta=0.0),
        np.sqrt(2 * np.log(4 * samples)) * d,
    )
    return ledger


def _closest_allowed(z, y, theta, leak):
    """Return the argument closest to ``z`` at which a gate with 0 <= leak <= 1 is within theta of ``y``.

    A label that allows nothing (theta too small, leak 0) is taken to allow the shut gate.
    """
    low, high = y - theta, y + theta
    slope = leak if leak > 0 else 1.0
    low = np.where(low > 0, low, low / slope if leak > 0 else -np.inf)
    high = np.where(high > 0, high, high / slope if leak > 0 else 0.0)
    return np.minimum(np.maximum(z, low), high)


def allowed(shot, *, s):
    r"""The closest allowed filter: one step from every run of a snapshot, at every input.

    Parameters
    ----------
    shot : Snapshot
        Of a single gate with leak in [0, 1]; rho is the length of the longest input.
    s : float in (0, 1)
        Inputs with :math:`|e\cdot x| > s\rho|e|` count. Some run must have
        :math:`|e| \ge r = 8\theta/((1+\alpha)\rho s)`.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.proofs import allowed, greedy_snapshot
    >>> law = laws.Symmetrised([[1.0, 0.0], [0.0, 1.0]])
    >>> shot = greedy_snapshot(nets.SingleFilterNet.gate(2), law, [1.0, 1.0], [[0.0, -2.0]], theta=0.1)
    >>> allowed(shot, s=0.5).assert_holds().rows[-1].label
    'Y5'
    """
    _check_gate(shot)
    alpha = checks.number(shot.net.leak, "shot.net.leak", at_least=0.0, at_most=1.0)
    s, theta = checks.number(s, "s", above=0.0, below=1.0), shot.theta
    length = np.linalg.norm(shot.X, axis=1)
    rho, size = length.max(), shot.size[:, None]
    far = shot.size >= 8 * theta / ((1 + alpha) * rho * s)
    if not (far & (shot.size > 0)).any():
        raise ValueError(
            f"shot has no run with |e| >= r = {8 * theta / ((1 + alpha) * rho * s):.4g}; take weights farther from w_star"
        )
    clean = nets.leaky_relu(shot.X @ shot.w_star, alpha)
    z = shot.weights @ shot.X.T
    move = (_closest_allowed(z, clean + shot.xi, theta, alpha) - z) / np.where(length > 0, length, 1.0) ** 2
    e_next = shot.e[:, None, :] + move[:, :, None] * shot.X[None]
    moved, after = np.abs(move) * length, (e_next**2).sum(axis=2)
    gap = np.abs(shot.h)
    half = len(shot.X) // 2
    seen = np.abs(shot.pull) > s * rho * size
    counts = (seen & far[:, None])[:, :half]
    if not counts.any():
        raise ValueError(f"s = {s} leaves no input with |e.x| > s rho |e|; take a smaller s")
    needed = np.broadcast_to((1 + alpha) * s * size / 4, counts.shape)
    longer = np.maximum(moved[:, :half], moved[:, half:])
    shrunk = after <= (1 - (1 + alpha) ** 2 * s**2 / 16) * size**2 * (1 + 1e-12)
    ledger = Ledger("The closest allowed filter")
    ledger.leq("Y1", r"|e^+|^2\le|e|^2-|w^+-w|^2", after, size**2 - moved**2)
    ledger.leq("Y2", r"|f_w(x)-f_{w_*}(x)|\le2\theta+\rho\,|w^+-w|", gap, 2 * theta + rho * moved)
    ledger.leq(
        "Y3",
        r"\tfrac{1+\alpha}2|e\cdot x|\le\max_\pm|f_w(\pm x)-f_{w_*}(\pm x)|",
        (1 + alpha) / 2 * np.abs(shot.pull[:, :half]),
        np.maximum(gap[:, :half], gap[:, half:]),
    )
    ledger.leq(
        "Y4",
        r"\tfrac{1+\alpha}4s|e|\le\max_\pm|w^+-w|\quad(|e|\ge r,\ |e\cdot x|>s\rho|e|)",
        needed[counts],
        longer[counts],
    )
    ledger.leq(
        "Y5",
        r"\tfrac12\mathbb P(|e\cdot x|>s\rho|e|)\le\mathbb P\big(|e^+|^2\le(1-\tfrac{(1+\alpha)^2s^2}{16})|e|^2\big)\quad(|e|\ge r)",
        seen[far].mean(axis=1) / 2,
        shrunk[far].mean(axis=1),
    )
    return ledger


def allowed_sphere(n, samples):
    r"""How often an input on the sphere in R^n lies within reach of a direction; probabilities are exact.

    Parameters
    ----------
    n : int >= 2
    samples : array_like
        Values of N, between 4 and exp(n).

    Examples
    --------
    >>> from robustnn_core.neurotron.proofs import allowed_sphere
    >>> allowed_sphere(64, [10, 10_000]).assert_holds().rows[-1].label
    'Y8'
    """
    n = checks.integer(n, "n", at_least=2)
    samples = checks.array(samples, "samples", shape=("K",))
    if samples.min() < 4 or np.log(samples.max()) > n:
        raise ValueError(
            f"samples runs from {samples.min():.4g} to {samples.max():.4g}; it must stay between 4 and exp(n) = {np.exp(n):.4g}"
        )
    level = np.linspace(0.01, 0.99, 99)
    tau = level * np.sqrt((n - 1) / (1 - level**2))
    s = np.sqrt(np.log(samples) / n) / 2
    ledger = Ledger("Caps of the sphere")
    ledger.leq(
        "Y6",
        r"\mathbb P(|g|>\tau)\le\mathbb P(|z|>s),\quad\tau=s\sqrt{\tfrac{n-1}{1-s^2}}",
        erfc(tau / np.sqrt(2)),
        betainc((n - 1) / 2, 0.5, 1 - level**2),
    )
    ledger.leq(
        "Y7",
        r"\tfrac12e^{-2\tau^2/\pi}\le\mathbb P(|g|>\tau)",
        np.exp(-2 * level**2 * 9 / np.pi) / 2,
        erfc(3 * level / np.sqrt(2)),
    )
    ledger.leq(
        "Y8",
        r"\tfrac12N^{-1/4}\le\mathbb P(|z|>s)\quad(s=\tfrac12\sqrt{\ln N/n})",
        samples**-0.25 / 2,
        betainc((n - 1) / 2, 0.5, 1 - s**2),
    )
    return ledger


def dropped_factor(n, radii, *, delta, leak=0.0):
    r"""What "optimal up to r^2/c_to" leaves out on the sphere of radius r.

    Parameters
    ----------
    n : int >= 1
    radii : array_like
        Radii r with c_to > 0, that is above n/(1 + leak).
    delta : float in (0, 1)
    leak : float > -1

    Examples
    --------
    >>> from robustnn_core.neurotron.proofs import dropped_factor
    >>> dropped_factor(3, [3.5, 6.0, 20.0], delta=0.1).assert_holds().rows[-1].label
    'G4'
    """
    radii = checks.array(radii, "radii", shape=("K",))
    delta = checks.number(delta, "delta", above=0.0, below=1.0)
    net = nets.SingleFilterNet.gate(n, leak)
    c = np.array([theory.constants(net, laws.Sphere(n, r)).c_tradeoff for r in radii])
    if c.min() <= 0:
        raise ValueError(
            f"radii holds {radii[c.argmin()]:.4g}, where c_to = {c.min():.3g} <= 0; take radii above n/(1 + leak)"
        )
    share = (1 + leak) * radii / n
    ledger = Ledger("The dropped factors")
    ledger.eq("G1", r"c_{\mathrm{to}}=\tfrac{(1+\alpha)r}n-1", c, share - 1)
    ledger.leq("G2", r"4(s-1)\le s^2,\quad s=(1+\alpha)r/n", 4 * (share - 1), share**2)
    ledger.leq(
        "G3", r"\tfrac{4n^2}{(1+\alpha)^2}\le\tfrac{r^2}{c_{\mathrm{to}}}", 4 * n**2 / (1 + leak) ** 2, radii**2 / c
    )
    ledger.leq(
        "G4",
        r"\tfrac{2n}{(1+\alpha)\sqrt\delta}\le\tfrac{\epsilon_{\mathrm{paper}}}{\epsilon_{\mathrm{impostor}}}",
        2 * n / ((1 + leak) * np.sqrt(delta)),
        (1 / np.sqrt(delta * c)) / (1 / radii),
    )
    return ledger


def best_m_ledger(net, law, Ms):
    r"""The best M: no M has a smaller factor than :math:`1/\sqrt{\lambda_{\min}(C)}`, and two attain it.

    Parameters
    ----------
    net : nets.SingleFilterNet
    law : laws.Law
    Ms : array_like, shape (count, r, n)
        Matrices to hold against the bound; those with lam1 <= 0 have an infinite floor and are skipped.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.proofs import best_m_ledger
    >>> net, law = nets.SingleFilterNet.gate(2), laws.Gaussian(2, 0.5)
    >>> best_m_ledger(net, law, np.eye(2)[None]).assert_holds().rows[-1].label
    'B4'
    """
    sigma = law.second_moment()
    gram = net.mean_patch @ sigma @ net.mean_patch.T
    values, vectors = np.linalg.eigh(gram)
    limit = 1 / np.sqrt(values[0])
    root = np.linalg.cholesky(sigma + 1e-14 * np.trace(sigma) * np.eye(len(sigma)))
    K_min = np.linalg.svd(net.mean_patch @ root)[0][:, net.mean_patch.shape[0] - 1]

    def factor(M):
        drift = net.mean_patch @ sigma @ M.T
        lam1 = np.linalg.eigvalsh((drift + drift.T) / 2)[0]
        return np.sqrt(np.linalg.eigvalsh(M @ sigma @ M.T)[-1]) / lam1, lam1

    Ms = checks.array(Ms, "Ms", shape=("count", *net.mean_patch.shape))
    kept = [M for M in Ms if factor(M)[1] > 0]
    if not kept:
        raise ValueError("Ms holds no matrix with lam1 > 0; add the mean patch")
    whitened = (vectors / np.sqrt(values)) @ vectors.T @ net.mean_patch
    ledger = Ledger("The best M")
    ledger.leq(
        "B1",
        r"\lambda_{\min}(\operatorname{sym}\bar A\Sigma M^\top)\le u^\top BK^\top u",
        [factor(M)[1] for M in kept],
        [K_min @ net.mean_patch @ sigma @ M.T @ K_min for M in kept],
    )
    ledger.leq(
        "B2",
        r"\tfrac1{\sqrt{\lambda_{\min}(C)}}\le\tfrac{\sqrt{\lambda_{\max}(M\Sigma M^\top)}}{\lambda_{\min}(\operatorname{sym}\bar A\Sigma M^\top)}",
        limit,
        [factor(M)[0] for M in kept],
    )
    ledger.eq("B3", r"M=C^{-1}\bar A:\ \text{equality}", factor(theory.best_m(net, law))[0], limit, 1e-6)
    ledger.eq("B4", r"M=C^{-1/2}\bar A:\ \text{equality}", factor(whitened)[0], limit, 1e-6)
    return ledger


def regression(shot):
    r"""Linear regression in disguise: the mean update is linear in w, whatever the adversary says.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.proofs import greedy_snapshot, regression
    >>> law = laws.Symmetrised([[1.0, 0.0], [0.0, 2.0]])
    >>> shot = greedy_snapshot(nets.SingleFilterNet.gate(2), law, [1.0, 1.0], [[0.0, 0.5]], theta=0.0)
    >>> regression(shot).assert_holds().rows[-1].label
    'D2'
    """
    alpha, X = shot.net.leak, shot.X
    mean = np.einsum("aj,jr->ar", shot.h, shot.MX) / len(X)
    drift = shot.net.mean_patch @ shot.law.second_moment() @ shot.M.T
    ledger = Ledger("Linear regression in disguise")
    ledger.eq(
        "D1",
        r"\mathbb E[(f_{w_*}-f_w)Mx]=-\tfrac{1+\alpha}2M\Sigma\bar A^\top(w-w_*)",
        mean,
        -(1 + alpha) / 2 * shot.e @ drift,
    )
    seen = X @ shot.net.mean_patch.T
    y = shot.net.predict(shot.w_star, X)
    ols = np.linalg.lstsq(seen, y, rcond=None)[0]
    ledger.eq(
        "D2", r"\tfrac2{1+\alpha}\,\mathrm{OLS}(y\text{ on }\bar Ax)=w_*", 2 / (1 + alpha) * ols, shot.w_star, 1e-7
    )
    return ledger


def worst(shot, *, eta, powers=(0, 1, 5)):
    r"""The worst that can be done at small steps: the mean error unrolled, and what a lie adds to it.

    The directions u are those of the errors of the snapshot.

    Parameters
    ----------
    shot : Snapshot
    eta : float in (0, a/(2Q)]
    powers : sequence of int
        The j at which the snapshot's lies are held against the best ones.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.proofs import greedy_snapshot, worst
    >>> law = laws.Symmetrised([[1.0, 0.0], [0.0, 2.0]])
    >>> shot = greedy_snapshot(nets.SingleFilterNet.gate(2), law, [1.0, 1.0], [[0.0, 0.5]], theta=0.2)
    >>> worst(shot, eta=0.05).assert_holds().rows[-1].label
    'U7'
    """
    c, alpha, theta = shot.constants, shot.net.leak, shot.theta
    eta = checks.number(eta, "eta", above=0.0, at_most=c.a / (2 * c.Q), remedy="that is a/(2Q)")
    if shot.size.min() == 0:
        raise ValueError("shot.weights holds w* itself, where the error has no direction; leave that row out")
    sigma, A = shot.law.second_moment(), shot.net.mean_patch
    B = (1 + alpha) / 2 * shot.M @ sigma @ A.T
    step = np.eye(len(B)) - eta * B
    g = (shot.h + shot.xi)[:, :, None] * shot.MX[None]
    mean, z = g.mean(axis=1), shot.xi @ shot.MX / len(shot.X)
    noise = ((g - mean[:, None]) ** 2).sum(axis=2).mean(axis=1)
    unit = shot.e / shot.size[:, None]
    told, most = [], []
    for j in powers:
        aim = unit @ np.linalg.matrix_power(step, j)
        told.append(aim @ z.T)
        most.append(np.broadcast_to(theta * np.abs(aim @ shot.MX.T).mean(axis=1)[:, None], told[-1].shape))
    total, aim = np.zeros(len(unit)), unit
    while np.abs(aim).max() > 1e-13:
        total, aim = total + eta * theta * np.abs(aim @ shot.MX.T).mean(axis=1), aim @ step
    fixed = theta * np.abs(np.linalg.solve(B.T, unit.T).T @ shot.MX.T).mean(axis=1)
    values = np.linalg.eigvalsh(A @ sigma @ A.T)
    ledger = Ledger("The worst that can be done")
    ledger.eq("U1", r"\mathbb E[e^+\mid w]=(I-\eta B)e+\eta z", shot.e + eta * mean, shot.e @ step.T + eta * z)
    ledger.leq(
        "U2",
        r"\mathbb E[|d|^2\mid w]\le(\sqrt Q|e|+\theta\sqrt V)^2",
        noise,
        (np.sqrt(c.Q) * shot.size + theta * np.sqrt(c.V)) ** 2,
    )
    ledger.leq("U3", r"|I-\eta B|^2\le1-\eta a+\eta^2Q", np.linalg.norm(step, 2) ** 2, 1 - eta * c.a + eta**2 * c.Q)
    ledger.leq("U4", r"u\cdot(I-\eta B)^jz\le\theta\,\mathbb E|u\cdot(I-\eta B)^jMx|", np.array(told), np.array(most))
    ledger.leq(
        "U5", r"\theta\,\mathbb E|u\cdot B^{-1}Mx|\le\eta\theta\sum_j\mathbb E|u\cdot(I-\eta B)^jMx|", fixed, total
    )
    ledger.leq(
        "U6",
        r"\eta\theta\sum_j\mathbb E|u\cdot(I-\eta B)^jMx|\le\tfrac{2\theta p}{a-\eta Q}",
        total,
        2 * theta * c.p / (c.a - eta * c.Q),
    )
    ledger.leq("U7", r"\tfrac{c_j}{2c_j-c_1}\le1", values / (2 * values - values[0]), 1.0)
    return ledger


def one_step(shot, eta):
    r"""Return :math:`E[|w + \eta g - w^*|^2 \mid w]` of every run of a snapshot, exactly, shape (R,).

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.proofs import greedy_snapshot, one_step
    >>> law = laws.Symmetrised([[1.0, 0.0], [0.0, 2.0]])
    >>> shot = greedy_snapshot(nets.SingleFilterNet.gate(2), law, [1.0, 1.0], [[0.0, 0.0]], theta=0.0)
    >>> one_step(shot, 0.1)
    array([1.7925])
    """
    length = (shot.MX**2).sum(axis=1)
    residual = shot.h + shot.xi
    return shot.size**2 + 2 * eta * (residual * shot.pull).mean(axis=1) + eta**2 * (residual**2 * length).mean(axis=1)


def _check_gate(shot):
    n = shot.net.patches.shape[2]
    if shot.net.patches.shape != (1, n, n) or not (
        np.array_equal(shot.net.patches[0], np.eye(n)) and np.array_equal(shot.M, np.eye(n))
    ):
        raise ValueError("shot must be of a single gate with M = I; see SingleFilterNet.gate")
