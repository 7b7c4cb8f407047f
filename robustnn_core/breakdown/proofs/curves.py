"""The proofs of *Breakdown curves of ReLU nets*, step by step on live data."""

import numpy as np

from robustnn_core import checks, nets, streams
from robustnn_core.breakdown import adversaries, impostors, theory
from robustnn_core.ledger import Ledger

__all__ = ["merge", "three_units"]


def merge(net, pair=(0, 1), share=0.5, *, X):
    """The merge attack: f' is in the class and agrees with f off the wedge between units i and j.

    Parameters
    ----------
    net : nets.ReLUSum
    pair : (int, int)
        i and j.
    share : float in (0, 1)
        c.
    X : array_like, shape (n, d)
        A sample of a rotation-invariant law, for (4).

    Examples
    --------
    >>> from robustnn_core import nets, streams
    >>> from robustnn_core.breakdown.proofs import merge
    >>> net = nets.ReLUSum([[1.0, 0.0], [0.6, 0.8]], [1, -1])
    >>> ledger = merge(net, X=streams.generator(0).standard_normal((500, 2))).assert_holds()
    """
    other = adversaries.Merge(pair=pair, share=share).impostor(net)
    X = checks.array(X, "X", shape=("n", net.weights.shape[1]))
    i, j = pair
    zi, zj = X @ net.weights[i], X @ net.weights[j]
    same = (zi > 0) == (zj > 0)
    gap = np.abs(other.predict(X) - net.predict(X))
    cosine = net.weights[i] @ net.weights[j] / np.linalg.norm(net.weights[i]) / np.linalg.norm(net.weights[j])
    wedge = float(np.arccos(np.clip(cosine, -1, 1)) / np.pi)
    ledger = Ledger("The merge attack")
    s, c = net.signs, share
    moved = s[i] * np.maximum(zi + c * zj, 0.0) + (s[j] - s[i] * c) * np.maximum(zj, 0.0)
    ledger.eq(
        "(1)",
        r"s_i\max((u_i+cu_j)\cdot x, 0) + (s_j-s_ic)\max(u_j\cdot x, 0) \text{ is two units with } s'_k = s_k",
        nets.ReLUSum(other.weights[[i, j]], s[[i, j]]).predict(X),
        moved,
    )
    ledger.eq("(2)", r"u_i\cdot x,\, u_j\cdot x \text{ of one sign} \Rightarrow f'(x) = f(x)", gap[same], 0.0)
    ledger.lt("(3)", r"\text{else } f'(x) \ne f(x)", 0.0, gap[~same])
    spread = np.sqrt(wedge * (1 - wedge) / len(X))
    ledger.eq("(4)", r"\Pr(\text{wedge}) = \angle(u_i,u_j)/\pi", float((~same).mean()), wedge, 5.0, scale=float(spread))
    return ledger


def three_units(tau, grid=20_001):
    """The counterexample for K = 3: agreement wherever |x1| >= tau |x2|, on a grid of directions.

    Parameters
    ----------
    tau : float > 0
    grid : int >= 100
        Directions.

    Examples
    --------
    >>> from robustnn_core.breakdown.proofs import three_units
    >>> ledger = three_units(0.1).assert_holds()
    """
    net, other, bound = impostors.three_units(tau)
    angle = (np.arange(checks.integer(grid, "grid", at_least=100)) + 0.5) * (2 * np.pi / grid)
    X = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    gap = np.abs(net.predict(X) - other.predict(X))
    inside = np.abs(X[:, 0]) >= tau * np.abs(X[:, 1])
    ledger = Ledger("Three units: the angle bound is not attained")
    ledger.eq("(1)", r"|x_1| \ge \tau |x_2| \Rightarrow f' = f", gap[inside], 0.0)
    ledger.eq("(2)", r"\Pr(f' \ne f) = \tfrac{2}{\pi}\arctan\tau", impostors.plane_disagreement(net, other), 2 * bound)
    ledger.lt(
        "(3)",
        r"\alpha^* \le \tfrac1\pi\arctan\tau < \tfrac14 = \text{angle bound}",
        bound,
        theory.angle_bound(net.weights),
    )
    # an open set: tilt and stretch all units a little, move by the same vectors
    rng = streams.generator(0)
    tilted, angles = [], []
    for _ in range(50):
        U = net.weights + 0.02 * tau * rng.standard_normal((3, 2))
        moved = nets.ReLUSum(_exchanged(U), [1, 1, 1])
        tilted.append(0.5 * impostors.plane_disagreement(nets.ReLUSum(U, [1, 1, 1]), moved))
        angles.append(theory.angle_bound(U))
    ledger.lt("(4)", r"\text{on a neighbourhood of } u: \tfrac12\Pr(f' \ne f) < \text{angle bound}", tilted, angles)
    ledger.lt("(4) f'", r"\text{and } f' \text{ is another function there}", 0.0, tilted)
    return ledger


def _exchanged(U):
    """The units of the impostor of three: the third joins the others and is turned round."""
    return np.array([U[0] + U[2], U[1] + U[2], -U[2]])
