"""Counts and guarantees."""

from robustnn_core import convex


def test_needed():
    assert convex.patterns_needed(600, psi=0.1, xi=0.1) == 12067
    assert convex.patterns_needed(600, psi=0.1, xi=0.1, exact=True) == 6310
