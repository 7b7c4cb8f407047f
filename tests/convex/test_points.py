"""Loss and slope of one point."""

import numpy as np
import pytest

from robustnn_core.convex import _points


@pytest.mark.parametrize("name", ["squared", "hinge", "logistic", "huber"])
def test_the_slope_is_that_of_the_loss(name):
    value, slope = getattr(_points, name), getattr(_points, f"{name}_slope")
    for y in (1.0, -1.0):
        for p in (-3.1, -0.4, 0.2, 2.6):
            difference = (value(p + 1e-6, y, 0.7) - value(p - 1e-6, y, 0.7)) / 2e-6
            assert slope(p, y, 0.7) == pytest.approx(difference, abs=1e-8)


def test_values_by_hand():
    assert _points.squared(3.0, 1.0, 0.0) == 2.0 and _points.hinge(-2.0, 1.0, 0.0) == 3.0
    assert _points.logistic(0.0, 1.0, 0.0) == np.log(2.0) and _points.logistic(800.0, -1.0, 0.0) == 800.0
    assert _points.huber(1.5, 1.0, 1.0) == 0.125 and _points.huber(4.0, 1.0, 1.0) == 2.5
