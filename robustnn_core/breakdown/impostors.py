"""Other nets that agree with a net: everywhere, or on more of the space than one would think."""

import itertools
import math

import numpy as np

from robustnn_core import checks, nets

__all__ = ["flips", "four_units", "pair_impostor", "plane_disagreement", "three_units"]


def plane_disagreement(net, other, tolerance=1e-9):
    """P(f(x) != f'(x)) for two nets on the plane and a rotation-invariant x: exact, sector by sector.

    Parameters
    ----------
    net, other : nets.ReLUSum with d = 2
    tolerance : float
        Linear maps closer than this on a sector count as equal.

    Returns
    -------
    float

    Examples
    --------
    >>> from robustnn_core import nets
    >>> from robustnn_core.breakdown.impostors import plane_disagreement
    >>> one, two = nets.ReLUSum([[1.0, 0.0]], [1]), nets.ReLUSum([[2.0, 0.0]], [1])
    >>> plane_disagreement(one, two)
    0.5
    """
    for name, each in (("net", net), ("other", other)):
        if each.weights.shape[1] != 2:
            raise ValueError(f"{name} has {each.weights.shape[1]} inputs; the plane has 2")
    U = np.vstack([net.weights, other.weights])
    normals = np.arctan2(U[:, 1], U[:, 0])[np.linalg.norm(U, axis=1) > 0]
    kinks = np.unique(np.mod(np.concatenate([normals + np.pi / 2, normals - np.pi / 2]), 2 * np.pi))
    kinks = np.append(kinks, kinks[0] + 2 * np.pi)
    middle, width = 0.5 * (kinks[1:] + kinks[:-1]), np.diff(kinks)
    X = np.stack([np.cos(middle), np.sin(middle)], axis=1)
    gap = _local_map(net, X) - _local_map(other, X)
    differs = np.linalg.norm(gap, axis=1) > tolerance
    return float(width[differs & (width > 1e-12)].sum() / (2 * np.pi))


def _local_map(net, X):
    return ((X @ net.weights.T > 0) * net.signs) @ net.weights


def three_units(tau):
    """A net of three units and an impostor that agrees with it more often than the merge attack allows.

    u = (e1, -e1, tau e2), all signs +, against (e1 + tau e2, -e1 + tau e2, -tau e2): equal wherever
    |x1| >= tau |x2|, so the breakdown fraction is at most arctan(tau)/pi while
    :func:`~robustnn_core.breakdown.theory.angle_bound` is 1/4.

    Parameters
    ----------
    tau : float > 0

    Returns
    -------
    net, impostor : nets.ReLUSum
    bound : float
        arctan(tau)/pi.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.breakdown.impostors import plane_disagreement, three_units
    >>> from robustnn_core.breakdown.theory import angle_bound
    >>> net, impostor, bound = three_units(0.1)
    >>> bool(np.isclose(plane_disagreement(net, impostor) / 2, bound)), angle_bound(net.weights)
    (True, 0.25)
    """
    tau = checks.number(tau, "tau", above=0.0)
    e1, e2 = np.eye(2)
    net = nets.ReLUSum([e1, -e1, tau * e2], [1, 1, 1])
    impostor = nets.ReLUSum([e1 + tau * e2, -e1 + tau * e2, -tau * e2], [1, 1, 1])
    return net, impostor, math.atan(tau) / math.pi


def four_units(delta, epsilon=0.0):
    """Four units near (e1, e2, -e1, -e2) and the impostor that moves them by +delta, -delta, +delta, -delta.

    delta = (delta, delta) in the plane. The sum of the moves over an active set vanishes off four wedges of
    width O(delta), so the breakdown fraction is O(delta) while
    :func:`~robustnn_core.breakdown.theory.angle_bound` is 1/4 (``epsilon`` tilts the units, to show that the
    example is not isolated).

    Parameters
    ----------
    delta : float in (0, 1/2)
    epsilon : float

    Returns
    -------
    net, impostor : nets.ReLUSum
    bound : float
        Half the disagreement.

    Examples
    --------
    >>> from robustnn_core.breakdown.impostors import four_units
    >>> from robustnn_core.breakdown.theory import angle_bound
    >>> net, impostor, bound = four_units(0.05)
    >>> bound < 0.05 < angle_bound(net.weights)
    True
    """
    delta = checks.number(delta, "delta", above=0.0, below=0.5)
    epsilon = checks.number(epsilon, "epsilon")
    e1, e2 = np.eye(2)
    U = np.array([e1 + epsilon * e2, e2, -e1, -e2 + epsilon * e1])
    move = delta * np.array([1.0, 1.0])
    net = nets.ReLUSum(U, [1, 1, 1, 1])
    impostor = nets.ReLUSum(U + np.array([1.0, -1.0, 1.0, -1.0])[:, None] * move, [1, 1, 1, 1])
    return net, impostor, 0.5 * plane_disagreement(net, impostor)


def pair_impostor(angle, signs=(1, 1), *, directions=72, lengths=(0.25, 0.5, 1.0, 2.0, 4.0), nudge=1e-6):
    """Search the plane for the impostor that differs least from two units: is the angle bound attained for K = 2?

    An impostor that agrees with the net anywhere (both zero apart) has, for some active set, units that sum
    to one of the net's linear maps: that leaves one vector free. The search takes it from a grid of
    directions and lengths, from small integer combinations of the units (which hold the impostors that
    agree on two maps), and from small moves of the latter.

    Parameters
    ----------
    angle : float
        Between the two units of length one, in degrees.
    signs : tuple of +1 and -1
    directions : int
    lengths : tuple of float
    nudge : float
        Length of the small moves.

    Returns
    -------
    least : float
        The smallest positive probability of disagreement found, for a rotation-invariant input.
    impostor : nets.ReLUSum
    count : int
        How many impostors were tried.

    Examples
    --------
    >>> from robustnn_core.breakdown.impostors import pair_impostor
    >>> least, _, _ = pair_impostor(60.0, directions=12, lengths=(1.0,))
    >>> round(least, 4)
    0.3333
    """
    s = checks.signs(signs, "signs", length=2)
    turn = np.deg2rad(checks.number(angle, "angle", above=0.0, below=180.0))
    U = np.array([[1.0, 0.0], [np.cos(turn), np.sin(turn)]])
    net = nets.ReLUSum(U, s)
    around = 2 * np.pi * (np.arange(checks.integer(directions, "directions", at_least=4)) + 0.5) / directions
    circle = np.stack([np.cos(around), np.sin(around)], axis=1)
    whole = [i * U[0] + j * U[1] for i in range(-2, 3) for j in range(-2, 3)]
    free = (
        [r * e for r in lengths for e in circle]
        + whole
        + [v + nudge * e for v in whole for e in circle[:: directions // 4]]
    )
    least, best, count = 1.0, None, 0
    for total in (s[0] * U[0], s[1] * U[1], s[0] * U[0] + s[1] * U[1]):
        for v in free:
            for V in ([s[0] * total, v], [v, s[1] * total], [s[0] * (total - s[1] * v), v]):
                other = nets.ReLUSum(V, s)
                count += 1
                share = plane_disagreement(net, other, 1e-9)
                if 1e-9 < share < least:
                    least, best = share, other
    return least, best, count


def flips(weights, signs, tolerance=1e-9):
    """Sets S of units with sum over S of s_k u_k = 0: flipping u_k -> -u_k for k in S leaves f unchanged.

    With pairwise non-collinear, nonzero units these flips and permutations are all there is
    (K <= 16 is enumerated).

    Parameters
    ----------
    weights : array_like, shape (K, d)
        The units u_k, one a row.
    signs : array_like, shape (K,)
    tolerance : float
        A sum is zero if no entry exceeds this share of the largest weight.

    Returns
    -------
    tuple of tuple of int

    Examples
    --------
    >>> from robustnn_core.breakdown.impostors import flips
    >>> flips([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [1, 1, -1])
    ((0, 1, 2),)
    """
    U = checks.array(weights, "weights", shape=("K", "d"))
    s = checks.signs(signs, "signs", length=len(U))
    checks.integer(len(U), "number of units", at_most=16, remedy="the enumeration is exponential")
    size = np.abs(U).max()
    found = []
    for k in range(1, len(U) + 1):
        for subset in itertools.combinations(range(len(U)), k):
            rows = list(subset)
            if np.abs(s[rows] @ U[rows]).max() <= tolerance * size:
                found.append(subset)
    return tuple(found)
