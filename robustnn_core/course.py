"""What the assignments' checks are made of: they say what is wrong with an answer, and not what is right.

An answer may be anything. Whatever it is, a check ends in silence or in :class:`Wrong`, whose message is
one sentence for a student. The grading itself is otter-grader's.
"""

import contextlib
import signal
import threading

import numpy as np

__all__ = ["Wrong", "call", "compare", "fail"]


class Wrong(AssertionError):
    """An answer is wrong; the message says in which way."""


def fail(sentence):
    """Raise :class:`Wrong` with a sentence, and without the frames that led to it."""
    raise Wrong(sentence) from None


def call(function, *arguments, name, seconds=10):
    """Return ``function(*arguments)``; what goes wrong inside becomes a sentence.

    Parameters
    ----------
    function
        The answer; anything that is not a function is told so.
    name : str
        How the exercise calls it.
    seconds : int
        It is stopped after that long (where the system has alarms, in the main thread).

    Examples
    --------
    >>> call(lambda x: 2 * x, 3, name="double")
    6
    >>> call(None, 3, name="double")
    Traceback (most recent call last):
        ...
    robustnn_core.course.Wrong: double is still empty; replace the dots by your code.
    """
    if function is None or function is Ellipsis:
        fail(f"{name} is still empty; replace the dots by your code.")
    if not callable(function):
        fail(f"{name} is a {type(function).__name__}; it must be a function.")
    # the answer may change what it is given; that must not reach the next call
    copies = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    try:
        with _limit(seconds), np.errstate(all="ignore"):
            result = function(*copies)
    except TimeoutError:
        fail(f"{name} did not return within {seconds} seconds; look for a loop that does not end.")
    except Exception as error:  # noqa: BLE001  (anything a student can write)
        fail(f"{name} stopped with {type(error).__name__}: {str(error)[:200]}")
    if result is None or result is Ellipsis:
        fail(f"{name} returned nothing; end it with return.")
    return result


def compare(answer, expected, *, name, tol=1e-6, hint=""):
    """Raise :class:`Wrong` unless ``answer`` equals ``expected`` in shape and, up to ``tol``, in value.

    Parameters
    ----------
    answer
        Anything.
    expected : number or array_like
        Never shown.
    name : str
        What the sentence calls the answer.
    tol : float
        Relative to ``max(1, |expected|)``, entry by entry.
    hint : str
        A sentence added when the value is wrong.

    Examples
    --------
    >>> compare([1.0, 2.0], np.array([1.0, 2.0]), name="w")
    >>> compare([1.0, 2.5], np.array([1.0, 2.0]), name="w", hint="Mind the sign.")
    Traceback (most recent call last):
        ...
    robustnn_core.course.Wrong: w is too large at index (1,). Mind the sign.
    >>> compare(float("nan"), 1.0, name="w")
    Traceback (most recent call last):
        ...
    robustnn_core.course.Wrong: w contains nan or an infinity; look for a division by zero.
    """
    expected = np.asarray(expected, dtype=float)
    if answer is None or answer is Ellipsis:
        fail(f"{name} is still empty; replace the dots by your answer.")
    try:
        got = np.asarray(answer)
        if got.dtype.kind not in "biuf":
            raise TypeError
        got = got.astype(float)
    except Exception:  # noqa: BLE001
        wanted = "an array of numbers" if expected.ndim else "a number"
        fail(f"{name} is a {type(answer).__name__}; it must be {wanted}.")
    if got.shape != expected.shape:
        fail(f"{name} has shape {got.shape}; it must have shape {expected.shape}.")
    if not np.isfinite(got).all():
        fail(f"{name} contains nan or an infinity; look for a division by zero.")
    excess = got - expected
    wrong = np.abs(excess) > tol * np.maximum(1.0, np.abs(expected))
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        where = f" at index {index}" if index else ""
        fail(f"{name} is too {'large' if excess[index] > 0 else 'small'}{where}.{' ' + hint if hint else ''}")


@contextlib.contextmanager
def _limit(seconds):
    """Raise ``TimeoutError`` inside the block after ``seconds``."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
