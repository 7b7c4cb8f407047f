r"""The proofs of the corruption part, step by step on live data.

Each function takes the data a statement is about and returns a :class:`~robustnn_core.ledger.Ledger` with
one row for each numbered step of the proof. Nothing here is averaged over luck: sets are enumerated,
integrals are exact sums or quadratures, and an adversary's labels are constructed.
"""

import itertools

import numpy as np
from scipy import integrate

from robustnn_core import checks, nets, streams
from robustnn_core.breakdown import _lifted, attacks, networks, regression, theory
from robustnn_core.ledger import Ledger

__all__ = [
    "contraction",
    "coverage",
    "descent",
    "factor_two",
    "fixed_point",
    "half_distance",
    "identifiability",
    "infer_is_joint",
    "lad_constant",
    "majoriser",
    "merge",
    "positive_half",
    "relu_distance",
    "three_units",
    "whole_newton_step",
]


def half_distance(truth, other, *, distance):
    """Theorem B1: with m >= d/2 changes two models explain the same labels, with m < d/2 none can hide.

    Parameters
    ----------
    truth, other : array_like, shape (n,)
        Labels of f* and of its nearest other model.
    distance : int >= 1
        d(f*), by theory: row (1) compares it with the count.

    Examples
    --------
    >>> half_distance([1.0, 2.0, 3.0], [2.0, 1.0, 3.0], distance=2).assert_holds().rows[0].lhs
    2.0
    """
    truth = checks.array(truth, "truth", shape=("n",))
    other = checks.array(other, "other", shape=(truth.size,))
    d = checks.integer(distance, "distance", at_least=1, at_most=truth.size)
    differ = np.flatnonzero(truth != other)

    def labels(m):
        """The worst ones: m of the points where the two differ, relabelled by the other."""
        y = truth.copy()
        y[differ[:m]] = other[differ[:m]]
        return y

    above, below = labels(-(-d // 2)), labels(theory.breakdown_count(d))
    ledger = Ledger("Breakdown is half the minimum distance")
    ledger.eq("(1)", r"d(f^*) = \#\{i : f^*(x_i) \ne f(x_i)\}", float(d), float(differ.size))
    ledger.leq(
        "(2)",
        r"\#\{y \ne f\} \le \#\{y \ne f^*\} = m \quad (m \ge d/2)",
        float((above != other).sum()),
        float((above != truth).sum()),
    )
    ledger.leq(
        "(3)",
        r"d \le \#\{y \ne f^*\} + \#\{y \ne f\}",
        float(d),
        float((below != truth).sum() + (below != other).sum()),
    )
    ledger.lt(
        "(4)",
        r"\#\{y \ne f^*\} < \#\{y \ne f\} \quad (m < d/2)",
        float((below != truth).sum()),
        float((below != other).sum()),
    )
    return ledger


def relu_distance(X, weights):
    """The distance of one ReLU unit is #active - d + 1: an impostor that attains it, and no nearer one.

    Parameters
    ----------
    X : array_like, shape (n, d)
        n <= 14: the lower bound is checked by enumeration.
    weights : array_like, shape (d,)

    Examples
    --------
    >>> X = streams.generator(3).standard_normal((9, 2))
    >>> ledger = relu_distance(X, [1.0, 0.3]).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", "d"))
    u = checks.array(weights, "weights", shape=(X.shape[1],))
    distance = theory.relu_distance(X, u)
    n, d = X.shape
    z = X @ u
    active = np.flatnonzero(z > 0)
    shared, w, t = _nearest_unit(X, u)
    impostor = np.maximum(X @ (u + t * w), 0.0)
    moved = np.abs(impostor - np.maximum(z, 0.0)) > 1e-12
    ledger = Ledger("Distance of one ReLU unit")
    ledger.eq("(1)", r"w \perp x_i \text{ for } d-1 \text{ active } i", X[shared] @ w if d > 1 else 0.0, 0.0)
    ledger.eq(
        "(2)",
        r"\operatorname{sign}((u + tw)\cdot x_i) = \operatorname{sign}(u \cdot x_i)",
        np.sign(X @ (u + t * w)),
        np.sign(z),
    )
    ledger.eq("(3)", r"\#\{f' \ne f^*\} = \#\text{active} - d + 1", float(moved.sum()), float(active.size - d + 1))
    ledger.eq(
        "(4)",
        r"d(f^*) \text{ by enumeration} = \#\text{active} - d + 1",
        float(theory.exhaustive_distance(X, u)),
        float(distance),
    )
    half = nets.ReLUSum([0.5 * u], [1]).predict(X)
    ledger.eq(
        "(5)",
        r"f' = c f^*: \#\{f' \ne f^*\} = \#\text{active}",
        float((half != np.maximum(z, 0.0)).sum()),
        float(active.size),
    )
    return ledger


def _nearest_unit(X, u):
    """d - 1 active points, w orthogonal to them, and a t so small that u + t w is active where u is."""
    d = len(u)
    shared = np.flatnonzero(X @ u > 0)[: d - 1]
    w = np.linalg.svd(X[shared])[2][-1] if d > 1 else np.ones(1)
    slope = np.abs(X @ w)
    return shared, w, 0.5 * np.min(np.abs(X @ u)[slope > 1e-12] / slope[slope > 1e-12])


def coverage(X, weights):
    """LTS with coverage h recovers one unit iff m <= n - h and m <= h - n + d(f*) - 1: tried for every h and m.

    For every m two sets of labels are built. In one the nearest other unit f' explains m of the points where it
    differs; f* fails where the trimmed loss of f' is not larger. In the other m active labels are lies of different
    sizes; f* fails where a small step lowers its trimmed loss. What it survives is compared with the formula.

    Parameters
    ----------
    X : array_like, shape (n, d)
        As in :func:`~robustnn_core.breakdown.theory.relu_distance`.
    weights : array_like, shape (d,)

    Examples
    --------
    >>> ledger = coverage(streams.generator(0).standard_normal((12, 2)), [1.0, 0.3]).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", "d"))
    u = checks.array(weights, "weights", shape=(X.shape[1],))
    n, d = len(X), theory.relu_distance(X, u)
    _, w, t = _nearest_unit(X, u)
    truth, other = np.maximum(X @ u, 0.0), np.maximum(X @ (u + t * w), 0.0)
    differ = np.argsort(-np.abs(other - truth), kind="stable")  # most first: those at which f' does not differ, last
    nothing = 1e-20 * (truth @ truth)  # a square below it is rounding

    def trimmed(fitted, y, h):
        value = np.sort((y - fitted) ** 2)[:h].sum()
        return value if value > nothing else 0.0

    def recovers(h, m):
        y = truth.copy()
        y[differ[:m]] = other[differ[:m]]
        if trimmed(other, y, h) <= trimmed(truth, y, h):
            return False
        y = truth.copy()
        y[np.argsort(-truth, kind="stable")[:m]] += 1.0 + np.arange(m)
        kept = np.argsort(np.abs(y - truth), kind="stable")[:h]
        slope = X[kept].T @ ((y - truth) * (truth > 0.0))[kept]
        now = trimmed(truth, y, h)
        return not any(trimmed(np.maximum(X @ (u + 2.0**-k * slope), 0.0), y, h) < now for k in range(40))

    attained = []
    for h in range(1, n + 1):
        attained.append(next((m for m in range(d + 1) if not recovers(h, m)), d + 1) - 1.0)
    limit = [float(theory.coverage_limit(n, h, d)) for h in range(1, n + 1)]
    ledger = Ledger("The right coverage")
    ledger.eq("(1)", r"\max m = \min(n-h,\; h-n+d-1) \text{ for every } h", attained, limit)
    ledger.eq("(2)", r"\max_h \max m = \lceil d/2 \rceil - 1", max(attained), float(theory.breakdown_count(d)))
    ledger.eq("(3)", r"\text{attained at } h = n - m^*", attained[theory.best_coverage(n, d) - 1], max(attained))
    ledger.lt("(4)", r"h \le n - d \text{ fails on clean labels}", np.array(attained[: n - d] or [-1.0]), 0.0)
    return ledger


def positive_half(X, y, truth, *, sign=1, seed=0):
    """Least trimmed squares on {s y > 0} attains the bound: the counts of the proof, and the fit itself.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
        Corrupted labels of one unit.
    truth : array_like, shape (d,)
        u.
    sign : +1 or -1
    seed : int

    Examples
    --------
    >>> X = streams.generator(0).standard_normal((60, 2))
    >>> y, _ = attacks.corrupt(X, np.maximum(X[:, 0], 0.0), fraction=0.2, attack=attacks.ActiveHalf(0.5), seed=0)
    >>> ledger = positive_half(X, y, [1.0, 0.0]).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", "d"))
    n, d = X.shape
    y = checks.array(y, "y", shape=(n,))
    u = checks.array(truth, "truth", shape=(d,))
    s = float(checks.signs([sign], "sign")[0])
    clean = s * np.maximum(X @ u, 0.0)
    touched = y != clean
    m, active = int(touched.sum()), int((X @ u > 0).sum())
    pool = s * y > 0
    wrong = int((pool & touched).sum())
    h = (int(pool.sum()) + d + 1) // 2
    fit = regression.lts(X[pool], s * y[pool], keep=max(h, d + 1), seed=seed, starts=1000)
    ledger = Ledger("One unit: a linear regression on the positive labels attains the bound")
    ledger.eq(
        "(1)",
        r"\text{clean points of } P = \{sy>0\}: \; sy_i = u \cdot x_i",
        s * y[pool & ~touched],
        X[pool & ~touched] @ u,
        by_construction=True,  # clean and positive is active
    )
    ledger.leq("(2)", r"2m \le \#\text{active} - d", float(2 * m), float(active - d))
    ledger.leq(
        "(3)",
        r"\#\text{wrong in } P + \#\text{active lost from } P \le m + \#\text{active changed}",
        float(wrong + (active - (pool & ~touched).sum())),
        float(m + (touched & (X @ u > 0)).sum()),
        by_construction=True,  # the second numbers of both sides are equal
    )
    ledger.leq("(4)", r"2\,\#\text{wrong in } P + d \le |P|", float(2 * wrong + d), float(pool.sum()))
    ledger.leq("(5)", r"\#\text{wrong} \le |P| - h", float(wrong), float(pool.sum() - h))
    ledger.leq("(6)", r"\#\text{wrong} \le h - d", float(wrong), float(h - d))
    ledger.eq("(7)", r"\text{the fit is } u", fit.coef, u, 1e-6)
    return ledger


def merge(net, pair=(0, 1), share=0.5, *, X):
    """The merge attack: f' is in the class and agrees with f off the wedge between units i and j.

    Examples
    --------
    >>> net = nets.ReLUSum([[1.0, 0.0], [0.6, 0.8]], [1, -1])
    >>> ledger = merge(net, X=streams.generator(0).standard_normal((500, 2))).assert_holds()
    """
    attack = attacks.Merge(pair=pair, share=share)
    other = attack.impostor(net)
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

    Examples
    --------
    >>> ledger = three_units(0.1).assert_holds()
    """
    net, other, bound = theory.three_units(tau)
    angle = (np.arange(checks.integer(grid, "grid", at_least=100)) + 0.5) * (2 * np.pi / grid)
    X = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    gap = np.abs(net.predict(X) - other.predict(X))
    inside = np.abs(X[:, 0]) >= tau * np.abs(X[:, 1])
    ledger = Ledger("Three units: the angle bound is not attained")
    ledger.eq("(1)", r"|x_1| \ge \tau |x_2| \Rightarrow f' = f", gap[inside], 0.0)
    ledger.eq("(2)", r"\Pr(f' \ne f) = \tfrac{2}{\pi}\arctan\tau", theory.plane_disagreement(net, other), 2 * bound)
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
        tilted.append(0.5 * theory.plane_disagreement(nets.ReLUSum(U, [1, 1, 1]), moved))
        angles.append(theory.angle_bound(U))
    ledger.lt("(4)", r"\text{on a neighbourhood of } u: \tfrac12\Pr(f' \ne f) < \text{angle bound}", tilted, angles)
    ledger.lt("(4) f'", r"\text{and } f' \text{ is another function there}", 0.0, tilted)
    return ledger


def _exchanged(U):
    """The units of the impostor of three: the third joins the others and is turned round."""
    return np.array([U[0] + U[2], U[1] + U[2], -U[2]])


def factor_two(X, u, *, trials=20, seed=0):
    """Conditioning on u . x > 0 does not change the law of |v . x|, for a law that is symmetric.

    Parameters
    ----------
    X : array_like, shape (N, d)
        The law is uniform on the rows; with every x it should have -x, and no row with u . x = 0. Neither is taken
        for granted: where one fails, so do the rows.

    Examples
    --------
    >>> half = streams.generator(0).standard_normal((200, 3))
    >>> ledger = factor_two(np.vstack([half, -half]), [1.0, 0.0, 0.0]).assert_holds()
    """
    X = checks.array(X, "X", shape=("N", "d"))
    u = checks.array(u, "u", shape=(X.shape[1],))
    active = X[X @ u > 0]
    V = streams.generator(seed).standard_normal((trials, X.shape[1]))
    there, everywhere = np.abs(V @ active.T), np.abs(V @ X.T)
    levels = (np.arange(50) + 1.0 / np.pi) / 50.0  # never a multiple of 1/N
    ledger = Ledger("The factor two")
    ledger.eq("(1)", r"\Pr(u \cdot x > 0) = \tfrac12", len(active) / len(X), 0.5)
    ledger.eq(
        "(2)",
        r"|v\cdot x| \text{ given } u \cdot x > 0 \;\sim\; |v \cdot x| \text{: its quantiles}",
        np.quantile(there, levels, axis=1, method="inverted_cdf"),
        np.quantile(everywhere, levels, axis=1, method="inverted_cdf"),
    )
    for b in (0.05, 0.2):
        tail, whole = (
            np.sort(values**2)[:, -max(1, int(b * values.shape[1])) :].sum(axis=1) / values.shape[1]
            for values in (there, everywhere)
        )
        ledger.eq(f"(3) b={b}", r"L_2(b) \text{ on the active half} = L_2(b)", tail, whole)
    return ledger


def contraction(X, w_star, corruption, *, keep, steps=6):
    """The sharpened TORRENT condition, inequality by inequality along a run.

    Parameters
    ----------
    X : array_like, shape (n, p)
    w_star : array_like, shape (p,)
    corruption : array_like, shape (n,)
        b: labels are X w* + b. Its support C has at most n - keep points.
    keep : int
    steps : int

    Examples
    --------
    >>> rng = streams.generator(0)
    >>> X, b = rng.standard_normal((500, 3)), np.zeros(500)
    >>> b[:30] = 5.0
    >>> ledger = contraction(X, [1.0, 2.0, 3.0], b, keep=465).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", "p"))
    n, p = X.shape
    w_star = checks.array(w_star, "w_star", shape=(p,))
    b = checks.array(corruption, "corruption", shape=(n,))
    wrong = b != 0
    a = int(wrong.sum())
    h = checks.integer(
        keep, "keep", at_least=p + 1, at_most=n - a, remedy="trim at least as many points as are corrupted"
    )
    gram = X.T @ X / n
    R = np.linalg.cholesky(gram).T
    Q = X @ np.linalg.inv(R)  # whitened: Q'Q = n I
    truth = R @ w_star
    y = Q @ truth + b
    kept = np.ones(n, np.bool_)
    ledger = Ledger("TORRENT, sharpened")
    rows = {key: ([], []) for key in ("1", "2", "3", "4", "5")}
    for _ in range(checks.integer(steps, "steps", at_least=1)):
        delta = np.linalg.lstsq(Q[kept], y[kept], rcond=None)[0] - truth
        size = np.linalg.norm(b[kept])
        if size == 0:
            break
        shift = Q @ delta
        r = b - shift
        least = np.linalg.eigvalsh(Q[kept].T @ Q[kept])[0]
        hit = kept & wrong
        push = np.linalg.svd(Q[hit], compute_uv=False)[0] if hit.any() else 0.0
        order = np.argsort(np.abs(r), kind="stable")
        new = np.zeros(n, np.bool_)
        new[order[:h]] = True
        inside, outside = new & wrong, np.flatnonzero(~new & ~wrong)[: int((new & wrong).sum())]
        union = inside.copy()
        union[outside] = True
        rows["1"][0].append(np.linalg.norm(delta))
        rows["1"][1].append(push * size / least)
        rows["2"][0].append(float(inside.sum()))
        rows["2"][1].append(float((~new & ~wrong).sum()))
        rows["3"][0].append(np.linalg.norm(r[inside]))
        rows["3"][1].append(np.linalg.norm(shift[outside]))
        rows["4"][0].append(np.linalg.norm(b[inside]))
        rows["4"][1].append(np.sqrt(2) * np.linalg.norm(shift[union]))
        rows["5"][0].append(float(union.sum()))
        rows["5"][1].append(2.0 * a)
        kept = new
    statements = {
        "1": r"|\delta| \le \|X_{C\cap S}\|\,|b_S| / \lambda_{\min}(X_S^\top X_S)",
        "2": r"|C \cap S^+| \le |S^* \setminus S^+|",
        "3": r"|r_{C\cap S^+}| \le |(X\delta)_{S^*\setminus S^+}|",
        "4": r"|b_{S^+}| \le \sqrt2\,|(X\delta)_A|",
        "5": r"|A| \le 2\alpha n",
    }
    for key, (left, right) in rows.items():
        if left:
            ledger.leq(f"({key})", statements[key], left, right)
    limit = [row for row in theory.constants() if row.name == "TORRENT, sharpened"][0].linear
    ledger.eq(
        "(6)", r"\sqrt{2L_2(b)L_2(2b)} = 1 - L_2(b) \text{ at } b = .0744", theory.torrent_contraction(limit), 1.0
    )
    fractions = np.geomspace(1e-9, 0.2, 50)
    once, twice = theory.tail_second(fractions), theory.tail_second(2.0 * fractions)
    ledger.leq("(7)", r"\sqrt{2L_2(b)L_2(2b)} \le 2L_2(b)", np.sqrt(2.0 * once * twice), 2.0 * once)
    ledger.lt(
        "(7)",
        r"\text{so the published condition ends earlier}",
        _constant("TORRENT, published condition in the limit"),
        limit,
    )
    return ledger


def fixed_point(n=20_001, *, fraction=None):
    """A spurious fixed point of TORRENT, built on the quantiles of the normal law in one dimension.

    The adversary owns the fraction b with the largest |z| and leaves the residuals c sign(z) there, with c from the
    normal equation at the shifted fit. While c <= t_{2b} the points between t_{2b} and t_b are trimmed, and least
    squares on the rest returns the same shift.

    Parameters
    ----------
    n : int >= 1000
        Equally likely points.
    fraction : float in (0, 1/2), optional
        b; default the smallest that works. Below it the ledger fails.

    Examples
    --------
    >>> ledger = fixed_point().assert_holds()
    """
    n = checks.integer(n, "n", at_least=1000)
    if fraction is None:
        fraction = _constant("TORRENT has a spurious fixed point")
    b = checks.number(fraction, "fraction", above=0.0, below=0.5)
    t1, t2 = float(theory.tail_threshold(b)), float(theory.tail_threshold(2 * b))
    inner = integrate.quad(lambda t: 2 * t * t * _density(t), 0, t2)[0]
    outer = integrate.quad(lambda t: 2 * t * _density(t), t1, 12)[0]
    c = inner / outer
    z = theory.tail_threshold((np.arange(n) + 0.5) / n)  # |z| at equally likely points
    residual = np.where(z > t1, c * (1 - 1e-9), z)  # after the shift delta = 1, in modulus
    h = int(np.floor((1 - b) * n))
    kept = np.zeros(n, np.bool_)
    kept[np.argsort(residual, kind="stable")[:h]] = True
    ledger = Ledger("A spurious fixed point of TORRENT")
    ledger.eq("(1)", r"E[z^2; |z| < t_{2b}] = 1 - L_2(2b)", inner, 1 - float(theory.tail_second(2 * b)))
    ledger.eq("(2)", r"E[|z|; |z| > t_b] = 2\varphi(t_b)", outer, float(theory.tail_first(b)))
    ledger.leq("(3)", r"\text{the normal equation } (1) = c\,(2) \text{ has } c \le t_{2b}", c, t2)
    ledger.leq("(4)", r"\text{no kept clean point beyond } t_{2b}", z[kept & (z <= t1)], t2 + 1e-3)
    ledger.eq(
        "(5)", r"\text{all corrupted points are kept}", float((kept & (z > t1)).sum()), float((z > t1).sum()), 1e-3
    )
    return ledger


def _density(t):
    return np.exp(-0.5 * t * t) / np.sqrt(2 * np.pi)


def lad_constant(X, delta_trials=200, *, fraction=None, seed=0):
    """LAD: exact while the fraction carries less than half of sum |x . v| in every direction v.

    Parameters
    ----------
    X : array_like, shape (n, p)
    fraction : float, optional
        Default 0.8 times the constant of the Gaussian limit.

    Examples
    --------
    >>> ledger = lad_constant(streams.generator(0).standard_normal((400, 2)), 50).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", "p"))
    n, p = X.shape
    V = streams.generator(seed).standard_normal((checks.integer(delta_trials, "delta_trials", at_least=1), p))
    size = np.sort(np.abs(V @ X.T), axis=1)[:, ::-1]
    share = np.cumsum(size, axis=1) / size.sum(axis=1, keepdims=True)
    b = _constant("LAD")
    m = int((0.8 * b if fraction is None else checks.fraction(fraction, "fraction")) * n)
    rng = streams.generator((seed, 1))
    w = rng.standard_normal(p)
    v = V[0]
    attacked = np.argsort(-np.abs(X @ v), kind="stable")[:m]
    y = X @ w
    y[attacked] += X[attacked] @ v
    fit = regression.lad(X, y)
    ledger = Ledger("Least absolute deviations")
    ledger.eq("(1)", r"L_1(b) = \tfrac12 E|z|", float(theory.tail_first(b)), 0.5 * np.sqrt(2 / np.pi))
    ledger.eq(
        "(2)",
        r"L_1(b) = 2\varphi(t_b)",
        float(theory.tail_first(b)),
        integrate.quad(lambda t: 2 * t * _density(t), float(theory.tail_threshold(b)), 12)[0],
    )
    ledger.lt("(3)", r"\sum_{C} |x_i \cdot v| < \tfrac12 \sum_i |x_i \cdot v|", share[:, max(m - 1, 0)], 0.5)
    ledger.eq("(4)", r"\text{the fit is } w^*", fit.coef, w, 1e-6)
    return ledger


def infer_is_joint(X, y, net, kept=None):
    """Region-wise least squares followed by Gram-weighted INFER is the joint lifted least-squares fit.

    Examples
    --------
    >>> rng = streams.generator(0)
    >>> X, net = rng.standard_normal((80, 2)), nets.ReLUSum([[1.0, 0.0], [0.3, 1.0]], [1, -1])
    >>> ledger = infer_is_joint(X, net.predict(X) + rng.standard_normal(80), net).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", net.weights.shape[1]))
    y = checks.array(y, "y", shape=(len(X),))
    kept = np.ones(len(X), np.bool_) if kept is None else checks.boolean_array(kept, "kept", shape=(len(X),))
    active = X @ net.weights.T > 0
    patterns, coefs, grams = networks.region_fits(X, y, active, keep=kept)
    U = networks.infer(patterns, coefs, net.signs, grams=grams)
    Z = ((active * net.signs)[:, :, None] * X[:, None, :]).reshape(len(X), -1)
    joint = np.linalg.lstsq(Z[kept], y[kept], rcond=None)[0].reshape(U.shape)
    region = [np.flatnonzero((active == p).all(axis=1) & kept) for p in patterns]
    # normal equations square the condition number; beyond 1e-6 the data are not good enough to tell
    rounding = min(max(1e-12, 1e-15 * np.linalg.cond(Z[kept]) ** 2), 1e-6)
    ledger = Ledger("INFER with Gram weights is the joint fit")
    ledger.eq(
        "(1)",
        r"X_R^\top X_R\, a_R = X_R^\top y_R",
        np.array([g @ a for g, a in zip(grams, coefs)]),
        np.array([X[rows].T @ y[rows] for rows in region]),
        1e-11,
    )
    incidence = patterns * net.signs
    assembled = np.einsum("rk,rm,rab->kamb", incidence, incidence, grams).reshape(Z.shape[1], -1)
    ledger.eq("(2)", r"\sum_R A_R^\top X_R^\top X_R A_R = Z^\top Z", assembled, Z[kept].T @ Z[kept], 1e-12)
    ledger.eq("(3)", r"\text{rank } Z = Kd", float(np.linalg.matrix_rank(Z[kept])), float(Z.shape[1]))
    ledger.eq("(4)", r"\text{INFER} = \text{joint}", U, joint, rounding)
    return ledger


def whole_newton_step(X, y, net):
    """The lifted least-squares step is a full Gauss-Newton step: Z is the Jacobian, and f is exact on the cell.

    Raises
    ------
    ValueError
        Z has not full rank: two minimisers need not be one step apart.

    Examples
    --------
    >>> rng = streams.generator(0)
    >>> X, net = rng.standard_normal((80, 2)), nets.ReLUSum([[1.0, 0.0], [0.3, 1.0]], [1, -1])
    >>> ledger = whole_newton_step(X, rng.standard_normal(80), net).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", net.weights.shape[1]))
    y = checks.array(y, "y", shape=(len(X),))
    U, s = net.weights, net.signs
    active = X @ U.T > 0
    Z = ((active * s)[:, :, None] * X[:, None, :]).reshape(len(X), -1)
    rank = np.linalg.matrix_rank(Z)
    if rank < Z.shape[1]:
        raise ValueError(
            f"X gives a Z of rank {rank} < Kd = {Z.shape[1]}: the step is not unique; give more points, or move a unit"
        )
    r = y - net.predict(X)
    step = np.linalg.lstsq(Z, r, rcond=None)[0]
    refit = np.linalg.lstsq(Z, y, rcond=None)[0]
    move = streams.generator(0).standard_normal(U.shape)
    t = _within_cell(X, U, move)
    ledger = Ledger("Partition training takes Gauss-Newton steps")
    ledger.eq("(1)", r"f_U(x_i) = z_i \cdot U", net.predict(X), Z @ U.ravel())
    ledger.eq(
        "(2)",
        r"f_{U+tV}(x_i) - f_U(x_i) = t\, z_i \cdot V \text{ inside the cell}",
        nets.ReLUSum(U + t * move, s).predict(X) - net.predict(X),
        t * (Z @ move.ravel()),
        scale=t * np.abs(Z @ move.ravel()).max(),
    )
    ledger.eq("(3)", r"U + \arg\min |r - Z\Delta|^2 = \arg\min |y - ZU|^2", U.ravel() + step, refit, 1e-8)
    t = min(1.0, _within_cell(X, U, step.reshape(U.shape)))
    after = y - nets.ReLUSum(U + t * step.reshape(U.shape), s).predict(X)
    fall = float((Z @ step) @ (Z @ step))
    ledger.eq(
        "(4)",
        r"\text{a short step: } (F(U) - F(U + t\Delta))/(2t - t^2) = |Z\Delta|^2",
        float(r @ r - after @ after) / (2.0 * t - t * t),
        fall,
        1e-7,
        scale=float(r @ r),
    )
    return ledger


def _within_cell(X, U, move):
    """Half of the largest t at which U + t move still has the pattern of U at every point of X."""
    speed = np.abs(X @ move.T)
    return 0.5 * float(np.min(np.abs(X @ U.T) / np.maximum(speed, 1e-300)))


def majoriser(X, y, net, *, trials=200, seed=0):
    """Maj(V | U) touches the loss at U, lies above it and is convex: at random V, and along random segments.

    Examples
    --------
    >>> rng = streams.generator(0)
    >>> X, net = rng.standard_normal((40, 2)), nets.ReLUSum([[1.0, 0.0], [0.3, 1.0]], [1, -1])
    >>> ledger = majoriser(X, rng.standard_normal(40), net).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", net.weights.shape[1]))
    y = checks.array(y, "y", shape=(len(X),))
    U, s = net.weights, net.signs
    linear = X @ U.T > 0

    def value(V):
        return _majorant(X, y, s, linear, V)

    def loss(V):
        return float(((y - np.maximum(X @ V.T, 0.0) @ s) ** 2).sum())

    rng = streams.generator(seed)
    V = U + rng.standard_normal((trials, *U.shape)) * np.exp(rng.uniform(-3, 2, (trials, 1, 1)))
    W = U + rng.standard_normal((trials, *U.shape)) * np.exp(rng.uniform(-3, 2, (trials, 1, 1)))
    at_v, at_w = np.array([value(v) for v in V]), np.array([value(w) for w in W])
    ledger = Ledger("The DC majoriser")
    ledger.eq("(1)", r"\mathrm{Maj}(U|U) = F(U)", value(U), loss(U))
    ledger.leq("(2)", r"F(V) \le \mathrm{Maj}(V|U)", [loss(v) for v in V], at_v)
    ledger.leq(
        "(3)",
        r"\mathrm{Maj}(\tfrac{V+W}2|U) \le \tfrac12(\mathrm{Maj}(V|U)+\mathrm{Maj}(W|U))",
        [value(0.5 * (v + w)) for v, w in zip(V, W)],
        0.5 * (at_v + at_w),
    )
    r = y - np.maximum(X @ U.T, 0.0) @ s
    order = np.argsort(r * r, kind="stable")
    h = max(1, 3 * len(y) // 4)
    best = (r[order[:h]] ** 2).sum()
    others = [(r[rng.permutation(len(y))[:h]] ** 2).sum() for _ in range(20)]
    others += [best - r[i] ** 2 + r[j] ** 2 for i in order[:h] for j in order[h:]]  # one point exchanged
    ledger.leq("(4)", r"F_h(U) = \min_{|S|=h} \sum_S r_i^2", networks.trimmed_loss(net, X, y, keep=h), others)
    step = U.copy()
    n, d = X.shape
    K = s.size
    regions = 1 << K if K <= _lifted.REGION_UNITS else 1
    _lifted.minimise_majoriser(
        X,
        y,
        s,
        np.ones(n, np.bool_),
        linear,
        step,
        1e-12,
        100,
        np.empty((regions, d, d)),
        np.empty((regions, d)),
        np.zeros((K * d, K * d)),
        np.empty(K * d),
        True,
    )
    ledger.leq(
        "(5)", r"F(U^{t+1}) \le \mathrm{Maj}(U^{t+1}|U^t) \le F(U^t)", [loss(step), value(step)], [value(step), loss(U)]
    )
    return ledger


def _majorant(X, y, s, linear, V):
    """Maj(V | U), with the pattern of U in ``linear``."""
    bent, flat = np.maximum(X @ V.T, 0.0), linear * (X @ V.T)
    plus, minus = s > 0, s < 0
    p, q = bent[:, plus].sum(1) + np.maximum(-y, 0), bent[:, minus].sum(1) + np.maximum(y, 0)
    p_flat, q_flat = flat[:, plus].sum(1) + np.maximum(-y, 0), flat[:, minus].sum(1) + np.maximum(y, 0)
    return float((np.maximum(p - q_flat, 0) ** 2 + np.maximum(q - p_flat, 0) ** 2).sum())


def descent(fit, X, y, *, trials=20, seed=0):
    r"""The recorded losses of a fit never rise, the last one is its loss, and from nets near it a short step descends.

    Parameters
    ----------
    fit : NetFit
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
        Its data.
    trials : int >= 1
        Nets near that of the fit, at which the step :math:`\Delta` of the kept points is taken.

    Examples
    --------
    >>> X = streams.generator(0).standard_normal((60, 2))
    >>> y = np.maximum(X[:, 0], 0.0) + 0.1 * X[:, 1]
    >>> ledger = descent(networks.dc_fit(X, y, signs=[1], seed=0), X, y).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", fit.net.weights.shape[1]))
    y = checks.array(y, "y", shape=(len(X),))
    history, s, h = fit.history, fit.net.signs, int(fit.kept.sum())
    rng = streams.generator(seed)
    fallen, promised = [], []
    for _ in range(checks.integer(trials, "trials", at_least=1)):
        U = fit.net.weights + 0.3 * np.abs(fit.net.weights).max() * rng.standard_normal(fit.net.weights.shape)
        r = y - nets.ReLUSum(U, s).predict(X)
        S = np.argsort(r * r, kind="stable")[:h]
        Z = (((X[S] @ U.T > 0) * s)[:, :, None] * X[S, None, :]).reshape(h, -1)
        step = np.linalg.lstsq(Z, r[S], rcond=None)[0]
        t = min(1.0, _within_cell(X[S], U, step.reshape(U.shape)))
        after = networks.trimmed_loss(nets.ReLUSum(U + t * step.reshape(U.shape), s), X, y, keep=h)
        fallen.append((float(r[S] @ r[S]) - after) / (2.0 * t - t * t))
        promised.append(float((Z @ step) @ (Z @ step)))
    last = networks.trimmed_loss(fit.net, X, y, keep=h)
    ledger = Ledger("The trimmed loss never rises")
    ledger.leq(
        "1.",
        r"F_h(U^{t+1}) \le F_h(U^t)",
        history[1:] if history.size > 1 else history,
        history[:-1] if history.size > 1 else history,
        0.0,
        by_construction=True,  # the algorithm takes no other step
    )
    ledger.leq(
        "2.",
        r"|Z_S\Delta|^2 \le (F_h(U) - F_h(U + t\Delta))/(2t - t^2) \text{ for a small } t",
        promised,
        fallen,
        1e-6,
    )
    ledger.eq("end", r"\text{the last is } F_h \text{ of the fit}", float(history[-1]), last)
    return ledger


def identifiability(net, X):
    """f is half a linear map plus half of sum s_k |u_k . x|; flipping a set S with sum_S s_k u_k = 0 leaves f alone.

    Examples
    --------
    >>> net = nets.ReLUSum([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [1, 1, -1])
    >>> ledger = identifiability(net, streams.generator(0).standard_normal((50, 2))).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", net.weights.shape[1]))
    U, s = net.weights, net.signs
    Z = X @ U.T
    f = net.predict(X)
    ledger = Ledger("What the function tells about its units")
    ledger.eq(
        "(1)",
        r"f(x) = \tfrac12 \sum_k s_k u_k \cdot x + \tfrac12 \sum_k s_k |u_k \cdot x|",
        f,
        0.5 * Z @ s + 0.5 * np.abs(Z) @ s,
    )
    ledger.eq("(2)", r"f(x) - f(-x) = \sum_k s_k u_k \cdot x", f - net.predict(-X), Z @ s)
    for subset in theory.flips(U, s):
        flipped = U.copy()
        flipped[list(subset)] *= -1
        ledger.eq(
            f"(3) {subset}",
            r"\sum_S s_k u_k = 0 \Rightarrow \text{flipping } S \text{ changes nothing}",
            nets.ReLUSum(flipped, s).predict(X),
            f,
        )
    lone = [subset for r in range(1, len(U) + 1) for subset in itertools.combinations(range(len(U)), r)]
    lone = [subset for subset in lone if subset not in theory.flips(U, s)][:50]
    changes = []
    for subset in lone:
        flipped = U.copy()
        flipped[list(subset)] *= -1
        changes.append(np.abs(nets.ReLUSum(flipped, s).predict(X) - f).max())
    if changes:
        ledger.lt("(4)", r"\text{every other flip changes } f", 0.0, changes)
    return ledger


def _constant(name):
    return next(row.linear for row in theory.constants() if row.name == name)
