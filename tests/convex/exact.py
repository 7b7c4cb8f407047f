"""An independent verifier of what the convex part certifies, in exact rational arithmetic.

Every number of floating point is a fraction, so every claim about a result is a claim about rationals. Nothing of
``robustnn_core`` is used: the formulas of the losses, of the duals and of the worst case are written anew.
Roots, logarithms and exponentials are enclosed by two fractions. A claim that the enclosure cannot decide fails.
"""

import itertools
import math
from fractions import Fraction

import numpy as np
from scipy.optimize import nnls

BITS = 160
ONE = 1 << BITS


def rational(A):
    """A nested list of fractions from an array, or one fraction."""
    if np.ndim(A) == 0:
        return Fraction(float(A))
    return [rational(a) for a in A]


def dot(a, b):
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def root(q):
    """Two fractions around the square root of q >= 0, a relative 2^-BITS apart."""
    if q == 0:
        return Fraction(0), Fraction(0)
    shift = 2 * BITS + 2 * max(0, q.denominator.bit_length() - q.numerator.bit_length())
    shift += shift % 2
    low = math.isqrt((q.numerator << shift) // q.denominator)
    return Fraction(low, 1 << (shift // 2)), Fraction(low + 1, 1 << (shift // 2))


def norm(u):
    return root(dot(u, u))


LN2 = None


def log(q):
    """Two fractions around the logarithm of q > 0: halvings to [2/3, 4/3], then the series of artanh."""
    global LN2
    if LN2 is None:
        LN2 = _series(Fraction(1, 3))
    k = q.numerator.bit_length() - q.denominator.bit_length()
    m = q / Fraction(2) ** k
    while m > Fraction(4, 3):
        m, k = m / 2, k + 1
    while m < Fraction(2, 3):
        m, k = m * 2, k - 1
    low, high = _series((m - 1) / (m + 1))
    a, b = (LN2[0], LN2[1]) if k >= 0 else (LN2[1], LN2[0])
    return low + k * a, high + k * b


def _series(z):
    """2 artanh z for |z| <= 1/3, in integers of BITS bits."""
    x = (z.numerator * ONE) // z.denominator
    square, term, total, j = (x * x) >> BITS, x, 0, 1
    while term not in (0, -1):
        total += term // j
        term = (term * square) >> BITS
        j += 2
    # each of the j terms is off by at most a few units, so is what is left out
    return Fraction(2 * (total - 4 * j - 8), ONE), Fraction(2 * (total + 4 * j + 8), ONE)


def exp(q):
    """Two fractions around exp(q), |q| < 1e6."""
    if q < -700:  # far below everything it is compared with
        return Fraction(0), Fraction(1, 1 << 1000)
    k = round(float(q) / math.log(2.0))
    log(Fraction(1))
    r = q - k * (LN2[0] + LN2[1]) / 2
    x = (r.numerator * ONE) // r.denominator
    term, total, j = ONE, 0, 1
    while term not in (0, -1):
        total += term
        term = (term * x >> BITS) // j
        j += 1
    error = 8 * j + 8 + abs(k) * 8
    scale = Fraction(2) ** k
    return Fraction(total - error, ONE) * scale, Fraction(total + error, ONE) * scale


def softplus(t):
    """Two fractions around log(1 + exp t)."""
    if t > 0:
        low, high = softplus(-t)
        return t + low, t + high
    low, high = exp(t)
    return max(log(1 + max(low, Fraction(0)))[0], Fraction(0)), log(1 + high)[1]


def loss(kind, p, y):
    """Two fractions around L(p, y)."""
    n = len(y)
    if kind == "squared":
        value = sum(((a - b) ** 2 for a, b in zip(p, y, strict=True)), Fraction(0)) / 2
        return value, value
    if kind == "hinge":
        value = sum((max(Fraction(0), 1 - b * a) for a, b in zip(p, y, strict=True)), Fraction(0)) / n
        return value, value
    parts = [softplus(-b * a) for a, b in zip(p, y, strict=True)]
    return sum(a for a, _ in parts) / n, sum(b for _, b in parts) / n


def dual(kind, lam, y):
    """Two fractions around -L*(-lambda); None outside its domain."""
    n = len(y)
    if kind == "squared":
        value = dot(lam, y) - dot(lam, lam) / 2
        return value, value
    q = [n * a * b for a, b in zip(lam, y, strict=True)]
    if min(q) < 0 or max(q) > 1:
        return None
    if kind == "hinge":
        return sum(q) / n, sum(q) / n
    low = high = Fraction(0)
    for a in q:
        for b in (a, 1 - a):
            if 0 < b < 1:
                under, over = log(b)
                low, high = low - b * over, high - b * under
    return low / n, high / n


def predictions(X, weights, signs):
    """Of the net sum_j s_j (x.u_j)_+."""
    return [sum((s * max(dot(x, u), Fraction(0)) for u, s in zip(weights, signs)), Fraction(0)) for x in X]


def net_value(kind, X, y, beta, weights, signs):
    """Two fractions around the regularised loss of a net."""
    low, high = loss(kind, predictions(X, weights, signs), y)
    sizes = [norm(u) for u in weights]
    return low + beta * sum(a for a, _ in sizes), high + beta * sum(b for _, b in sizes)


def infeasible(X, active, U):
    """Blocks (d, P) with a row outside its cone."""
    return [
        i
        for i, u in enumerate(zip(*U))
        if any((dot(x, u) < 0) if on else (dot(x, u) > 0) for x, on in zip(X, active[:, i], strict=True))
    ]


def objective(kind, X, y, active, beta, V, W):
    """Two fractions around the objective of the convex program at (v, w), each (d, P)."""
    n = len(X)
    p = [Fraction(0)] * n
    total = [Fraction(0), Fraction(0)]
    for U, sign in ((V, 1), (W, -1)):
        for i, u in enumerate(zip(*U)):
            if not any(u):
                continue
            low, high = norm(u)
            total = [total[0] + low, total[1] + high]
            for k in range(n):
                if active[k, i]:
                    p[k] += sign * dot(X[k], u)
    low, high = loss(kind, p, y)
    return low + beta * total[0], high + beta * total[1]


def solve(M, b):
    """The solution of a square system of fractions, None if it is singular."""
    M = [list(row) + [c] for row, c in zip(M, b, strict=True)]
    m = len(M)
    for i in range(m):
        pivot = next((r for r in range(i, m) if M[r][i] != 0), None)
        if pivot is None:
            return None
        M[i], M[pivot] = M[pivot], M[i]
        for r in range(m):
            if r != i and M[r][i] != 0:
                f = M[r][i] / M[i][i]
                M[r] = [a - f * c for a, c in zip(M[r], M[i], strict=True)]
    return [M[i][m] / M[i][i] for i in range(m)]


def projected(rows, g):
    """The square of an upper bound of max {g.u : rows u >= 0, |u| <= 1}, from exact multipliers mu >= 0.

    The working set is a guess of floating point; on it the multipliers are the exact least squares.
    """
    best = dot(g, g)
    rows = [r for r in rows if any(r)]
    if not rows or best == 0:
        return best
    shift = Fraction(2) ** (-round(math.log2(float(max(abs(a) for a in g)))))
    A = np.array([[float(a / max(abs(b) for b in r)) for a in r] for r in rows])
    try:
        mu = nnls(A.T, -np.array([float(a * shift) for a in g]))[0]
    except RuntimeError:
        mu = np.zeros(len(A))
    for floor in (0.0, 1e-9):
        work = [k for k in np.flatnonzero(mu > floor * max(mu.max(), 1e-300))]
        chosen = [rows[k] for k in work]
        exact = solve([[dot(a, b) for b in chosen] for a in chosen], [-dot(a, g) for a in chosen]) if chosen else []
        if exact is not None and all(m >= 0 for m in exact):
            u = [a + sum((m * r[j] for m, r in zip(exact, chosen)), Fraction(0)) for j, a in enumerate(g)]
            best = min(best, dot(u, u))
    scaled = [Fraction(float(m)) / shift / max(abs(b) for b in rows[k]) for k, m in enumerate(mu)]
    u = [a + sum((m * r[j] for m, r in zip(scaled, rows)), Fraction(0)) for j, a in enumerate(g)]
    return min(best, dot(u, u))


def price(X, active, lam):
    """Square of an upper bound of max_i max {|lambda.D_i X u| : u in the cone of i, |u| <= 1}."""
    top = Fraction(0)
    for on in active.T:
        rows = [x if a else [-c for c in x] for x, a in zip(X, on, strict=True)]
        g = [sum((z * x[j] for z, x, a in zip(lam, X, on) if a), Fraction(0)) for j in range(len(X[0]))]
        for sign in (1, -1):
            h = [sign * a for a in g]
            if dot(h, h) > top:
                top = max(top, projected(rows, h))
    return top


def lower_bound(kind, X, y, active, beta, lam):
    """A fraction that is at most the optimum with these patterns: lambda, scaled into the dual if it has to be."""
    top = price(X, active, lam)
    theta = Fraction(1)
    if top > beta * beta:
        theta = beta / root(top)[1]
    found = dual(kind, [theta * z for z in lam], y)
    return None if found is None else found[0]


def cells(X):
    """Every sign pattern of an open cell of exact points in the plane or on the line, with a point of it."""
    seen = [x for x in X if any(x)]
    if len(X[0]) == 1:
        return [[Fraction(1)], [Fraction(-1)]]
    rays = sorted(
        {tuple(_direction(s * x[1], -s * x[0])) for x in seen for s in (1, -1)},
        key=lambda r: math.atan2(r[1], r[0]),
    )
    ordered = _by_angle(rays)
    between = [
        [a + b for a, b in zip(u, w)] if any(a + b for a, b in zip(u, w)) else [-u[1], u[0]]
        for u, w in zip(ordered, ordered[1:] + ordered[:1])
    ]
    return between


def _direction(a, b):
    top = max(abs(a), abs(b))
    return a / top, b / top


def _by_angle(rays):
    """In the order of the angle, exactly: half planes first, then the cross product."""
    from functools import cmp_to_key

    def half(r):
        return 0 if r[1] > 0 or (r[1] == 0 and r[0] > 0) else 1

    def compare(a, b):
        if half(a) != half(b):
            return half(a) - half(b)
        cross = a[0] * b[1] - a[1] * b[0]
        return -1 if cross > 0 else 1 if cross < 0 else 0

    return sorted(rays, key=cmp_to_key(compare))


def plane_patterns(X):
    """The exact patterns (n, C) of points in at most two dimensions."""
    found = {tuple(dot(x, u) >= 0 for x in X) for u in cells(X)}
    return np.array(sorted(found)).T


def price_reached(X, lam, u):
    """Two fractions around |lambda.(Xu)_+| / |u|."""
    value = abs(sum((z * max(dot(x, u), Fraction(0)) for z, x in zip(lam, X)), Fraction(0)))
    low, high = norm(u)
    return value / high, value / low


def corners(x, e):
    moving = [j for j, a in enumerate(e) if a]
    for signs in itertools.product((-1, 1), repeat=len(moving)):
        moved = list(x)
        for j, s in zip(moving, signs, strict=True):
            moved[j] += s * e[j]
        yield moved


def worst_corner(kind, X, y, e, weights, signs):
    """Two fractions around the loss of the net with every point at the corner of its box that hurts it most."""
    n, low, high = len(X), Fraction(0), Fraction(0)
    for x, b in zip(X, y, strict=True):
        scores = predictions(list(corners(x, e)), weights, signs)
        if kind == "squared":
            worst = max((s - b) ** 2 for s in scores) / 2
            low, high = low + worst, high + worst
        else:
            a, c = loss(kind, [b * min(b * s for s in scores)], [b])
            low, high = low + a / n, high + c / n
    return low, high


def bends(X, e, weights):
    """Whether a unit changes its sign inside a box."""
    for x in X:
        for u in weights:
            reach = sum((abs(a) * b for a, b in zip(u, e, strict=True)), Fraction(0))
            if abs(dot(x, u)) < reach:
                return True
    return False
