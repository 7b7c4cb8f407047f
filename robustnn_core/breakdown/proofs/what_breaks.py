"""The proofs of *What breaks a regression*, step by step on live data."""

import numpy as np
from scipy import integrate

from robustnn_core import checks, streams
from robustnn_core.breakdown import regression, theory
from robustnn_core.ledger import Ledger

__all__ = ["contraction", "fixed_point", "half_distance", "lad_constant"]


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
    >>> from robustnn_core.breakdown.proofs import half_distance
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


def contraction(X, w_star, corruption, *, keep, steps=6):
    """The sharpened TORRENT condition, inequality by inequality along a run.

    Parameters
    ----------
    X : array_like, shape (n, p)
    w_star : array_like, shape (p,)
    corruption : array_like, shape (n,)
        b: labels are X w* + b. Its support C has at most n - keep points.
    keep : int, or float share in (0, 1]
    steps : int

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core import streams
    >>> from robustnn_core.breakdown.proofs import contraction
    >>> rng = streams.generator(0)
    >>> X, b = rng.standard_normal((500, 3)), np.zeros(500)
    >>> b[:30] = 5.0
    >>> ledger = contraction(X, [1.0, 2.0, 3.0], b, keep=465).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", "p"))
    n, p = X.shape
    w_star = checks.array(w_star, "w_star", shape=(p,))
    b = checks.array(corruption, "corruption", shape=(n,))
    a = int((b != 0).sum())
    remedy = "trim at least as many points as are corrupted"
    h = checks.count(keep, "keep", of=n, at_least=p + 1, at_most=n - a, remedy=remedy)
    gram = X.T @ X / n
    R = np.linalg.cholesky(gram).T
    Q = X @ np.linalg.inv(R)  # whitened: Q'Q = n I
    truth = R @ w_star
    y = Q @ truth + b
    kept = np.ones(n, np.bool_)
    ledger = Ledger("TORRENT, sharpened")
    sides = []
    for _ in range(checks.integer(steps, "steps", at_least=1)):
        if not b[kept].any():
            break
        delta = np.linalg.lstsq(Q[kept], y[kept], rcond=None)[0] - truth
        new = np.zeros(n, np.bool_)
        new[np.argsort(np.abs(b - Q @ delta), kind="stable")[:h]] = True
        sides.append(_sides(Q, b, delta, kept, new))
        kept = new
    statements = (
        r"|\delta| \le \|X_{C\cap S}\|\,|b_S| / \lambda_{\min}(X_S^\top X_S)",
        r"|C \cap S^+| \le |S^* \setminus S^+|",
        r"|r_{C\cap S^+}| \le |(X\delta)_{S^*\setminus S^+}|",
        r"|b_{S^+}| \le \sqrt2\,|(X\delta)_A|",
        r"|A| \le 2\alpha n",
    )
    if sides:
        for i, (statement, rows) in enumerate(zip(statements, np.moveaxis(np.array(sides), 0, -1)), 1):
            ledger.leq(f"({i})", statement, *rows)
    limit = _constant("TORRENT, sharpened")
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


def _sides(Q, b, delta, kept, new):
    """Both sides of (1)-(5) for one step, shape (5, 2): the fit is wrong by delta, ``new`` is kept next."""
    wrong = b != 0
    shift = Q @ delta
    hit, inside = kept & wrong, new & wrong
    spare = ~new & ~wrong
    outside = np.flatnonzero(spare)[: int(inside.sum())]
    union = inside.copy()
    union[outside] = True
    least = np.linalg.eigvalsh(Q[kept].T @ Q[kept])[0]
    push = np.linalg.svd(Q[hit], compute_uv=False)[0] if hit.any() else 0.0
    return [
        (np.linalg.norm(delta), push * np.linalg.norm(b[kept]) / least),
        (inside.sum(), spare.sum()),
        (np.linalg.norm((b - shift)[inside]), np.linalg.norm(shift[outside])),
        (np.linalg.norm(b[inside]), np.sqrt(2) * np.linalg.norm(shift[union])),
        (union.sum(), 2.0 * wrong.sum()),
    ]


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
    >>> from robustnn_core.breakdown.proofs import fixed_point
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


def lad_constant(X, *, seed, trials=200, fraction=None):
    """LAD: exact while the fraction carries less than half of sum |x . v| in every direction v.

    Parameters
    ----------
    X : array_like, shape (n, p)
    seed : int >= 0 or anything :func:`robustnn_core.streams.generator` takes
    trials : int >= 1
        Directions v at which the share is measured.
    fraction : float in [0, 1], optional
        Default 0.8 times the constant of the Gaussian limit.

    Examples
    --------
    >>> from robustnn_core import streams
    >>> from robustnn_core.breakdown.proofs import lad_constant
    >>> ledger = lad_constant(streams.generator(0).standard_normal((400, 2)), seed=0, trials=50).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", "p"))
    n, p = X.shape
    rng = streams.generator(seed)
    V = rng.standard_normal((checks.integer(trials, "trials", at_least=1), p))
    size = np.sort(np.abs(V @ X.T), axis=1)[:, ::-1]
    share = np.cumsum(size, axis=1) / size.sum(axis=1, keepdims=True)
    b = _constant("LAD")
    m = int((0.8 * b if fraction is None else checks.fraction(fraction, "fraction")) * n)
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


def _density(t):
    return np.exp(-0.5 * t * t) / np.sqrt(2 * np.pi)


def _constant(name):
    return next(row.linear for row in theory.constants() if row.name == name)
