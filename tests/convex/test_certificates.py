"""Nothing that is certified may be false: every claim of the convex part, checked in exact arithmetic.

``CERTIFICATES=20000`` runs that many instances in place of 1000 (``make check-certificates``).
"""

import os
import warnings
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import minimize

from robustnn_core import convex
from robustnn_core.convex import program
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
    family, loss = FAMILIES[seed % len(FAMILIES)], program.LOSSES[(seed // len(FAMILIES)) % 3]
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
        warnings.simplefilter("ignore", UserWarning)
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
    low, high = exact.objective(f.loss, Q["X"], Q["y"], f.patterns.active, Q["beta"], V, W)
    assert high <= Fraction(f.objective)
    assert Fraction(f.objective) <= low + Fraction(rounding(X, y, f, f.loss))
    weights, signs = exact.rational(f.net.weights), [int(s) for s in f.net.signs]
    assert exact.net_value(f.loss, Q["X"], Q["y"], Q["beta"], weights, signs)[1] <= Fraction(f.objective)


def check_lower(f, Q):
    assert f.lower_bound <= f.objective
    if f.lower_bound <= 0.0:
        return
    best = exact.lower_bound(f.loss, Q["X"], Q["y"], f.patterns.active, Q["beta"], exact.rational(f.dual))
    assert best is not None, "the dual point lies outside its box"
    assert Fraction(f.lower_bound) <= best


def check_gap(f, y, tol):
    nothing = program.loss_value(f.loss, np.zeros(len(y)), y)
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
    for weights, signs in [*searched(X, y, best.beta, best.loss, rng), (best.net.weights, best.net.signs)]:
        value = exact.net_value(
            best.loss, Q["X"], Q["y"], Q["beta"], exact.rational(weights), [int(s) for s in signs]
        )
        assert Fraction(best.nonconvex_lower_bound) <= value[1]


@pytest.mark.parametrize("part", range(PARTS))
def test_no_input_makes_a_certificate_false(part):
    for seed in range(part, COUNT, PARTS):
        try:
            check(seed)
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
    f = quiet(convex.fit, X, y, patterns, beta=beta, loss=loss, tol=tol, method=method, max_iterations=budget)
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
        best = quiet(convex.refine, X, y, f, seed=seed, rounds=3, starts=8)
        check_upper(best, X, y, Q)
        check_global(best, X, y, Q, rng)
    if seed % 9 == 4:
        gates = rng.standard_normal((X.shape[1], 4))
        s = quiet(convex.sampled_convex, X, y, gates, beta=beta, loss=loss, tol=tol, max_sweeps=200)
        weights, signs = exact.rational(s.net.weights), [int(a) for a in s.net.signs]
        assert exact.net_value(loss, Q["X"], Q["y"], Q["beta"], weights, signs)[1] <= Fraction(s.objective)
        assert s.lower_bound <= s.objective
