import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import ConvergenceWarning, convex, nets
from robustnn_core.convex import _robust, experiments
from tests.convex import reference_robust as reference

often = settings(max_examples=15, deadline=None, derandomize=True)
LOSSES = ("hinge", "logistic", "squared")


def problem(seed, n=12, count=12, features=2):
    rng = np.random.default_rng(seed)
    X = np.c_[rng.uniform(-1, 1, (n, features)), np.ones(n)]
    return X, rng.choice([-1.0, 1.0], n), experiments.gates(X, count, seed, bias=-1)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("radius", [0.0, 0.03, (0.05, 0.0, 0.0)])
def test_against_clarabel(loss, radius):
    X, y, patterns = problem(3)
    e = convex.box(X, radius, bias=2)
    f = convex.fit_robust(X, y, patterns, beta=0.01, radius=radius, bias=2, loss=loss, gap=1e-3)
    value, _, _ = reference.robust_optimum(X, y, patterns.active, 0.01, e, loss)
    assert f.lower_bound <= value * (1 + 1e-6) and f.objective >= value * (1 - 1e-6)
    assert f.converged and f.gap <= 1e-3


@pytest.mark.parametrize("loss", LOSSES)
def test_both_routes_solve_the_system(loss, monkeypatch):
    X, y, patterns = problem(3)
    newton, seen = _robust._System.newton, []

    def watched(step, g):
        if len(seen) < 6:  # early, where the system is well conditioned
            seen.append(
                [np.abs(step.apply(route(g)) - g).max() / np.abs(g).max() for route in (step.reduced, step.direct)]
            )
            step.whole = None
        return newton(step, g)

    monkeypatch.setattr(_robust._System, "newton", watched)
    convex.fit_robust(X, y, patterns, beta=0.01, radius=0.03, bias=2, loss=loss)
    assert np.max(seen) < 1e-7


@often
@given(st.integers(0, 10**6), st.sampled_from(LOSSES), st.floats(0.0, 0.08))
def test_certificates(seed, loss, radius):
    X, y, patterns = problem(seed)
    f = convex.fit_robust(X, y, patterns, beta=0.01, radius=radius, bias=2, loss=loss)
    e = f.radius
    assert (
        f.lower_bound <= f.objective
        and (np.diff(f.trace.objective) <= 0).all()
        and (np.diff(f.trace.lower_bound) >= 0).all()
    )
    # feasible to the last bit, and zero where it is screened
    for B in (f.v, f.w):
        for i in range(patterns.count):
            signed = (2 * patterns.active[:, i] - 1.0) * (X @ B[:, i])
            assert signed.min() >= np.abs(B[:, i]) @ e - 1e-14
            assert not (f.screened[i] and B[:, i].any())
    penalty = 0.01 * np.sqrt((f.net.weights**2).sum(axis=1)).sum()
    assert f.worst_loss + penalty == pytest.approx(f.objective, rel=1e-9)
    assert reference.worst_loss_on_a_grid(f.net, X, y, e, loss) == pytest.approx(f.worst_loss, rel=1e-9, abs=1e-12)
    bracket = convex.worst_case_loss(f.net, X, y, radius=e, loss=loss)
    assert bracket.loss >= f.worst_loss * (1 - 1e-9) and bracket.reached == pytest.approx(
        f.worst_loss, rel=1e-6, abs=1e-9
    )
    if loss != "squared":
        met = convex.attack_box(f.net, X, y, radius=e, restarts=2, seed=0)
        found = reference.losses(f.net.predict(met), y, loss).mean()
        assert found <= f.worst_loss * (1 + 1e-9) + 1e-12
        assert np.abs(f.adversary).max(axis=0) == pytest.approx(np.minimum(np.abs(f.adversary).max(axis=0), e))


@often
@given(st.integers(0, 10**6), st.sampled_from(LOSSES[:2]), st.floats(0.0, 0.06))
def test_the_adversary_gives_the_lower_bound(seed, loss, radius):
    """Weights on moved points: a dual point of the program that sees only these moves, of the value ``lower_bound``."""
    X, y, patterns = problem(seed)
    f = convex.fit_robust(X, y, patterns, beta=0.01, radius=radius, bias=2, loss=loss)
    assert (np.abs(f.adversary) <= f.radius + 1e-15).all()
    weights, p = f.dual, np.abs(f.dual) * len(X)
    assert (p <= 1 + 1e-12).all() and (weights * y >= 0).all()
    entropy = np.where(p > 0, p * np.log(np.maximum(p, 1e-300)), 0) + np.where(
        p < 1, (1 - p) * np.log1p(-np.minimum(p, 1 - 1e-16)), 0
    )
    value = p.mean() if loss == "hinge" else -entropy.mean()
    assert value == pytest.approx(f.lower_bound, rel=1e-9, abs=1e-12)
    # no robust unit of a kept pattern, priced on the moved points, exceeds beta
    moved = weights[:, None] * (X + f.adversary)
    for i in np.flatnonzero(~f.screened):
        price = reference.priced(moved.T @ patterns.active[:, i], X, patterns.active[:, i], f.radius)
        assert price <= 0.01 * (1 + 1e-5)


@often
@given(st.integers(0, 10**6), st.sampled_from(LOSSES), st.floats(0.0, 0.5))
def test_any_net_is_bracketed(seed, loss, radius):
    rng = np.random.default_rng(seed)
    X, y, _ = problem(seed, n=5)
    net = nets.ReLUSum(rng.normal(size=(6, 3)), rng.choice([-1.0, 1.0], 6))
    bracket = convex.worst_case_loss(net, X, y, radius=radius, bias=2, loss=loss)
    grid = reference.worst_loss_on_a_grid(net, X, y, convex.box(X, radius, bias=2), loss, resolution=21)
    assert grid <= bracket.loss * (1 + 1e-12) + 1e-12 and bracket.reached <= bracket.loss * (1 + 1e-12) + 1e-12
    assert (np.abs(bracket.moves) <= convex.box(X, radius, bias=2) + 1e-15).all()
    if bracket.exact:
        assert grid == pytest.approx(bracket.loss, rel=1e-9, abs=1e-12)


def test_a_screened_pattern_cannot_carry_a_block():
    X, y, patterns = problem(5, n=20, count=60)
    f = convex.fit_robust(X, y, patterns, beta=1e-3, radius=0.1, bias=2)
    assert 0 < f.screened.sum() < patterns.count
    _, V, W = reference.robust_optimum(X, y, patterns.active, 1e-3, f.radius, "hinge")
    assert max(np.abs(V[:, f.screened]).max(), np.abs(W[:, f.screened]).max()) < 1e-4 * np.abs(V).max()


def test_with_a_still_column_a_margin_of_zero_carries_a_block():
    """The counterexample to width loss: the cone is one ray, outside of the interior point method's reach."""
    X = np.array([[0.1, 0.0], [-0.1, 0.0], [0.3, 1.0], [0.2, 1.0]])
    patterns = convex.Patterns(
        np.array([[1, 0], [1, 1], [1, 1], [1, 1]], dtype=bool), np.array([[0.0, -0.01], [1.0, 1.0]])
    )
    y = np.array([1.0, 1.0, 1.0, 1.0])
    _, V, W = reference.robust_optimum(X, y, np.ones((4, 1)), 0.01, np.array([0.05, 0.0]), "hinge")
    assert V[1, 0] - W[1, 0] > 0.9 and abs(V[0, 0]) < 1e-4
    with pytest.warns(ConvergenceWarning, match="1 of the cones have no inner point"):
        f = convex.fit_robust(X, y, patterns, beta=0.01, radius=[0.05, 0.0])
    assert not f.screened[0] and not f.converged
    with pytest.raises(ValueError, match=r"^radius leaves none .* strictly inside .*\(1 lie on the edge"):
        convex.fit_robust(X, y, patterns.take([0]), beta=0.01, radius=[0.05, 0.0])  # not "every block is 0"


def test_the_linear_control():
    X, y, _ = problem(7, n=20)
    f = convex.fit_robust_linear(X, y, beta=0.01, radius=0.05, bias=2)
    assert f.patterns.count == 1 and (X @ f.v >= 0).all() and (X @ f.w >= 0).all()
    q = (f.v - f.w)[:, 0]
    assert f.worst_loss == pytest.approx(np.maximum(1 - y * (X @ q) + f.radius @ np.abs(q), 0).mean())


def test_reproducible():
    X, y, patterns = problem(1)
    a, b = (convex.fit_robust(X, y, patterns, beta=0.01, radius=0.02, bias=2) for _ in range(2))
    np.testing.assert_array_equal(a.v, b.v)
    np.testing.assert_array_equal(a.net.weights, b.net.weights)


def test_a_pinned_net():
    """Labels that a constant answers best: the optimum is at or near 0, and the bracket still holds."""
    X, y, patterns = problem(2)
    f = convex.fit_robust(X, y, patterns, beta=100.0, radius=0.02, bias=2)
    assert f.objective == pytest.approx(1.0) and f.lower_bound == pytest.approx(1.0, rel=1e-3)
    np.testing.assert_array_equal(f.net.predict(X), 0.0)


X0, Y0, P0 = problem(0)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: convex.fit_robust(X0, Y0, P0, beta=0.0, radius=0.1, bias=2), r"^beta = 0.0 must be > 0"),
        (lambda: convex.fit_robust(X0, Y0, P0, beta=0.1, radius=-0.1, bias=2), r"^radius = -0.1 must be >= 0"),
        (lambda: convex.fit_robust(X0, Y0, P0, beta=0.1, radius=[0.1, 0.1]), r"^radius has shape \(2,\)"),
        (lambda: convex.fit_robust(X0, Y0, P0, beta=0.1, radius=[0.1, -0.1, 0.0]), r"^radius\[1\] = -0.1"),
        (
            lambda: convex.fit_robust(X0, Y0, P0, beta=0.1, radius=[0.1, 0.1, 0.1], bias=-1),
            r"^radius\[2\] = 0.1 moves column 2",
        ),
        (lambda: convex.fit_robust(X0, 2 * Y0, P0, beta=0.1, radius=0.1, bias=2), r"^y contains"),
        (
            lambda: convex.fit_robust(X0[:5], Y0[:5], P0, beta=0.1, radius=0.1, bias=2),
            r"^patterns are for n = 12 points",
        ),
        (lambda: convex.fit_robust(X0, Y0, None, beta=0.1, radius=0.1, bias=2), r"^patterns = None must be Patterns"),
        (lambda: convex.fit_robust(X0, Y0, P0, beta=0.1, radius=0.1, bias=2, loss="l1"), r"^loss = 'l1'"),
        (lambda: convex.box(X0, 0.1, bias=3), r"^bias = 3.0 must be >= -3 and <= 2; it is the index"),
        (lambda: convex.box(X0, 0.1, bias=True), r"^bias = True must be an integer"),
        (lambda: convex.box(X0, 0.1, bias=1.0), r"^bias = 1.0 must be an integer"),
        (
            lambda: convex.fit_robust(X0[::-1], Y0, P0, beta=0.1, radius=0.1, bias=2),
            r"^patterns.gates\[:, 0\] does not make",
        ),
        (lambda: convex.fit_robust_linear(X0[:, :2], Y0, beta=0.1, radius=0.1), r"^no unit sees every box"),
        (lambda: convex.worst_case_loss(None, X0, Y0, radius=0.1, bias=2), r"^net = NoneType"),
        (
            lambda: convex.worst_case_loss(nets.ReLUSum([[1.0]], [1]), X0, Y0, radius=0.1, bias=2),
            r"^net has units in dimension 1",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_radius_that_leaves_no_pattern_says_which_would():
    some = (P0.active.mean(axis=0) < 1) & (P0.active.mean(axis=0) > 0)
    few = convex.Patterns(P0.active[:, some][:, :3], P0.gates[:, some][:, :3])
    with pytest.raises(ValueError, match=r"^radius leaves none of the 3 patterns.*the scale") as error:
        convex.fit_robust(X0, Y0, few, beta=0.1, radius=5.0, bias=2)
    scale = float(str(error.value).split("the scale ")[1].split()[0])
    assert not convex.fit_robust(X0, Y0, few, beta=0.1, radius=5.0 * scale * 0.95, bias=2).screened.all()


@pytest.mark.parametrize("loss", ["hinge", "squared"])
@pytest.mark.parametrize("seed", range(8))
def test_worst_loss_is_at_least_the_exact_one(seed, loss):
    from fractions import Fraction

    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.standard_normal((6, 2)), np.ones(6)])
    y = np.where(rng.random(6) < 0.5, -1.0, 1.0)
    patterns = convex.sample_patterns(X, 8, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = convex.fit_robust(X, y, patterns, beta=0.05, radius=0.02, bias=2, loss=loss)
    total = Fraction(0)
    for k in range(6):
        q = [
            sum(Fraction(fit.v[j, i]) - Fraction(fit.w[j, i]) for i in range(patterns.count) if patterns.active[k, i])
            for j in range(3)
        ]
        p = sum(Fraction(X[k, j]) * q[j] for j in range(3))
        spread = sum(Fraction(fit.radius[j]) * abs(q[j]) for j in range(3))
        if loss == "hinge":
            total += max(Fraction(0), 1 - Fraction(y[k]) * p + spread) / 6
        else:
            total += (abs(p - Fraction(y[k])) + spread) ** 2 / 2
    assert Fraction(fit.worst_loss) >= total
