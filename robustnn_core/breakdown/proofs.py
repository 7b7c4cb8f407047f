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


def half_distance(truth, other, m=None):
    """Theorem B1: with m >= d/2 changes two models explain the same labels, with m < d/2 none can hide.

    Parameters
    ----------
    truth, other : array_like, shape (n,)
        Labels of f* and of its nearest other model, at distance d.
    m : int, optional
        Corruptions; default ceil(d/2), the first that breaks.

    Examples
    --------
    >>> len(half_distance([1.0, 2.0, 3.0, 0.0], [2.0, 4.0, 3.0, 0.0]).assert_holds().rows)
    4
    """
    truth = checks.array(truth, "truth", shape=("n",))
    other = checks.array(other, "other", shape=(truth.size,))
    differ = np.flatnonzero(truth != other)
    d = differ.size
    m = -(-d // 2) if m is None else checks.integer(m, "m", at_least=-(-d // 2), at_most=d)
    y = truth.copy()
    y[differ[:m]] = other[differ[:m]]
    safe = theory.breakdown_count(d)
    below = truth.copy()
    below[differ[:safe]] = other[differ[:safe]]
    ledger = Ledger("Breakdown is half the minimum distance")
    ledger.eq("(1)", r"d = \#\{i : f^*(x_i) \ne f(x_i)\}", float(d), float((truth != other).sum()))
    ledger.leq(
        "(2)",
        r"\#\{y \ne f\} \le \#\{y \ne f^*\} = m \quad (m \ge d/2)",
        float((y != other).sum()),
        float((y != truth).sum()),
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
    # the impostor agrees with u on d - 1 active points: u + t w with w orthogonal to them, t small
    shared = active[: d - 1]
    w = np.linalg.svd(X[shared])[2][-1] if d > 1 else np.ones(1)
    slope = np.abs(X @ w)
    t = 0.5 * np.min(np.abs(z)[slope > 1e-12] / slope[slope > 1e-12])
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


def coverage(n, distance):
    """LTS with coverage h uniquely recovers iff m <= n - h and m <= h - n + d - 1: checked for every h and m.

    The ledger builds the worst labels for every pair (h, m): m changes that all agree with the nearest
    model, so that f* misses m points and the other one d - m.

    Examples
    --------
    >>> ledger = coverage(12, 5).assert_holds()
    """
    n = checks.integer(n, "n", at_least=1)
    d = checks.integer(distance, "distance", at_least=1, at_most=n)
    limit, attained = [], []
    for h in range(1, n + 1):
        survived = -1
        for m in range(0, d + 1):
            # f* must have zero trimmed loss (m <= n - h), the other model a positive one (d - m > n - h)
            if m <= n - h and d - m > n - h:
                survived = m
            else:
                break
        limit.append(float(theory.coverage_limit(n, h, d)))
        attained.append(float(survived))
    best = theory.best_coverage(n, d)
    ledger = Ledger("The right coverage")
    ledger.eq("(1)", r"\max m = \min(n-h,\; h-n+d-1) \text{ for every } h", attained, limit)
    ledger.eq("(2)", r"\max_h \max m = \lceil d/2 \rceil - 1", max(attained), float(theory.breakdown_count(d)))
    ledger.eq("(3)", r"\text{attained at } h = n - m^*", attained[best - 1], max(attained))
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
    )
    ledger.leq("(2)", r"2m \le \#\text{active} - d", float(2 * m), float(active - d))
    ledger.leq(
        "(3)",
        r"\#\text{wrong in } P + \#\text{active lost from } P \le m + \#\text{active changed}",
        float(wrong + (active - (pool & ~touched).sum())),
        float(m + (touched & (X @ u > 0)).sum()),
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
    ledger.eq("(1)", r"s'_k = s_k", other.signs, net.signs)
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
        moved = nets.ReLUSum(np.array([U[0] + U[2], U[1] + U[2], -U[2]]), [1, 1, 1])
        tilted.append(0.5 * theory.plane_disagreement(nets.ReLUSum(U, [1, 1, 1]), moved))
        angles.append(theory.angle_bound(U))
    ledger.lt("(4)", r"\text{on a neighbourhood of } u: \tfrac12\Pr(f' \ne f) < \text{angle bound}", tilted, angles)
    ledger.lt("(4) f'", r"\text{and } f' \text{ is another function there}", 0.0, tilted)
    return ledger


def factor_two(X, u, *, trials=20, seed=0):
    """Conditioning on u . x > 0 does not change the law of |v . x|: exact for a symmetric finite sample.

    Parameters
    ----------
    X : array_like, shape (N, d)
        Half of the sample; the law is uniform on the rows of X and -X.

    Examples
    --------
    >>> ledger = factor_two(streams.generator(0).standard_normal((200, 3)), [1.0, 0.0, 0.0]).assert_holds()
    """
    X = checks.array(X, "X", shape=("N", "d"))
    u = checks.array(u, "u", shape=(X.shape[1],))
    both = np.vstack([X, -X])
    active = both[both @ u > 0]
    V = streams.generator(seed).standard_normal((trials, X.shape[1]))
    ledger = Ledger("The factor two")
    ledger.eq("(1)", r"\Pr(u \cdot x > 0) = \tfrac12", len(active) / len(both), 0.5)
    ledger.eq(
        "(2)",
        r"|v\cdot x| \text{ given } u \cdot x > 0 \;\sim\; |v \cdot x|",
        np.sort(np.abs(V @ active.T)),
        np.sort(np.abs(V @ X.T)),
    )
    for b in (0.05, 0.2):
        k = max(1, int(b * len(X)))
        tail = np.sort(np.abs(V @ active.T) ** 2)[:, -k:].sum(axis=1) / len(active)
        whole = np.sort(np.abs(V @ both.T) ** 2)[:, -2 * k :].sum(axis=1) / len(both)
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
    y = Q @ (R @ w_star) + b
    kept = np.ones(n, np.bool_)
    ledger = Ledger("TORRENT, sharpened")
    rows = {key: ([], []) for key in ("1", "2", "3", "4", "5")}
    for _ in range(checks.integer(steps, "steps", at_least=1)):
        delta = np.linalg.lstsq(Q[kept], b[kept], rcond=None)[0]
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
    ledger.leq(
        "(7)",
        r"\text{the published condition is stronger}",
        0.0,
        limit - _constant("TORRENT, published condition in the limit"),
    )
    return ledger


def fixed_point(n=20_001):
    """A spurious fixed point of TORRENT, built on the quantiles of the normal law in one dimension.

    The adversary owns the fraction b with the largest |z| and leaves the residuals t_{2b} sign(z) there:
    the points between t_{2b} and t_b are trimmed, and least squares on the rest returns the same shift.

    Examples
    --------
    >>> ledger = fixed_point().assert_holds()
    """
    b = _constant("TORRENT has a spurious fixed point")
    t1, t2 = float(theory.tail_threshold(b)), float(theory.tail_threshold(2 * b))

    def density(t):
        return np.exp(-0.5 * t * t) / np.sqrt(2 * np.pi)

    inner = integrate.quad(lambda t: 2 * t * t * density(t), 0, t2)[0]
    outer = integrate.quad(lambda t: 2 * t * t2 * density(t), t1, 12)[0]
    z = theory.tail_threshold(
        (np.arange(checks.integer(n, "n", at_least=1000)) + 0.5) / n
    )  # |z| at equally likely points
    residual = np.where(z > t1, t2 * (1 - 1e-9), z)  # after the shift delta = 1, in modulus
    h = int(np.floor((1 - b) * n))
    kept = np.zeros(n, np.bool_)
    kept[np.argsort(residual, kind="stable")[:h]] = True
    ledger = Ledger("A spurious fixed point of TORRENT")
    ledger.eq("(1)", r"E[z^2; |z| < t_{2b}] = 1 - L_2(2b)", inner, 1 - float(theory.tail_second(2 * b)))
    ledger.eq("(2)", r"E[|z|\,t_{2b}; |z| > t_b] = 2\varphi(t_b)\,t_{2b}", outer, float(theory.tail_first(b)) * t2)
    ledger.eq("(3)", r"\text{normal equation at the shifted fit: } (1) = (2)", inner, outer)
    ledger.leq("(4)", r"\text{no kept clean point beyond } t_{2b}", z[kept & (z <= t1)], t2 + 1e-3)
    ledger.eq(
        "(5)", r"\text{all corrupted points are kept}", float((kept & (z > t1)).sum()), float((z > t1).sum()), 1e-3
    )
    return ledger


def lad_constant(X, delta_trials=200, *, fraction=None, seed=0):
    """LAD: exact while the fraction carries less than half of sum |x . v| in every direction v.

    Parameters
    ----------
    X : array_like, shape (n, p)
    fraction : float, optional
        Default 0.9 times the constant's empirical value in the sampled directions.

    Examples
    --------
    >>> ledger = lad_constant(streams.generator(0).standard_normal((400, 2)), 50).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", "p"))
    n, p = X.shape
    V = streams.generator(seed).standard_normal((checks.integer(delta_trials, "delta_trials", at_least=1), p))
    size = np.sort(np.abs(V @ X.T), axis=1)[:, ::-1]
    share = np.cumsum(size, axis=1) / size.sum(axis=1, keepdims=True)
    worst = int((share < 0.5).sum(axis=1).min())  # the most points that stay below one half in every direction
    m = int(0.9 * worst) if fraction is None else int(checks.fraction(fraction, "fraction") * n)
    b = _constant("LAD")
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
        integrate.quad(lambda t: 2 * t * np.exp(-t * t / 2) / np.sqrt(2 * np.pi), float(theory.tail_threshold(b)), 12)[
            0
        ],
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
    rounding = max(1e-12, 1e-15 * np.linalg.cond(Z[kept]) ** 2)  # normal equations square the condition number
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
    room = np.abs(X @ U.T).min()
    move = streams.generator(0).standard_normal(U.shape)
    t = 0.5 * room / np.abs(X @ move.T).max()
    ledger = Ledger("Partition training takes Gauss-Newton steps")
    ledger.eq("(1)", r"f_U(x_i) = z_i \cdot U", net.predict(X), Z @ U.ravel())
    ledger.eq(
        "(2)",
        r"f_{U+tV}(x_i) - f_U(x_i) = t\, z_i \cdot V \text{ inside the cell}",
        nets.ReLUSum(U + t * move, s).predict(X) - net.predict(X),
        t * (Z @ move.ravel()),
        1e-9,
    )
    ledger.eq("(3)", r"U + \arg\min |r - Z\Delta|^2 = \arg\min |y - ZU|^2", U.ravel() + step, refit, 1e-8)
    small = min(1.0, 0.5 * room / max(np.abs(X @ step.reshape(U.shape).T).max(), 1e-300))
    after = y - nets.ReLUSum(U + small * step.reshape(U.shape), s).predict(X)
    ledger.leq("(4)", r"\text{a short step lowers the loss}", float(after @ after), float(r @ r))
    return ledger


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
        bent, flat = np.maximum(X @ V.T, 0.0), linear * (X @ V.T)
        plus, minus = s > 0, s < 0
        p, q = bent[:, plus].sum(1) + np.maximum(-y, 0), bent[:, minus].sum(1) + np.maximum(y, 0)
        p_flat, q_flat = flat[:, plus].sum(1) + np.maximum(-y, 0), flat[:, minus].sum(1) + np.maximum(y, 0)
        return float((np.maximum(p - q_flat, 0) ** 2 + np.maximum(q - p_flat, 0) ** 2).sum())

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
    other = [(r[rng.permutation(len(y))[:h]] ** 2).sum() for _ in range(20)]
    ledger.leq("(4)", r"F_h(U) = \min_{|S|=h} \sum_S r_i^2", float((r[order[:h]] ** 2).sum()), other)
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


def descent(fit):
    """The recorded losses of a fit never rise.

    Examples
    --------
    >>> X = streams.generator(0).standard_normal((60, 2))
    >>> ledger = descent(networks.dc_fit(X, np.maximum(X[:, 0], 0.0), signs=[1], seed=0)).assert_holds()
    """
    ledger = Ledger("The trimmed loss never rises")
    history = fit.history
    ledger.leq(
        "(1)",
        r"F_h(U^{t+1}) \le F_h(U^t)",
        history[1:] if history.size > 1 else history,
        history[:-1] if history.size > 1 else history,
        0.0,
    )
    ledger.eq("(2)", r"\text{the last is the objective}", float(history[-1]), fit.objective)
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
