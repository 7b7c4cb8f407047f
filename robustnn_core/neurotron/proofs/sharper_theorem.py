"""The ledgers of *A sharper theorem*: Theorem A', its exactness, the best M, the worst that can be done."""

import numpy as np

from robustnn_core import checks, nets
from robustnn_core.ledger import Ledger
from robustnn_core.neurotron import theory
from robustnn_core.neurotron.inputs import check_gate, check_pair
from robustnn_core.neurotron.proofs.snapshot import one_step

__all__ = ["best_m_ledger", "exactness", "regression", "sharp", "weighted", "worst"]


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
    theory.check_constants(c)
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
    check_gate(shot)
    eta = checks.number(eta, "eta", above=0.0)
    alpha, size, unit = shot.net.leak, shot.size, shot.unit
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
    check_pair(net, law)
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
        r"\tfrac1{\sqrt{\lambda_{\min}(C)}}\le"
        r"\tfrac{\sqrt{\lambda_{\max}(M\Sigma M^\top)}}{\lambda_{\min}(\operatorname{sym}\bar A\Sigma M^\top)}",
        limit,
        [factor(M)[0] for M in kept],
    )
    ledger.eq("B3", r"M=C^{-1}\bar A:\ \text{equality}", factor(theory.best_m(net, law))[0], limit, 1e-6)
    ledger.eq("B4", r"M=C^{-1/2}\bar A:\ \text{equality}", factor(whitened)[0], limit, 1e-6)
    return ledger


def regression(shot):
    r"""Linear regression in disguise: the mean update is linear in w, and least squares finds w*.

    Parameters
    ----------
    shot : Snapshot
        Its lies are not looked at: both rows are about honest labels.

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
    sigma, A = shot.law.second_moment(), shot.net.mean_patch
    B = (1 + alpha) / 2 * shot.M @ sigma @ A.T
    step = np.eye(len(B)) - eta * B
    g = (shot.h + shot.xi)[:, :, None] * shot.MX[None]
    mean, z = g.mean(axis=1), shot.xi @ shot.MX / len(shot.X)
    noise = ((g - mean[:, None]) ** 2).sum(axis=2).mean(axis=1)
    unit = shot.unit
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
