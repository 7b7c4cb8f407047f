"""Bounds of rounding errors, and units that round nothing."""

import math
from fractions import Fraction
from functools import cache

import numpy as np

__all__ = ["UNIT", "box_top", "roundoff", "scale_of"]

#: The unit of every rounding bound: the distance from 1 to the next number of floating point.
UNIT = 2.0**-52


def roundoff(terms, size):
    """Return a bound of the rounding error of a sum of ``terms`` products, added in any order.

    Parameters
    ----------
    terms : int
    size : float or ndarray
        Sum of the absolute values of the products, in floating point.

    Returns
    -------
    float or ndarray
        (terms + 8) * 2^-52 * size. The unit 2^-52 is twice the rounding error of one operation: the second half and
        the 8 pay for ``size`` itself, for products and roots of what is bounded, and for a factor applied later.

    References
    ----------
    Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1.

    Examples
    --------
    >>> from robustnn_core.convex.rounding import roundoff
    >>> abs(sum([0.1] * 10) - 1.0) <= roundoff(10, 1.0)
    True
    """
    return (terms + 8) * UNIT * size


def scale_of(A):
    """Return the power of two in (r/2, r], r the root mean square of ``A`` (1 if that is 0): a unit without rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex.rounding import scale_of
    >>> scale_of(np.array([3e-8, 5e-8])) == 2.0**-25
    True
    """
    top = float(np.abs(A).max())
    return 2.0 ** math.floor(math.log2(top * math.sqrt(np.mean((A / top) ** 2)))) if top > 0.0 else 1.0


@cache
def box_top(n):
    """Return the largest number of floating point that is at most 1/n: the top of the dual box.

    Examples
    --------
    >>> from robustnn_core.convex.rounding import box_top
    >>> box_top(4), box_top(5) < 0.2  # 0.2 is a little more than 1/5
    (0.25, True)
    """
    top = 1.0 / n
    return top if Fraction(top) * n <= 1 else math.nextafter(top, 0.0)
