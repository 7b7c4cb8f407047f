"""The forms of a loss: where they start, and the step they give."""

import numpy as np
import pytest

from robustnn_core.convex import _slacks, losses

N = 7


def form(name):
    rng = np.random.default_rng(3)
    y = rng.standard_normal(N) if name in ("squared", "huber") else rng.choice([-1.0, 1.0], N)
    loss = losses.Huber(0.4) if name == "huber" else losses.get(name)
    return loss.slacks(y), rng.standard_normal(N), y


@pytest.mark.parametrize("name", ["hinge", "huber"])
def test_a_boxed_form_starts_on_the_central_path(name):
    boxed, p, _ = form(name)
    assert isinstance(boxed, _slacks.Boxed)
    for mu in (1e-4, 0.1, 10.0):
        r, s, z = boxed.start(p, mu)
        np.testing.assert_allclose(s[0] * z[0], s[1] * z[1], rtol=1e-6)
        np.testing.assert_allclose(s[1] - s[0], boxed.residual(p, r), atol=1e-9 * (1.0 + np.abs(s).max()))
        np.testing.assert_allclose(z[0] + z[1], boxed.low + boxed.high)
        assert all((part > 0.0).all() for part in (*s, *z))


@pytest.mark.parametrize("name", ["hinge", "huber"])
def test_the_step_of_a_boxed_form_solves_its_linear_equations(name):
    boxed, p, _ = form(name)
    r, s, z = boxed.start(p, 0.1)
    rng = np.random.default_rng(4)
    h, dp = [0.01 * rng.standard_normal(N) for _ in range(2)], 0.01 * rng.standard_normal(N)
    view = boxed.view(p, r, s, z)
    dr = view.delta * dp + view.shift(h)
    ds, dz = view.moves(h, dp, dr)
    for a, b, da, db, row in zip(s, z, ds, dz, h):  # s dz + z ds = h
        np.testing.assert_allclose(a * db + b * da, row, atol=1e-12)
    np.testing.assert_allclose(ds[1] - ds[0], boxed.sign * (dp - boxed.curve * dr), atol=1e-12)


def test_smooth_forms_solve_r_in_the_slope_of_the_loss():
    smooth, p, y = form("squared")
    np.testing.assert_array_equal(smooth.guess(p), p - y)
    entropic, p, y = form("logistic")
    r = entropic.start(p, 1.0)[0]
    for _ in range(30):  # Newton at fixed predictions
        view = entropic.view(p, r, [], [])
        target = view.shift([])
        r = entropic.settle(p, r, [], [], target, 1.0)[0]
    np.testing.assert_allclose(r, losses.get("logistic").slope(p, y), rtol=1e-8)
    assert entropic.young(p, r) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("name", ["RobustSquared", "RobustHinge", "RobustLogistic"])
def test_robust_forms_have_the_slope_and_curvature_of_their_loss(name):
    y = np.ones(N)
    made = getattr(_slacks, name)(y)
    Z, h = np.random.default_rng(5).uniform(0.1, 2.0, N), 1e-5
    np.testing.assert_allclose((made.slope(Z + h) - made.slope(Z - h)) / (2 * h), made.curvature(Z), atol=1e-6)
