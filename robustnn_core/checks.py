"""The one place that validates input.

Every function takes a value and the name of the argument it came from, and either returns the value in
the form the kernels want (C-contiguous ``float64``, Python ``int``...) or raises a ``ValueError`` that
names the argument, the value and the remedy. Nothing is clipped.
"""

import math
import numbers
import warnings

import numpy as np

__all__ = [
    "ConvergenceWarning",
    "array",
    "boolean_array",
    "choice",
    "count",
    "fraction",
    "integer",
    "number",
    "signs",
    "squarable",
    "warn_unconverged",
]


class ConvergenceWarning(UserWarning):
    """An iterative function stopped before it reached what was asked; its result says ``converged=False``."""


def warn_unconverged(function, reached, wanted, remedy, *, stacklevel=3):
    """Warn, once and in one form, that ``function`` stopped short.

    Parameters
    ----------
    function : str
        Public name, for instance ``"convex.fit"``.
    reached, wanted : str
        What there is and what was asked, for instance ``"gap 0.96 after 200 iterations"`` and ``"gap = 1e-06"``.
    remedy : str
        What the caller can do.
    stacklevel : int >= 1
        3 points at the caller of the public function that calls this one.

    Examples
    --------
    >>> import warnings
    >>> from robustnn_core.checks import warn_unconverged
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn_unconverged("convex.fit", "gap 0.96 after 3 iterations", "gap = 1e-06", "raise max_iter")
    >>> print(caught[0].message)
    convex.fit stopped short: gap 0.96 after 3 iterations, wanted gap = 1e-06; raise max_iter
    """
    text = f"{function} stopped short: {reached}, wanted {wanted}; {remedy}"
    warnings.warn(text, ConvergenceWarning, stacklevel=stacklevel)


def array(value, name, *, shape=None, finite=True, min_rows=None):
    """Return ``value`` as a C-contiguous ``float64`` array of the wanted shape.

    Parameters
    ----------
    value : array_like of real numbers
    name : str
        Name of the argument, for the message.
    shape : tuple, optional
        Wanted shape; an ``int`` fixes a length, a ``str`` (``"n"``) leaves it free and names it.
    finite : bool
        Refuse NaN and infinities (default).
    min_rows : int, optional
        Smallest allowed length of the first axis.

    Raises
    ------
    ValueError
        Ragged, not real, of the wrong shape, empty, or not finite.

    Examples
    --------
    >>> from robustnn_core.checks import array
    >>> array([[1, 2], [3, 4]], "X", shape=("n", 2)).dtype
    dtype('float64')
    >>> array([1.0, float("nan")], "y")
    Traceback (most recent call last):
        ...
    ValueError: y contains nan at index (1,); remove or impute the non-finite entries
    """
    try:
        raw = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is ragged ({error}); give every row the same length") from None
    if raw.dtype == object or raw.dtype.kind not in "biuf":
        raise ValueError(f"{name} has dtype {raw.dtype}; give real numbers in a rectangular array")
    result = np.ascontiguousarray(raw, dtype=np.float64)
    if raw.ndim == 0:
        result = result.reshape(())
    if shape is not None:
        fits = result.ndim == len(shape) and all(
            isinstance(want, str) or want == got for want, got in zip(shape, result.shape)
        )
        if not fits:
            wanted = "(" + ", ".join(str(s) for s in shape) + ("," if len(shape) == 1 else "") + ")"
            raise ValueError(f"{name} has shape {result.shape}; it must have shape {wanted}")
    if result.size == 0:
        raise ValueError(f"{name} is empty (shape {result.shape}); give at least one entry")
    if min_rows is not None and result.shape[0] < min_rows:
        raise ValueError(f"{name} has {result.shape[0]} rows; at least {min_rows} are needed")
    if finite and not np.isfinite(result).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(result))[0])
        raise ValueError(f"{name} contains {result[where]} at index {where}; remove or impute the non-finite entries")
    return result


def boolean_array(value, name, *, shape=None):
    """Return ``value`` as a C-contiguous boolean array (``bool`` or 0/1 entries) of the wanted shape.

    Examples
    --------
    >>> from robustnn_core.checks import boolean_array
    >>> boolean_array([0, 1], "active")
    array([False,  True])
    """
    result = array(value, name, shape=shape)
    if not np.isin(result, (0.0, 1.0)).all():
        bad = result[~np.isin(result, (0.0, 1.0))][0]
        raise ValueError(f"{name} contains {bad}; its entries must be booleans (or 0 and 1)")
    return np.ascontiguousarray(result, dtype=np.bool_)


def signs(value, name, *, length=None):
    """Return a vector of +1 and -1 as ``float64``.

    Examples
    --------
    >>> from robustnn_core.checks import signs
    >>> signs([1, -1], "signs")
    array([ 1., -1.])
    """
    result = array(value, name, shape=("k" if length is None else length,))
    if not (np.abs(result) == 1.0).all():
        bad = result[np.abs(result) != 1.0][0]
        raise ValueError(f"{name} contains {bad}; every entry must be +1 or -1")
    return result


def squarable(value, name, *, axis=None):
    """Return an array as it is, if sums of its squares neither overflow nor vanish; zeros are welcome.

    Parameters
    ----------
    value : ndarray
    name : str
    axis : int, optional
        The largest entries along this axis must each be 0 or in [1e-100, 1e100]; default: the largest of all.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.checks import squarable
    >>> squarable(np.array([1.0, 1e200]), "y")
    Traceback (most recent call last):
        ...
    ValueError: y has entries of size 1e+200, whose squares leave the range of floating point; change its unit
    """
    largest = np.atleast_1d(np.abs(value).max(axis=axis))
    bad = largest[(largest > 1e100) | ((largest < 1e-100) & (largest > 0))]
    if bad.size:
        raise ValueError(
            f"{name} has entries of size {bad[0]:.3g}, whose squares leave the range of floating point; change its unit"
        )
    return value


def number(value, name, *, above=None, at_least=None, below=None, at_most=None, remedy=""):
    """Return ``value`` as a finite ``float`` inside the given range.

    Examples
    --------
    >>> from robustnn_core.checks import number
    >>> number(2, "eta", above=0)
    2.0
    >>> number(-1, "eta", above=0)
    Traceback (most recent call last):
        ...
    ValueError: eta = -1.0 must be > 0
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (numbers.Real, np.ndarray)):
        raise ValueError(f"{name} = {value!r} must be a real number")
    if isinstance(value, np.ndarray) and (value.ndim != 0 or value.dtype.kind not in "iuf"):
        raise ValueError(f"{name} must be one real number, not an array of shape {value.shape}")
    result = float(value)
    if not np.isfinite(result):
        raise ValueError(f"{name} = {result} must be a finite number")
    bounds = [
        (above, lambda b: result > b, ">"),
        (at_least, lambda b: result >= b, ">="),
        (below, lambda b: result < b, "<"),
        (at_most, lambda b: result <= b, "<="),
    ]
    wanted = [f"{sign} {bound:.6g}" for bound, _, sign in bounds if bound is not None]
    if not all(holds(bound) for bound, holds, _ in bounds if bound is not None):
        raise ValueError(f"{name} = {result} must be {' and '.join(wanted)}" + (f"; {remedy}" if remedy else ""))
    return result


def fraction(value, name):
    """Return ``value`` as a ``float`` in [0, 1].

    Examples
    --------
    >>> from robustnn_core.checks import fraction
    >>> fraction(0.25, "delta")
    0.25
    """
    return number(value, name, at_least=0.0, at_most=1.0)


def integer(value, name, *, at_least=None, at_most=None, remedy=""):
    """Return ``value`` as an ``int`` inside the given range.

    Examples
    --------
    >>> from robustnn_core.checks import integer
    >>> integer(3, "steps", at_least=1)
    3
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise ValueError(f"{name} = {value!r} must be an integer")
    number(int(value), name, at_least=at_least, at_most=at_most, remedy=remedy)
    return int(value)


def count(value, name, *, of, at_least=1, at_most=None, remedy=""):
    """Return how many of ``of`` things ``value`` means: an int says it, a float in (0, 1] is a share, rounded up.

    Examples
    --------
    >>> from robustnn_core.checks import count
    >>> count(3, "keep", of=10), count(0.25, "keep", of=10), count(1.0, "keep", of=10)
    (3, 3, 10)
    """
    at_most = of if at_most is None else at_most
    if isinstance(value, numbers.Integral):
        return integer(value, name, at_least=at_least, at_most=at_most, remedy=remedy)
    share = number(value, name, above=0.0, at_most=1.0, remedy="give a whole number, or a share")
    result = math.ceil(round(share * of, 9))
    if not at_least <= result <= at_most:
        said = f"{name} = {share} means {result} of {of}, which must be between {at_least} and {at_most}"
        raise ValueError(said + (f"; {remedy}" if remedy else ""))
    return result


def choice(value, name, options):
    """Return ``value`` if it is one of ``options``.

    Examples
    --------
    >>> from robustnn_core.checks import choice
    >>> choice("l2", "norm", ("l2", "linf"))
    'l2'
    """
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} = {value!r} must be one of {', '.join(repr(o) for o in options)}")
    return value
