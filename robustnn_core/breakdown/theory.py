r"""Breakdown constants, distances and bounds: formulas, root finding and exact enumeration, no simulation.

*Exact-recovery breakdown* m*(T; f*, X) is the largest m such that T recovers f* on the design from every
change of at most m labels. Everything here follows from the minimum distance
d(f*) = min over f != f* on X of #{i : f(x_i) != f*(x_i)}: exact recovery is possible iff m < d(f*)/2.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from robustnn_core import checks

__all__ = [
    "Constant",
    "angle_bound",
    "best_coverage",
    "breakdown_count",
    "constants",
    "coverage_limit",
    "exhaustive_distance",
    "leaky_distance",
    "linear_distance",
    "positive_half_limit",
    "relu_distance",
    "tail_first",
    "tail_second",
    "tail_threshold",
    "torrent_contraction",
]


def tail_threshold(b):
    """t_b with P(\\|z\\| > t_b) = b for a standard normal z; b in (0, 1].

    Examples
    --------
    >>> from robustnn_core.breakdown.theory import tail_threshold
    >>> round(float(tail_threshold(0.05)), 3)
    1.96
    """
    return -special.ndtri(_share(b) / 2)


def tail_first(b):
    """L1(b) = E[\\|z\\|; \\|z\\| > t_b], the most that a fraction b of the sample carries of E\\|z\\| = sqrt(2/pi).

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.breakdown.theory import tail_first
    >>> bool(np.isclose(tail_first(1.0), np.sqrt(2 / np.pi)))
    True
    """
    return 2.0 * _density(tail_threshold(b))


def tail_second(b):
    """L2(b) = E[z^2; \\|z\\| > t_b], the most that a fraction b of the sample carries of E z^2 = 1.

    Examples
    --------
    >>> from robustnn_core.breakdown.theory import tail_second
    >>> float(tail_second(1.0))
    1.0
    """
    b = _share(b)
    t = tail_threshold(b)
    return b + 2.0 * t * _density(t)


def torrent_contraction(trimmed, corrupted=None):
    """The factor by which one TORRENT step shrinks the corruption it keeps, Gaussian design, n/p to infinity.

    sqrt(2 L2(a) L2(2a)) / (1 - L2(b)) with b the trimmed and a <= b the corrupted fraction: below 1 the
    estimator recovers exactly after finitely many steps.

    Parameters
    ----------
    trimmed : float in (0, 1/2)
        b = 1 - h/n.
    corrupted : float in (0, b], optional
        Default b.

    Examples
    --------
    >>> from robustnn_core.breakdown.theory import torrent_contraction
    >>> bool(torrent_contraction(0.07) < 1 < torrent_contraction(0.08))
    True
    """
    b = checks.number(trimmed, "trimmed", above=0.0, below=0.5)
    a = b if corrupted is None else checks.number(corrupted, "corrupted", above=0.0, at_most=b)
    return float(np.sqrt(2.0 * tail_second(a) * tail_second(2.0 * a)) / (1.0 - tail_second(b)))


@dataclass(frozen=True)
class Constant:
    """One row of the table of breakdown constants.

    Attributes
    ----------
    name : str
    statement : str
        The defining equation in TeX (b is the unknown), or what is known.
    linear : float
        The fraction for linear regression.
    relu : float
        Half of it: the fraction for one ReLU unit, for estimators that do not change under
        (x_i, y_i) -> (-x_i, -y_i).
    residual : float
        How far the defining equation is from zero at the root; nan if it has none.
    """

    name: str
    statement: str
    linear: float
    relu: float
    residual: float


def constants():
    """The table of breakdown constants for a Gaussian design, n/p to infinity, computed by root finding.

    Returns
    -------
    tuple of Constant
        In increasing order.

    Examples
    --------
    >>> from robustnn_core.breakdown.theory import constants
    >>> [round(row.linear, 4) for row in constants()]
    [0.0, 0.0154, 0.0536, 0.0744, 0.123, 0.239, 0.5]
    """
    rows = [
        Constant("OLS", r"0", 0.0, 0.0, math.nan),
        Constant("TORRENT, published", r"1/65", 1 / 65, 1 / 130, math.nan),
    ]
    for name, statement, equation in (
        (
            "TORRENT, published condition in the limit",
            r"(1+\sqrt 2)\,L_2(b) = 1 - L_2(b)",
            lambda b: (1 + math.sqrt(2)) * tail_second(b) - (1 - tail_second(b)),
        ),
        (
            "TORRENT, sharpened",
            r"\sqrt{2 L_2(b) L_2(2b)} = 1 - L_2(b)",
            lambda b: math.sqrt(2 * tail_second(b) * tail_second(2 * b)) - (1 - tail_second(b)),
        ),
        (
            "TORRENT has a spurious fixed point",
            r"1 - L_2(2b) = 2\varphi(t_b)\,t_{2b}",
            lambda b: tail_first(b) * tail_threshold(2 * b) - (1 - tail_second(2 * b)),
        ),
        (
            "LAD",
            r"L_1(b) = \tfrac12 \mathrm{E}|z|",
            lambda b: tail_first(b) - 0.5 * math.sqrt(2 / math.pi),
        ),
    ):
        root = optimize.brentq(equation, 1e-6, 0.45, xtol=1e-15, rtol=1e-14)
        rows.append(Constant(name, statement, root, root / 2, abs(float(equation(root)))))
    rows.append(Constant("LTS", r"1/2", 0.5, 0.25, math.nan))
    return tuple(rows)


def _density(t):
    return np.exp(-0.5 * np.square(t)) / math.sqrt(2 * math.pi)


def _share(b):
    b = np.asarray(b, np.float64)
    if not ((b > 0) & (b <= 1)).all():
        raise ValueError(f"b = {b} must be a fraction in (0, 1]")
    return b


def breakdown_count(distance):
    """m* = the largest m < d/2: what any estimator can survive when the minimum distance is d.

    Examples
    --------
    >>> from robustnn_core.breakdown.theory import breakdown_count
    >>> breakdown_count(196), breakdown_count(1)
    (97, 0)
    """
    return (checks.integer(distance, "distance", at_least=1) - 1) // 2


def linear_distance(n, p):
    """d = n - p + 1 for linear maps, every p rows of the design independent.

    Examples
    --------
    >>> from robustnn_core.breakdown.theory import linear_distance
    >>> linear_distance(600, 8)
    593
    """
    p = checks.integer(p, "p", at_least=1)
    return checks.integer(n, "n", at_least=p) - p + 1


def leaky_distance(n, d):
    """d(f*) = n - d + 1 for one leaky ReLU unit of fixed sign and slope > 0: the labels determine u . x_i everywhere.

    Every d rows independent, f* of any weights: breakdown 1/2 again, so it is the flat half that costs
    the other quarter.

    Examples
    --------
    >>> from robustnn_core.breakdown.theory import leaky_distance
    >>> leaky_distance(400, 5)
    396
    """
    return linear_distance(n, d)


def relu_distance(X, weights):
    """d(f*) = #active - d + 1 for f*(x) = max(u . x, 0) among the nets of one unit of the same sign.

    Exact if u . x_i != 0 for all i, #active >= d and every d active rows are independent.

    Parameters
    ----------
    X : array_like, shape (n, d)
    weights : array_like, shape (d,)
        u.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        A design point on the kink, fewer active points than d, or active rows of rank below d. (That
        *every* d active rows are independent is not checked when there are more than 20000 subsets.)

    Examples
    --------
    >>> from robustnn_core.breakdown.theory import relu_distance
    >>> relu_distance([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [-1.0, 1.0]], [1.0, 0.0])
    2
    """
    X = checks.array(X, "X", shape=("n", "d"))
    u = checks.array(weights, "weights", shape=(X.shape[1],))
    d = X.shape[1]
    z = X @ u
    if (z == 0).any():
        point = int(np.argmin(np.abs(z)))
        raise ValueError(f"weights put design point {point} on the kink (u . x = 0); the formula needs none there")
    active = X[z > 0]
    if len(active) < d:
        raise ValueError(f"weights have {len(active)} active points; the formula needs at least d = {d}")
    subsets = (
        itertools.combinations(range(len(active)), d)
        if math.comb(len(active), d) <= 20_000
        else [list(range(len(active)))]
    )
    for rows in subsets:
        if np.linalg.matrix_rank(active[list(rows)]) < d:
            raise ValueError(
                f"active points {list(rows)[:10]} are dependent; the formula needs every {d} active rows independent"
            )
    return len(active) - d + 1


def exhaustive_distance(X, weights):
    """d(f*) of one ReLU unit of fixed sign by enumeration: no hypothesis, tiny designs only.

    For k = 1, 2, ... and every set D of k points, linear programmes decide whether some max(v . x, 0)
    agrees with f* off D and differs from it in a point of D: off D it must satisfy v . x = u . x where
    u . x > 0 and v . x <= 0 elsewhere.

    Parameters
    ----------
    X : array_like, shape (n, d)
        n <= 14.
    weights : array_like, shape (d,)

    Returns
    -------
    int

    Examples
    --------
    >>> from robustnn_core.breakdown.theory import exhaustive_distance
    >>> exhaustive_distance([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [-1.0, 1.0]], [1.0, 0.0])
    2
    """
    X = checks.array(X, "X", shape=("n", "d"))
    u = checks.array(weights, "weights", shape=(X.shape[1],))
    n, d = X.shape
    checks.integer(n, "number of points", at_most=14, remedy="the enumeration is exponential")
    truth = np.maximum(X @ u, 0.0)
    active = truth > 0
    for k in range(1, n + 1):
        for differing in itertools.combinations(range(n), k):
            rest = np.setdiff1d(np.arange(n), differing)
            on, off = rest[active[rest]], rest[~active[rest]]
            limits = {
                "A_eq": X[on] if on.size else None,
                "b_eq": truth[on] if on.size else None,
                "A_ub": X[off] if off.size else None,
                "b_ub": np.zeros(off.size) if off.size else None,
                "bounds": [(-1e3, 1e3)] * d,
            }
            for j in differing:
                for direction in (1.0, -1.0) if active[j] else (1.0,):
                    found = optimize.linprog(-direction * X[j], method="highs", **limits)
                    if found.status == 0 and abs(max(X[j] @ found.x, 0.0) - truth[j]) > 1e-7:
                        return k
    raise ValueError("weights: no other net of the class differs from f* on X; the design does not see the unit")


def coverage_limit(n, keep, distance):
    """The largest m such that LTS with coverage h = ``keep`` uniquely recovers from every m-corruption.

    min(n - h, h - n + d(f*) - 1); -1 if even the clean labels do not determine f*.

    Parameters
    ----------
    n : int >= 1
    keep : int, or float share in (0, 1]
        h.
    distance : int in [1, n]
        d(f*).

    Examples
    --------
    >>> from robustnn_core.breakdown.theory import coverage_limit
    >>> coverage_limit(400, 303, 196), coverage_limit(400, 202, 196)
    (97, -1)
    """
    n = checks.integer(n, "n", at_least=1)
    h = checks.count(keep, "keep", of=n)
    d = checks.integer(distance, "distance", at_least=1, at_most=n)
    return max(min(n - h, h - n + d - 1), -1)


def best_coverage(n, distance):
    """The coverage h that maximises :func:`coverage_limit`: n - m*, about 3n/4 for one ReLU unit.

    Examples
    --------
    >>> from robustnn_core.breakdown.theory import best_coverage
    >>> best_coverage(400, 196)
    303
    """
    return checks.integer(n, "n", at_least=1) - breakdown_count(
        checks.integer(distance, "distance", at_least=1, at_most=n)
    )


def positive_half_limit(active, d):
    """Corruptions that least trimmed squares on {s y > 0} survives: floor((#active - d)/2).

    With coverage (n_+ + d + 1) // 2 there. The same number as :func:`breakdown_count` of
    :func:`relu_distance`: for one unit the bound is attained, by a linear estimator on the right points.

    Examples
    --------
    >>> from robustnn_core.breakdown.theory import breakdown_count, positive_half_limit
    >>> positive_half_limit(200, 5), breakdown_count(200 - 5 + 1)
    (97, 97)
    """
    d = checks.integer(d, "d", at_least=1)
    return (checks.integer(active, "active", at_least=d) - d) // 2


def angle_bound(weights):
    """Upper bound on the breakdown fraction of K units, rotation-invariant inputs, n to infinity.

    (1/2) min{1/2, min over pairs angle(u_i, u_j)/pi}. Not sharp for K >= 3: see
    :func:`~robustnn_core.breakdown.impostors.three_units`.

    Parameters
    ----------
    weights : array_like, shape (K, d)
        The units u_k, one a row, none of them zero.

    Examples
    --------
    >>> from robustnn_core.breakdown.theory import angle_bound
    >>> angle_bound([[1.0, 0.0], [1.0, 1.0]]), angle_bound([[1.0, 0.0], [0.0, 1.0]])
    (0.125, 0.25)
    """
    U = checks.array(weights, "weights", shape=("K", "d"))
    lengths = np.linalg.norm(U, axis=1)
    if (lengths == 0).any():
        raise ValueError(f"weights row {int(np.argmin(lengths))} is zero; a dead unit has no angle")
    U = U / lengths[:, None]
    least = 0.5
    for i, j in itertools.combinations(range(len(U)), 2):
        angle = 2.0 * math.atan2(np.linalg.norm(U[i] - U[j]), np.linalg.norm(U[i] + U[j]))
        least = min(least, angle / math.pi)
    return float(0.5 * least)
