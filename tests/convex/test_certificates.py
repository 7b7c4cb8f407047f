"""Nothing that is certified may be false: every claim of the convex part, checked in exact arithmetic.

``CERTIFICATES=20000`` runs that many instances in place of 1000 (``make check-certificates``).
"""

import os
import warnings
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from robustnn_core import checks, convex, nets, streams
from robustnn_core.convex import losses, program
from tests.convex import exact

COUNT = int(os.environ.get("CERTIFICATES", "1000"))
PARTS = 20
FAMILIES = (
    "normal",
    "grid",
    "duplicates",
    "parallel",
    "nearly parallel",
    "zero rows",
    "zero columns",
    "offset",
    "rows of all scales",
    "few points",
    "one point",
    "line",
)


def instance(seed):
    """X, y, beta, loss of a small problem: every family, loss, scale and kind of labels comes up."""
    rng = np.random.default_rng([seed, 11])
    family, loss = FAMILIES[seed % len(FAMILIES)], losses.NAMES[(seed // len(FAMILIES)) % 3]
    n, d = int(rng.integers(2, 7)), int(rng.integers(1, 4))
    X = rng.standard_normal((n, d))
    if family == "grid":
        X = rng.integers(-2, 3, (n, d)).astype(float)
    elif family == "duplicates":
        X = X[rng.integers(0, max(1, n // 2), n)]
    elif family == "parallel":
        X[1:] = X[rng.integers(0, max(1, n // 2), n - 1)] * rng.choice([2.0, -3.0, 1.0, 1e-6, 7.0], (n - 1, 1))
    elif family == "nearly parallel":
        X[1:] = X[0] + 10.0 ** rng.uniform(-16, -5) * rng.standard_normal((n - 1, d))
    elif family == "zero rows":
        X[rng.random(n) < 0.5] = 0.0
    elif family == "zero columns":
        X[:, rng.integers(d)] = 0.0
    elif family == "offset":
        X[:, 0] += 10.0 ** rng.uniform(1, 7)
        X[:, -1] = 1.0
    elif family == "rows of all scales":
        X *= 10.0 ** rng.uniform(-8, 8, (n, 1))
    elif family == "few points":
        X = rng.standard_normal((2, 3))
    elif family == "one point":
        X = X[:1]
    elif family == "line":
        X = np.c_[rng.choice([rng.uniform(-1, 1, n), np.arange(n, dtype=float), 1e5 + np.arange(n)]), np.ones(n)]
    n, d = X.shape
    if d > 1:  # no two constant columns, which are refused
        constant = np.flatnonzero((X == X[0]).all(axis=0) & (X[0] != 0.0))
        X[:, constant[1:]] = 0.0
    y = rng.standard_normal(n) if rng.random() < 0.8 else rng.integers(-2, 3, n).astype(float)
    if loss != "squared":
        y = np.where(y < 0.0, -1.0, 1.0) if rng.random() < 0.8 else np.ones(n)
    if rng.random() < 0.5:
        X = X * 10.0 ** rng.uniform(-12, 12)
        if loss == "squared":
            y = y * 10.0 ** rng.uniform(-12, 12)
    dear = np.abs(X.T @ y).max() / (1.0 if loss == "squared" else n)  # above it, up to a factor, 0 is optimal
    beta = (dear if dear > 0.0 else 1.0) * 10.0 ** (rng.uniform(-3, 0.3) if rng.random() < 0.6 else rng.uniform(-12, 4))
    return X, y, float(np.clip(beta, 1e-30, 1e30)), loss, family


def cells(X, rng):
    """Patterns of X, and whether they are meant to be all of them."""
    if rng.random() < 0.7:
        return convex.enumerate_patterns(X), True
    try:
        return convex.sample_patterns(X, 6, seed=int(rng.integers(1 << 30))), False
    except ValueError:  # no draw sees a point
        return convex.enumerate_patterns(X), True


def quiet(function, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", checks.ConvergenceWarning)
        return function(*args, **options)


def rounding(X, y, f, loss):
    """What an upper bound may exceed the exact objective by: units of the sizes that were added up."""
    unit = 2.0**-52 * (len(X) + X.shape[1] + 4 * f.patterns.count + 64)
    size = unit * (f.patterns.active * (np.abs(X) @ (np.abs(f.v) + np.abs(f.w)))).sum(axis=1)
    size += unit * (np.abs(y) if loss == "squared" else 1.0)
    if loss != "squared":
        return unit * f.objective + float(size.mean())
    p = (f.patterns.active * (X @ (f.v - f.w))).sum(axis=1)
    return unit * f.objective + float(((np.abs(p - y) + size) * size).sum() * 2.0)


def check_upper(f, X, y, Q):
    """Feasible, worth no more than it says, and that is hardly more than it is; so for the net."""
    V, W = exact.rational(f.v), exact.rational(f.w)
    assert not exact.infeasible(Q["X"], f.patterns.active, V) and not exact.infeasible(Q["X"], f.patterns.active, W)
    low, high = exact.objective(f.loss.name, Q["X"], Q["y"], f.patterns.active, Q["beta"], V, W)
    assert high <= Fraction(f.objective)
    assert Fraction(f.objective) <= low + Fraction(rounding(X, y, f, f.loss.name))
    weights, signs = exact.rational(f.net.weights), [int(s) for s in f.net.signs]
    assert exact.net_value(f.loss.name, Q["X"], Q["y"], Q["beta"], weights, signs)[1] <= Fraction(f.objective)


def check_lower(f, Q):
    assert f.lower_bound <= f.objective
    if f.lower_bound <= 0.0:
        return
    best = exact.lower_bound(f.loss.name, Q["X"], Q["y"], f.patterns.active, Q["beta"], exact.rational(f.dual))
    assert best is not None, "the dual point lies outside its box"
    assert Fraction(f.lower_bound) <= best


def check_gap(f, y, tol):
    nothing = f.loss.value(np.zeros(len(y)), y)
    assert f.gap == (
        0.0 if f.objective == f.lower_bound else (f.objective - f.lower_bound) / max(f.objective, 1e-12 * nothing)
    )
    assert f.converged == (f.gap <= tol)


def check_price(X, lam, beta, Q, rng):
    found = convex.price(X, lam, beta, exhaustive=True)
    L = exact.rational(lam)
    bound = Fraction(found.bound)
    if X.shape[1] <= 2:
        every = exact.plane_patterns(Q["X"])
        top = exact.price(Q["X"], every, L)
        assert Fraction(found.value) ** 2 <= top <= bound**2
    tried = [found.gates, X.T, -X.T, rng.standard_normal((X.shape[1], 5))]
    tried.append(convex.price(X, lam, beta, seed=0, starts=8).gates[:, :5])
    for u in np.hstack(tried).T:
        if u.any():
            assert exact.price_reached(Q["X"], L, exact.rational(u))[0] <= bound
    return found


def interpolating(X, y, shrink):
    """A net that goes through (a share of) the values at points of the form (c a, c) on a line, None elsewhere."""
    if X.shape[1] != 2 or not (X[:, 1] > 0.0).all():
        return None
    at, value = X[:, 0] / X[:, 1], shrink * y / X[:, 1]
    order = np.argsort(at)
    at, value = at[order], value[order]
    if len(at) < 2 or (np.diff(at) <= 0.0).any():
        return None
    slope = np.diff(value) / np.diff(at)
    units = [(slope[0], value[0] - slope[0] * at[0], 1.0), (-slope[0], slope[0] * at[0] - value[0], -1.0)]
    for a, step in zip(at[1:-1], np.diff(slope)):
        units.append((abs(step), -abs(step) * a, np.sign(step) or 1.0))
    return np.array([u[:2] for u in units]), np.array([u[2] for u in units])


def searched(X, y, beta, loss, rng):
    """Nets found without the package: interpolation, and descents on the balanced weights."""
    out = [(np.zeros((1, X.shape[1])), np.ones(1))]
    for shrink in (1.0, 0.9):
        if (net := interpolating(X, y, shrink)) is not None:
            out.append(net)
    size, unit = max(np.abs(X).max(), 1e-300), max(np.abs(y).max(), 1e-300) if loss == "squared" else 1.0
    A, b, weight = X / size, y / unit, beta / (size * unit)
    m = len(X) + 1
    signs = np.where(np.arange(m) % 2, -1.0, 1.0)

    def value(flat):
        U = flat.reshape(m, -1)
        Z = A @ U.T
        p = np.maximum(Z, 0.0) @ signs
        length = np.linalg.norm(U, axis=1)
        if loss == "squared":
            total, slope = 0.5 * ((p - b) ** 2).sum(), p - b
        elif loss == "hinge":
            total, slope = np.maximum(1.0 - b * p, 0.0).mean(), -b * (b * p < 1.0) / len(b)
        else:
            total, slope = np.logaddexp(0.0, -b * p).mean(), -b * (0.5 - 0.5 * np.tanh(0.5 * b * p)) / len(b)
        grad = (slope[:, None] * (Z > 0.0) * signs).T @ A + weight * U / np.maximum(length, 1e-300)[:, None]
        return total + weight * length.sum(), grad.ravel()

    for _ in range(3):
        start = rng.standard_normal(m * X.shape[1]) * 10.0 ** rng.uniform(-2, 1)
        U = minimize(value, start, jac=True, method="L-BFGS-B", options={"maxiter": 60}).x.reshape(m, -1) * unit / size
        out.append((U, signs))
    return out


def check_global(best, X, y, Q, rng):
    tol = 1e-4
    assert best.globally_optimal == (
        program.relative_gap(best.objective, best.nonconvex_lower_bound, best.loss, y) <= tol
    )
    if best.nonconvex_lower_bound <= 0.0:
        return
    for weights, signs in [*searched(X, y, best.beta, best.loss.name, rng), (best.net.weights, best.net.signs)]:
        value = exact.net_value(
            best.loss.name, Q["X"], Q["y"], Q["beta"], exact.rational(weights), [int(s) for s in signs]
        )
        assert Fraction(best.nonconvex_lower_bound) <= value[1]


@pytest.mark.parametrize("part", range(PARTS))
def test_no_input_makes_a_certificate_false(part):
    with threadpool_limits(1):
        for seed in range(part, COUNT, PARTS):
            try:
                check(seed)
                if seed % 8 == 0:
                    check_box(seed)
            except Exception as error:
                error.add_note(f"instance {seed}: {instance(seed)}")
                raise


def check(seed):
    X, y, beta, loss, family = instance(seed)
    rng = np.random.default_rng([seed, 12])
    if not X.any():
        return
    Q = {"X": exact.rational(X), "y": exact.rational(y), "beta": exact.rational(beta)}
    patterns, everything = cells(X, rng)
    for on, gate in zip(patterns.active.T, patterns.gates.T):
        u = exact.rational(gate)
        assert all((exact.dot(x, u) > 0) == bool(a) for x, a in zip(Q["X"], on) if any(x))
    tol = 10.0 ** rng.uniform(-8, -2)
    method = "admm" if seed % 17 == 0 else "interior"
    budget = int(rng.choice([2, 8, 100]))
    f = quiet(convex.fit, X, y, patterns, beta=beta, loss=loss, gap=tol, method=method, max_iter=budget)
    check_upper(f, X, y, Q)
    check_lower(f, Q)
    check_gap(f, y, tol)
    if seed % 3 == 0:
        g = convex.reduce_blocks(X, y, f)
        check_upper(g, X, y, Q)
        assert g.objective <= f.objective and g.lower_bound <= f.lower_bound
    if seed % 4 == 1:
        lam = f.dual if rng.random() < 0.5 else rng.standard_normal(len(X))
        check_price(X, lam, beta, Q, rng)
    if seed % 10 == 2:
        best = quiet(convex.refine, X, y, f, seed=seed, max_iter=3, starts=8)
        check_upper(best, X, y, Q)
        check_global(best, X, y, Q, rng)
    if seed % 9 == 4:
        gates = rng.standard_normal((X.shape[1], 4))
        s = quiet(convex.fit_sampled, X, y, gates, beta=beta, loss=loss, gap=tol, max_iter=200)
        weights, signs = exact.rational(s.net.weights), [int(a) for a in s.net.signs]
        assert exact.net_value(loss, Q["X"], Q["y"], Q["beta"], weights, signs)[1] <= Fraction(s.objective)
        assert s.lower_bound <= s.objective


#: What the worst case of a box may be off by, relative to the sizes added up: it is not rounded outwards.
BOX = 1e-12


def check_box(seed):
    """The worst case of a net, and of a robust fit, against every corner of every box."""
    rng = np.random.default_rng([seed, 13])
    loss = losses.NAMES[seed // 8 % 3]
    n, d = int(rng.integers(2, 6)), int(rng.integers(1, 3))
    X = np.c_[rng.standard_normal((n, d)) * 10.0 ** rng.uniform(-3, 3), np.ones(n)]
    if rng.random() < 0.3:
        X[:, 0] = rng.permutation(n) + 10.0 ** rng.uniform(0, 4)
    y = rng.standard_normal(n) if loss == "squared" else rng.choice([-1.0, 1.0], n)
    e = np.r_[np.ptp(X[:, :d], axis=0) * rng.uniform(0.0, 0.3, d), 0.0]
    net = nets.ReLUSum(rng.standard_normal((4, d + 1)) / (1.0 + np.abs(X).max()), rng.choice([-1.0, 1.0], 4))
    found = [(net, convex.worst_case_loss(net, X, y, radius=e, loss=loss))]
    gate = np.zeros((d + 1, 1))
    gate[-1] = 1.0
    every = convex.enumerate_patterns(X)
    f = None
    try:
        f = quiet(convex.fit_robust, X, y, every, beta=1e-2, radius=e, loss=loss)
        found.append((f.net, convex.worst_case_loss(f.net, X, y, radius=e, loss=loss)))
    except ValueError as error:  # no pattern survives the radius
        assert "leaves" in str(error)
    Q = exact.rational(X), exact.rational(y), exact.rational(e)
    for net, case in found:
        weights, signs = exact.rational(net.weights), [int(s) for s in net.signs]
        low, high = exact.worst_corner(loss, *Q, weights, signs)
        reach = np.abs(net.predict(X)).max() + (np.abs(X).max(axis=0) @ np.abs(net.weights).T).sum()
        room = Fraction(BOX * (1.0 + reach + np.abs(y).max()) ** 2)
        assert low <= Fraction(case.loss) + room  # a certified bound of every move, the corners among them
        assert case.reached <= case.loss + room
        if not exact.bends(Q[0], Q[2], weights):
            assert abs(Fraction(case.loss) - high) <= room and case.loss - case.reached <= room
    if f is not None:
        assert f.lower_bound <= f.objective
        assert abs(Fraction(f.worst_loss) - high) <= room
        assert not f.converged or f.gap <= 1e-3
        cost = exact.net_value(loss, *Q[:2], exact.rational(f.beta), weights, signs)
        assert f.lower_bound <= cost[1] + high - cost[0] + room + Fraction(f.objective)


# ------------------------------------------------------------------------ the cases that were found first


NARROW = np.array([[99999.0, 1.0], [100000.0, 1.0], [100001.0, 1.0]])


def test_nearly_parallel_points_are_not_one():
    """Merged rows certified 3.0 as the global optimum; a net predicts y at 0.600002."""
    y = np.array([1.0, -2.0, 1.0])
    f = quiet(convex.fit, NARROW, y, convex.enumerate_patterns(NARROW), beta=1e-6)
    best = quiet(convex.refine, NARROW, y, f, seed=0)
    net = [[3.0, -3e5], [-3.0, 3e5], [0.0, 2.0]]
    value = exact.net_value(
        "squared", exact.rational(NARROW), exact.rational(y), Fraction(1e-6), exact.rational(net), [1, 1, -1]
    )[1]
    assert value < Fraction(0.600003)
    assert best.nonconvex_lower_bound <= value
    assert not best.globally_optimal or best.objective <= 0.600003 * (1 + 1e-4)
    assert convex.enumerate_patterns(NARROW).count == 5  # all but the one that sees nothing


@pytest.mark.parametrize("apart", [1e-7, 1e-9, 1e-11, 1e-13, 1e-15])
def test_a_missing_cell_is_paid_for(apart):
    """Whatever the list of cells lacks: one is taken out, or is too thin for floating point."""
    X = np.array([[1.0, 0.0], [1.0, apart], [0.0, 1.0]])
    lam = np.array([1.0, -1.0, 0.5])
    Q = {"X": exact.rational(X)}
    check_price(X, lam, 1.0, Q, np.random.default_rng(0))
    from robustnn_core.convex.price import cover, price_all

    whole = convex.enumerate_patterns(X)
    true = exact.price(Q["X"], exact.plane_patterns(Q["X"]), exact.rational(lam))
    for out in range(whole.count):
        part = whole.take([i for i in range(whole.count) if i != out])
        bound = price_all(X, lam, 1.0, part, cover(X, part)).bound
        assert true <= Fraction(bound) ** 2


def test_parallel_points_are_welcome():
    X = np.array([[1.0, 2.0], [2.0, 4.0], [-3.0, -6.0], [1.0, 0.0], [0.1, 0.2], [0.3, 0.6]])
    y = np.array([1.0, 2.0, 1.0, -1.0, 0.0, 0.1])
    every = convex.enumerate_patterns(X)
    assert every.count == exact.plane_patterns(exact.rational(X)).shape[1] - 0 <= 4
    best = convex.refine(X, y, convex.fit(X, y, every, beta=0.1), seed=0)
    assert best.globally_optimal and best.stopped == "certified"


@pytest.mark.parametrize("factor", [1e-12, 1e-8, 2.0**-20, 1e8])
def test_the_units_of_y_do_not_matter(factor):
    """Page 1's example with y and beta times 1e-8 was called converged with the objective 28 per cent too high."""
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((12, 3)), rng.standard_normal(12)
    every = convex.enumerate_patterns(X)
    one = convex.fit(X, y, every, beta=0.05, gap=1e-6)
    other = convex.fit(X, factor * y, every, beta=factor * 0.05, gap=1e-6)
    assert one.converged and other.converged
    assert other.objective == pytest.approx(factor**2 * one.objective, rel=2e-6)
    if np.log2(factor).is_integer():  # nothing is rounded; otherwise the last iterate, and so the gap, moves
        assert other.gap == pytest.approx(one.gap, rel=1e-9)
    away = convex.fit(factor * X, y, every, beta=factor * 0.05, gap=1e-6)
    assert away.converged and away.objective == pytest.approx(one.objective, rel=2e-6)
    gates = rng.standard_normal((3, 8))
    fixed = convex.fit_sampled(X, y, gates, beta=0.05)
    assert convex.fit_sampled(factor * X, factor * y, gates, beta=factor**2 * 0.05).objective == pytest.approx(
        factor**2 * fixed.objective, rel=3e-6
    )


def test_an_inversion_is_seen_at_any_scale():
    with pytest.raises(RuntimeError, match="inverted"):
        program.below(1.1e-20, 1e-20)
    assert program.below(1.0 + 1e-13, 1.0) == 1.0


def test_reduced_blocks_have_the_objective_they_report():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((6, 2)) * [1.0, 1e-3], rng.standard_normal(6)
        f = quiet(convex.fit, X, y, convex.enumerate_patterns(X), beta=1e-6, gap=1e-7, max_iter=30)
        g = convex.reduce_blocks(X, y, f)
        assert program.upper_bound(X, y, g.patterns, g.beta, g.loss, g.v, g.w)[2] == g.objective <= f.objective


def test_the_entropy_near_one():
    """log(1 - q) instead of log1p(-q) put the dual value 3e-9 above the optimum at beta = 1e-11."""
    for q in (1e-11, 0.3, 1.0 - 1e-11, 1.0 - 2.0**-53, 1.0, 0.0):
        under, over = exact.dual("logistic", [Fraction(q)], [Fraction(1)])
        value = losses.get("logistic").dual(np.array([q]), np.ones(1))
        assert losses.get("logistic").floor(np.array([q]), np.ones(1)) <= under
        assert value == pytest.approx(float(over), rel=1e-13)
    X, y = np.ones((1, 1)), np.ones(1)
    f = convex.fit(X, y, convex.enumerate_patterns(X), beta=1e-11, loss="logistic")
    check_lower(f, {"X": exact.rational(X), "y": exact.rational(y), "beta": Fraction(1e-11)})
    assert losses.get("logistic").dual(np.array([1.0 + 1e-9]), np.ones(1)) == -np.inf  # not clipped


@pytest.mark.parametrize("n", [3, 5, 10, 49])
def test_the_dual_box_is_left_by_nobody(n):
    """1/5 in floating point is more than 1/5: the conjugate is infinite there."""
    z = losses.get("hinge").clip(np.ones(n), np.ones(n))
    assert n * Fraction(z[0]) <= 1 and exact.dual("hinge", exact.rational(z), [Fraction(1)] * n) is not None


def test_fit_takes_what_was_enumerated():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((5, 3))
        X[1:3] = X[0] + 10.0 ** rng.uniform(-12, -6) * rng.standard_normal((2, 3))
        every = convex.enumerate_patterns(X)
        f = quiet(convex.fit, X, rng.standard_normal(5), every, beta=0.1)
        assert f.lower_bound <= f.objective


def test_a_fit_of_other_data_is_refused():
    X, y = streams.generator(0).standard_normal((6, 2)), np.arange(6.0)
    f = convex.fit(X, y, convex.enumerate_patterns(X), beta=0.1)
    for function, options in ((convex.refine, {"seed": 0}), (convex.reduce_blocks, {})):
        with pytest.raises(ValueError, match="give the data it was fitted to"):
            function(X, y[::-1], f, **options)


def test_a_robust_fit_is_no_plain_one():
    X, y = np.array([[0.0, 1.0], [0.4, 1.0], [1.0, 1.0]]), np.array([-1.0, -1.0, 1.0])
    f = quiet(convex.fit_robust, X, y, convex.enumerate_patterns(X), beta=1e-3, radius=[0.1, 0.0])
    for function, options in ((convex.refine, {"seed": 0}), (convex.reduce_blocks, {})):
        with pytest.raises(ValueError, match="robust program"):
            function(X, y, f, **options)


@pytest.mark.parametrize("sizes", [(1e69, 1e-69), (1e-69, 1e69), (1e34, 1e34), (1e-34, 1e-34), (1e69, 1.0)])
def test_the_bounds_hold_up_to_the_sizes_that_are_refused(sizes):
    """With X of size 1e99 and y of 1e-60 the squares of the blocks vanished: the upper bound was below the optimum."""
    rng = np.random.default_rng(0)
    X, y = sizes[0] * rng.standard_normal((8, 2)), sizes[1] * rng.standard_normal(8)
    Q = {"X": exact.rational(X), "y": exact.rational(y)}
    for share in (0.3, 0.999):
        beta = share * float(np.abs(X.T @ y).max())
        f = quiet(convex.fit, X, y, convex.enumerate_patterns(X), beta=beta, gap=1e-6)
        check_upper(f, X, y, Q | {"beta": exact.rational(beta)})
        check_lower(f, Q | {"beta": exact.rational(beta)})
        assert f.converged
    check_price(X, f.dual, beta, Q, rng)


@pytest.mark.parametrize("X, dual", [([[1e-170]], [1.0]), ([[1.0]], [1e-170])])
def test_a_price_without_squares_is_refused(X, dual):
    """Its upper bound was 0."""
    with pytest.raises(ValueError, match="in other units"):
        convex.price(X, dual, 1.0, patterns=convex.Patterns([[1]], [[1.0]]))
    with pytest.raises(ValueError, match="squares"):
        convex.enumerate_patterns([[1.0, 0.0], [1e-170, 1e-170]])
    for function in (
        lambda gate: convex.Patterns([[1]], gate),
        lambda gate: convex.fit_sampled([[1.0]], [1.0], gate, beta=1.0),
    ):
        with pytest.raises(ValueError, match="squares"):
            function([[1e-161]])


@pytest.mark.parametrize(
    "spoilt", [{"X": [[1e-170], [1.0]]}, {"y": [1e-80, 0.0]}, {"beta": 1e-200}, {"X": [[1e80], [1.0]]}]
)
def test_what_has_no_square_is_refused(spoilt):
    """The length of the first row is 0 in floating point, its side is not."""
    good = {"X": [[1.0], [1.0]], "y": [1.0, 0.5], "beta": 0.1}
    with pytest.raises(ValueError, match="in other units"):
        convex.fit(**(good | spoilt), patterns=convex.Patterns([[1], [1]], [[1.0]]))


@pytest.mark.parametrize("loss", losses.NAMES)
def test_a_long_gate_rounds_more_than_few_points_do(loss):
    """One point, 1e5 columns: its output is a sum over the columns, the rounding was counted over the points."""
    for c, g in (
        (0.62428327649957, 1.1706144146936),
        (1.4545904936907, 0.9998958136876),
        (0.51599172952357, 1.257951002),
    ):
        X, beta = np.full((1, 100_000), c), 0.01 * c * np.sqrt(100_000.0)
        f = quiet(convex.fit_sampled, X, [1.0], np.full((100_000, 1), g), beta=beta, loss=loss)
        A, b = Fraction(c) * exact.root(Fraction(100_000))[1], Fraction(beta)
        if loss == "squared":  # at the slope beta/A, which falls as A grows
            assert Fraction(f.lower_bound) <= b / A - (b / A) ** 2 / 2
        elif loss == "hinge":
            assert Fraction(f.lower_bound) <= b / A
        else:
            q = b / A
            assert Fraction(f.lower_bound) <= -q * exact.log(q)[0] - (1 - q) * exact.log(1 - q)[0]
        assert f.converged


def test_no_draw_too_few():
    """The closed formula in fractions, the tail with room: never below what the theorem asks for."""
    for n in (1, 7, 600):
        for psi in (0.1, 0.03, 0.5):
            for xi in (0.1, 0.01):
                first = Fraction(n + 1) / (Fraction(psi) * Fraction(xi)) - 1
                second = 2 / Fraction(psi) * (n + 1 - exact.log(Fraction(xi))[0])
                assert convex.patterns_needed(n, psi=psi, xi=xi) >= min(first, second)


@pytest.mark.parametrize("loss", losses.NAMES)
def test_the_verifier_notices(loss):
    """What is false by little more than rounding is found out."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((6, 2)), np.where(rng.random(6) < 0.5, -1.0, 1.0)
    f = convex.fit(X, y, convex.enumerate_patterns(X), beta=0.02, loss=loss, gap=1e-9)
    Q = {"X": exact.rational(X), "y": exact.rational(y), "beta": exact.rational(f.beta)}
    check_upper(f, X, y, Q), check_lower(f, Q)
    out = f.v.copy()
    longest = int(np.linalg.norm(out, axis=0).argmax())
    k = int(np.abs(X @ out[:, longest] / np.linalg.norm(X, axis=1)).argmin())
    out[:, longest] -= (1.0 + 1e-15) * (X[k] @ out[:, longest]) / (X[k] @ X[k]) * X[k]  # just behind the hyperplane
    out[:, longest] -= 1e-13 * np.where(f.patterns.active[k, longest], 1.0, -1.0) * X[k]
    for spoilt, part in (
        ({"objective": f.objective * (1.0 - 1e-13)}, "upper"),
        ({"objective": f.objective * (1.0 + 1e-11)}, "upper"),
        ({"v": out}, "upper"),
        ({"lower_bound": f.objective}, "lower"),
        ({"dual": 0.9 * f.dual, "lower_bound": f.objective * (1.0 - 1e-9)}, "lower"),
    ):
        g = replace(f, **spoilt)
        with pytest.raises(AssertionError):
            if part == "upper":
                check_upper(g, X, y, Q)
            else:
                best = exact.lower_bound(loss, Q["X"], Q["y"], f.patterns.active, Q["beta"], exact.rational(g.dual))
                assert best is not None and Fraction(g.lower_bound) <= best
    with pytest.raises(AssertionError):
        top = exact.price(Q["X"], f.patterns.active, exact.rational(f.dual))
        assert top <= (Fraction(f.beta) * (1 - Fraction(1e-6))) ** 2
