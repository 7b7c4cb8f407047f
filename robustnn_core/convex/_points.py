"""Loss and slope of one point, for kernels: of the prediction p, the label y and the parameter of the loss."""

from functools import cache

import numpy as np
from numba import cfunc


@cache
def compiled(function):
    return cfunc("f8(f8, f8, f8)", cache=True)(function)


def squared(p, y, parameter):
    return 0.5 * (p - y) * (p - y)


def squared_slope(p, y, parameter):
    return p - y


def hinge(p, y, parameter):
    return max(1.0 - y * p, 0.0)


def hinge_slope(p, y, parameter):
    return -y if 1.0 - y * p > 0.0 else 0.0


def logistic(p, y, parameter):
    return max(-y * p, 0.0) + np.log1p(np.exp(-abs(y * p)))


def logistic_slope(p, y, parameter):
    m = y * p
    return -y * (np.exp(-m) / (1.0 + np.exp(-m)) if m > 0.0 else 1.0 / (1.0 + np.exp(m)))


def huber(p, y, delta):
    size = abs(p - y)
    return 0.5 * size * size if size <= delta else delta * (size - 0.5 * delta)


def huber_slope(p, y, delta):
    return min(max(p - y, -delta), delta)
