import numpy as np
import pytest

from robustnn_core import convex
from robustnn_core.convex import losses
from tests.convex import reference

ALL = (*losses.LOSSES.values(), losses.Huber(0.7), losses.Huber(50.0))
N = 7


def data(loss, seed):
    rng = np.random.default_rng(seed)
    return rng, 3.0 * rng.standard_normal(N), rng.choice([-1.0, 1.0], N) if loss.labels else rng.standard_normal(N)


def plainly(loss, p, y):
    """The loss from its formula, a point at a time."""
    if loss.name == "squared":
        return sum(0.5 * (a - b) ** 2 for a, b in zip(p, y))
    if loss.name == "hinge":
        return sum(max(0.0, 1.0 - a * b) for a, b in zip(p, y)) / N
    if loss.name == "logistic":
        return sum(np.log(1.0 + np.exp(-a * b)) for a, b in zip(p, y)) / N
    r = [abs(a - b) for a, b in zip(p, y)]
    return sum(0.5 * a * a if a <= loss.delta else loss.delta * a - 0.5 * loss.delta**2 for a in r)


@pytest.mark.parametrize("loss", ALL, ids=str)
def test_value_slope_and_curvature(loss):
    for seed in range(20):
        rng, p, y = data(loss, seed)
        assert loss.value(p, y) == pytest.approx(plainly(loss, p, y), rel=1e-12)
        v, h = rng.standard_normal(N), 1e-6
        along = (loss.value(p + h * v, y) - loss.value(p - h * v, y)) / (2.0 * h)
        assert loss.slope(p, y) @ v == pytest.approx(along, abs=1e-7)
        if loss.name != "hinge":
            for k in range(N):
                e = np.eye(N)[k]
                bent = (loss.slope(p + h * e, y) - loss.slope(p - h * e, y))[k] / (2.0 * h)
                assert loss.curvature(p, y)[k] == pytest.approx(bent, abs=2e-6)
                assert bent <= loss.bend(N) * (1.0 + 1e-6)


@pytest.mark.parametrize("loss", ALL, ids=str)
def test_the_compiled_functions_are_the_same_loss(loss):
    value, slope = loss.kernels()
    share = N if loss.mean else 1
    for seed in range(5):
        _, p, y = data(loss, seed)
        points = [value.ctypes(a, b, loss.parameter) for a, b in zip(p, y)]
        np.testing.assert_allclose(points, loss.points(p, y), rtol=1e-13)
        slopes = [slope.ctypes(a, b, loss.parameter) / share for a, b in zip(p, y)]
        np.testing.assert_allclose(slopes, loss.slope(p, y), rtol=1e-13)


@pytest.mark.parametrize("loss", ALL, ids=str)
def test_young(loss):
    """-L*(-z) - z.p <= L(p) for every z of the box, with equality at minus the slope."""
    for seed in range(50):
        rng, p, y = data(loss, seed)
        z = loss.clip(rng.standard_normal(N), y)
        assert np.array_equal(loss.clip(z, y), z) and np.isfinite(loss.dual(z, y))
        assert loss.dual(z, y) - z @ p <= loss.value(p, y) + 1e-12
        best = -loss.slope(p, y)
        assert loss.dual(best, y) - best @ p == pytest.approx(loss.value(p, y), rel=1e-9)


@pytest.mark.parametrize("loss", ALL, ids=str)
def test_prox(loss):
    for seed in range(20):
        rng, q, y = data(loss, seed)
        weight = 10.0 ** rng.uniform(-2, 1)
        p = loss.prox(q, y, weight, np.zeros(N))
        least = loss.value(p, y) + 0.5 * weight * ((p - q) ** 2).sum()
        for scale in (1e-3, 1e-1, 1.0):
            other = p + scale * rng.standard_normal((50, N))
            assert all(least <= loss.value(a, y) + 0.5 * weight * ((a - q) ** 2).sum() + 1e-12 for a in other)


@pytest.mark.parametrize("shape", [(20, 4, 8), (90, 3, 6), (6, 8, 3)])
@pytest.mark.parametrize("delta", [0.1, 1.0, 100.0])
def test_huber_is_a_class_and_no_more(shape, delta):
    cp = pytest.importorskip("cvxpy")
    X, y, patterns = reference.problem(*shape, seed=3)
    y = y + 5.0 * (np.arange(len(y)) % 5 == 0)
    f = convex.fit(X, y, patterns, beta=0.2, loss=losses.Huber(delta), gap=1e-7)
    v, w = (cp.Variable((X.shape[1], patterns.count)) for _ in range(2))
    E, D = 2.0 * patterns.active - 1.0, patterns.active.astype(float)
    p = cp.sum(cp.multiply(D, X @ (v - w)), axis=1)
    penalty = 0.2 * (cp.sum(cp.norm(v, 2, axis=0)) + cp.sum(cp.norm(w, 2, axis=0)))
    rules = [cp.multiply(E, X @ b) >= 0 for b in (v, w)]
    value = cp.Problem(cp.Minimize(0.5 * cp.sum(cp.huber(p - y, delta)) + penalty), rules).solve(solver="CLARABEL")
    assert f.converged and f.objective == pytest.approx(value, rel=1e-6)
    assert f.lower_bound <= value * (1.0 + 1e-6)
    far = convex.fit(X, y, patterns, beta=0.2, loss=losses.Huber(1e4), gap=1e-7)
    assert far.objective == pytest.approx(convex.fit(X, y, patterns, beta=0.2, gap=1e-7).objective, rel=1e-6)


def test_huber_everywhere_else():
    X, y, patterns = reference.problem(20, 4, 8, seed=3)
    loss = losses.Huber(0.5)
    f = convex.fit(X, y, patterns, beta=0.2, loss=loss)
    by_admm = convex.fit(X, y, patterns, beta=0.2, loss=loss, method="admm", gap=1e-2)
    assert by_admm.lower_bound <= f.objective and f.lower_bound <= by_admm.objective
    fixed = convex.fit_sampled(X, y, patterns.gates, beta=0.2, loss=loss)
    assert fixed.converged and fixed.objective >= f.lower_bound
    with pytest.raises(ValueError, match=r"^loss = Huber\(delta=0.5\) has no robust form"):
        convex.fit_robust(X, y, patterns, beta=0.2, radius=0.0, loss=loss)


def test_a_loss_may_be_given_as_an_object():
    X, y, patterns = reference.problem(20, 4, 8, seed=3, loss="hinge")
    by_name, by_object = (convex.fit(X, y, patterns, beta=0.01, loss=loss) for loss in ("hinge", losses.Hinge()))
    assert by_name.objective == by_object.objective and by_name.loss == losses.Hinge()


@pytest.mark.parametrize("wrong", ["huber", None, 3])
def test_what_is_no_loss(wrong):
    with pytest.raises(ValueError, match=f"^loss = {wrong!r} must be one of 'squared', 'hinge', 'logistic'"):
        losses.get(wrong)


def test_delta_is_positive():
    with pytest.raises(ValueError, match=r"^delta = 0.0 must be > 0"):
        losses.Huber(0.0)
