"""Patterns: sampled, distinct, screened."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from robustnn_core import convex
from robustnn_core.convex import patterns
from tests.convex import reference_patterns as reference


def test_margin_scales_and_screen_agrees():
    X = np.random.default_rng(0).standard_normal((10, 3))
    pats = convex.enumerate_patterns(X)
    t = convex.robust_margins(X, pats, 0.05)
    np.testing.assert_allclose(convex.robust_margins(X, pats, 0.1), t / 2, rtol=1e-6)
    assert convex.screen_patterns(X, pats, 0.05).count == (t >= 1).sum()


def test_robust_sampler():
    X = np.c_[np.random.default_rng(1).standard_normal((15, 2)), np.ones(15)]
    plain = convex.sample_patterns(X, 20, seed=3, radius=0.3, bias=2)
    more = convex.sample_patterns(X, 20, seed=3, radius=0.3, bias=2, perturbations=6)
    again = convex.sample_patterns(X, 20, seed=3, radius=0.3, bias=2, perturbations=6)
    assert (more.active == again.active).all() and (more.gates == again.gates).all()
    assert {c.tobytes() for c in plain.active.T} < {c.tobytes() for c in more.active.T}
    assert ((X @ more.gates >= 0) == more.active).all()  # patterns of X itself, each with its gate
    assert {c.tobytes() for c in more.active.T} <= {c.tobytes() for c in convex.enumerate_patterns(X).active.T}


def test_longer_samples_go_on():
    X = np.random.default_rng(2).standard_normal((30, 4))
    short, long = convex.sample_patterns(X, 10, seed=5), convex.sample_patterns(X, 40, seed=5)
    assert (long.active[:, : short.count] == short.active).all()


@pytest.mark.parametrize("e", [[0.1, 0.05, 0.0], [0.0, 0.2, 0.0], [0.3, 0.3, 0.0], [0.05, 0.0, 0.0]])
def test_screen_with_vector_radii_against_all_corners(e):
    X = np.c_[np.random.default_rng(4).standard_normal((7, 2)), np.ones(7)]
    pats = convex.enumerate_patterns(X)
    kept = {c.tobytes() for c in convex.screen_patterns(X, pats, e).active.T}
    slow = {c.tobytes() for c in pats.active.T if reference.survives(X, c, np.array(e))}
    assert kept == slow


def test_width_loss_fails_where_a_column_does_not_move():
    """t* = 0 and yet the block (0, .995) is feasible, as the second column has radius 0."""
    X, e = np.array([[0.1, 0.0], [-0.1, 0.0], [0.3, 1.0], [0.2, 1.0]]), [0.05, 0.0]
    all_on = convex.Patterns(np.ones((4, 1), dtype=bool), [[0.0], [1.0]])
    assert convex.robust_margins(X, all_on, e)[0] == 0.0
    assert reference.survives(X, np.ones(4, dtype=bool), np.array(e))
    assert convex.screen_patterns(X, all_on, e).count == 1


def test_patterns_same_bits_whatever_the_threads():
    X = np.random.default_rng(6).standard_normal((200, 30))
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            found.append(convex.sample_patterns(X, 100, seed=(1, 2)))
    assert (found[0].active == found[1].active).all() and (found[0].gates == found[1].gates).all()


def test_bad_input():
    X = np.random.default_rng(0).standard_normal((4, 2))
    pats = convex.enumerate_patterns(X)
    with pytest.raises(ValueError, match="distinct"):
        convex.Patterns([[1, 1], [0, 0]], [[1.0, 2.0]])
    with pytest.raises(ValueError, match="gates"):
        convex.Patterns([[1, 0], [0, 0]], [[1.0]])
    with pytest.raises(ValueError, match="count"):
        convex.sample_patterns(X, 0, seed=0)
    with pytest.raises(ValueError, match="NaN|finite"):
        convex.sample_patterns([[np.nan, 1.0]], 3, seed=0)
    with pytest.raises(ValueError, match="radius"):
        convex.sample_patterns(X, 3, seed=0, radius=-0.1)
    with pytest.raises(ValueError, match="radius"):
        convex.screen_patterns(X, pats, [0.1, 0.1, 0.1])
    with pytest.raises(ValueError, match="the bias"):
        convex.robust_margins(
            np.c_[X, np.ones(4)], convex.enumerate_patterns(np.c_[X, np.ones(4)]), [0.1, 0.1, 0.1], bias=2
        )
    with pytest.raises(ValueError, match="sample them from this X"):
        convex.screen_patterns(X[:3], pats, 0.1)
    with pytest.raises(ValueError, match="none of count"):
        convex.sample_patterns([[0.0]], 1, seed=0)


def test_distinct_columns_in_order_of_appearance():
    active = np.random.default_rng(7).random((5, 60)) < 0.5
    first = patterns.distinct(active)
    expected = np.sort(np.unique(active, axis=1, return_index=True)[1])
    np.testing.assert_array_equal(first, expected)
    assert len(set(patterns.keys(active))) == len(first)


def test_what_is_collected_sees_a_point():
    X = np.array([[0.0, 0.0], [1.0, 0.0]])
    active = np.array([[True, True, True], [False, True, True]])
    assert patterns.collect(X, active, np.eye(2, 3), "none").active.tolist() == [[True], [True]]
    with pytest.raises(ValueError, match="none"):
        patterns.collect(X, active[:, :1], np.eye(2, 1), "none")
