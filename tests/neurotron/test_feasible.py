import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core.neurotron import feasible
from tests.neurotron import reference

often = settings(max_examples=25, deadline=None, derandomize=True)


@often
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.floats(0, 2))
def test_the_closest_allowed_filter_against_bisection(seed, leak, theta):
    rng = np.random.default_rng(seed)
    w, truth, x = rng.normal(size=(3, 3))
    y = reference.sigma(float(truth @ x), leak) + theta * rng.uniform(-1, 1)
    step = (feasible.closest(w @ x, y, theta=theta, leak=leak) - w @ x) / (x @ x)
    np.testing.assert_allclose(w + step * x, reference.closest_allowed(w, x, y, theta, leak), atol=1e-9)


def test_feasible_corners_of_labels_that_a_filter_made():
    X = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    corners = feasible.corners(X, [1.0, 2.0, 0.0, 0.0], theta=0.25)
    assert {tuple(c) for c in corners.round(9)} >= {(0.75, 1.75), (1.25, 2.25), (0.75, 2.25), (1.25, 1.75)}
    fits = [max(abs(reference.sigma(float(c @ x), 0.0) - y) for x, y in zip(X, (1, 2, 0, 0))) for c in corners]
    assert max(fits) <= 0.25 * (1 + 1e-9)


def test_widest_pair_is_not_beaten_by_random_pairs():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3, 2))
    X = np.concatenate([X, -X]) / np.linalg.norm(np.concatenate([X, -X]), axis=1, keepdims=True)
    w, other = feasible.widest_pair(X, theta=0.5)
    widest = np.linalg.norm(w - other)
    assert np.abs(np.maximum(X @ w, 0) - np.maximum(X @ other, 0)).max() <= 1.0 + 1e-9
    for one, two in rng.normal(size=(3000, 2, 2)) * 3:
        gap = np.abs(np.maximum(X @ one, 0) - np.maximum(X @ two, 0)).max()
        scale = 1.0 / gap  # both scaled: the gate is homogeneous
        assert np.linalg.norm(one - two) * scale <= widest * (1 + 1e-6)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: feasible.closest(0.0, 1.0, theta=-0.1), r"^theta = -0.1 must be >= 0"),
        (lambda: feasible.closest(0.0, 1.0, theta=0.1, leak=1.5), r"^leak = 1.5 must be >= 0 and <= 1"),
        (
            lambda: feasible.corners(np.eye(3), [1, 2, 3], theta=0.1),
            r"^X has shape \(3, 3\); it must have shape \(N, 2\)",
        ),
        (lambda: feasible.corners(np.eye(2), [1, 2], theta=0), r"^theta = 0.0 must be > 0"),
        (lambda: feasible.widest_pair(np.eye(3), theta=0.1), r"^X has shape \(3, 3\)"),
        (lambda: feasible.widest_pair(np.eye(2), theta=-1), r"^theta = -1.0 must be > 0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_sample_that_sees_one_direction_has_no_widest_pair():
    assert np.isinf(feasible.widest_pair([[1.0, 0.0], [-1.0, 0.0]], theta=0.1)).all()
