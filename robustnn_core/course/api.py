"""What the checks of exercises are made of: they say what is wrong with an answer, and not what is right.

An answer may be anything. Whatever it is, a check ends in silence or in :class:`Wrong`, whose message is
one sentence for a student. The checks stand in ``robustnn_core.course.checks``.
"""

import builtins
import contextlib
import importlib
import importlib.util
import signal
import sys
import threading
from dataclasses import MISSING, dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

__all__ = ["Grader", "Verdict", "Wrong", "call", "check", "compare", "fail", "grader", "numbers", "parts"]

EXACT = (bool, int, float, Fraction, Decimal, np.bool_, np.integer, np.floating)  # what an array of objects may hold


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
    >>> from robustnn_core.course import call
    >>> call(lambda x: 2 * x, 3, name="double")
    6
    >>> call(None, 3, name="double")
    Traceback (most recent call last):
        ...
    robustnn_core.course.api.Wrong: double is still empty; replace the dots by your code.
    """
    if function is None or function is Ellipsis:
        fail(f"{name} is still empty; replace the dots by your code.")
    if not callable(function):
        fail(f"{name} is {_a(function)}; it must be a function.")
    # the answer may change what it is given; that must not reach the next call
    copies = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    try:
        with _limit(seconds), _alone(), np.errstate(all="ignore"):
            result = function(*copies)
    except TimeoutError:
        fail(
            f"{name} did not return within {seconds} seconds. If it is right, it is too slow: work on whole arrays; "
            "otherwise look for a loop that does not end."
        )
    except KeyboardInterrupt:
        fail(f"{name} was interrupted before it returned.")
    except Wrong:  # whoever asks in another process has said it already
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  (anything a student can write)
        fail(f"{name} stopped with {_said(error)}.")
    if result is None or result is Ellipsis:
        fail(f"{name} returned nothing; replace the dots by your code, and end it with return.")
    return result


def numbers(answer, *, name, shape=()):
    """Return ``answer`` as a finite float array of the given shape, or raise :class:`Wrong`.

    Parameters
    ----------
    answer
        Anything.
    name : str
        What the sentence calls the answer.
    shape : tuple of int
        ``()`` for a single number.

    Examples
    --------
    >>> from robustnn_core.course import numbers
    >>> numbers([1, 2], name="w", shape=(2,))
    array([1., 2.])
    >>> numbers("1", name="w")
    Traceback (most recent call last):
        ...
    robustnn_core.course.api.Wrong: w is a str; it must be a number.
    >>> numbers([[1.0, 2.0]], name="w", shape=(2,))
    Traceback (most recent call last):
        ...
    robustnn_core.course.api.Wrong: w has shape (1, 2); it must have shape (2,).
    """
    if answer is None or answer is Ellipsis:
        fail(f"{name} is still empty; replace the dots by your answer.")
    try:
        got = np.asarray(answer)
        if got.dtype.kind == "O" and not all(isinstance(v, EXACT) for v in got.flat) or got.dtype.kind not in "biufO":
            raise TypeError
        got = got.astype(float)
    except OverflowError:
        fail(f"{name} is an integer or a fraction too large for a floating-point number; look for an overflow.")
    except Exception:  # noqa: BLE001
        fail(f"{name} is {_a(answer)}; it must be {'an array of numbers' if shape else 'a number'}.")
    if got.shape != tuple(shape):
        fail(
            f"{name} has shape {got.shape}; it must {f'have shape {tuple(shape)}' if shape else 'be a single number'}."
        )
    if np.isnan(got).any():
        fail(f"{name} contains nan; look for 0/0, or for a root or a logarithm of a negative number.")
    if np.isinf(got).any():
        fail(f"{name} contains an infinity; look for a division by zero, or for an overflow as in exp(1000).")
    return got


def parts(answer, count, *, name, what):
    """Return the ``count`` parts of an answer that is a tuple, a list or one stacked array, or raise :class:`Wrong`.

    Parameters
    ----------
    answer
        Anything.
    count : int
        How many there must be.
    name : str
        The answer's name.
    what : str
        What must be returned, as it stands in the sentence.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.course import parts
    >>> parts(np.eye(2), 2, name="split", what="two arrays")
    [array([1., 0.]), array([0., 1.])]
    >>> parts(1.0, 2, name="split", what="two arrays")
    Traceback (most recent call last):
        ...
    robustnn_core.course.api.Wrong: split must return two arrays; it returned a float.
    """
    if not (isinstance(answer, tuple | list) or isinstance(answer, np.ndarray) and answer.ndim):
        if not hasattr(answer, "__next__"):
            fail(f"{name} must return {what}; it returned {_a(answer)}.")
    found = list(answer)
    if len(found) != count:
        fail(f"{name} must return {what}; it returned {len(found)} things.")
    return found


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
    >>> import numpy as np
    >>> from robustnn_core.course import compare
    >>> compare([1.0, 2.0], np.array([1.0, 2.0]), name="w")
    >>> compare([1.0, 2.5], np.array([1.0, 2.0]), name="w", hint="Mind the sign.")
    Traceback (most recent call last):
        ...
    robustnn_core.course.api.Wrong: w is too large at index (1,) (tolerance 1e-06). Mind the sign.
    >>> compare(float("nan"), 1.0, name="w")
    Traceback (most recent call last):
        ...
    robustnn_core.course.api.Wrong: w contains nan; look for 0/0, or for a root or a logarithm of a negative number.
    """
    expected = np.asarray(expected, dtype=float)
    got = numbers(answer, name=name, shape=expected.shape)
    excess = got - expected
    wrong = np.abs(excess) > tol * np.maximum(1.0, np.abs(expected))
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        where = f" at index {index}" if index else ""
        size = "large" if excess[index] > 0 else "small"
        within = f" (tolerance {tol:g})" if tol else ""
        fail(f"{name} is too {size}{where}{within}.{' ' + hint if hint else ''}")


def check(page, name, answer):
    """Raise :class:`Wrong` if the public check of an exercise finds something wrong with ``answer``.

    Parameters
    ----------
    page : str
        A module of ``robustnn_core.course.checks``, such as ``"neurotron_1"``.
    name : str
        The answer's name in the notebook.
    answer
        Anything.

    Examples
    --------
    >>> from robustnn_core.course import check
    >>> check("breakdown_assignment", "trimmed_loss", lambda residuals, h: sum(sorted(residuals**2)[:h]))
    >>> check("breakdown_assignment", "trimmed_loss", lambda residuals, h: 0.0)
    Traceback (most recent call last):
        ...
    robustnn_core.course.api.Wrong: trimmed_loss with h = n is too small (tolerance 1e-06). All are kept.
    """
    public = getattr(_checks(page), name)
    try:
        public(answer)
    except Wrong:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  (the check stumbled over what the answer returned)
        fail(f"{name} returned something that cannot be used here ({_said(error)}).")


@dataclass(frozen=True)
class Verdict:
    """What the public check of an answer found.

    Attributes
    ----------
    name : str
        The answer's name.
    sentence : str
        What is wrong with it; empty if nothing was found.
    """

    name: str
    sentence: str

    def __repr__(self):
        return self.sentence or f"{self.name}: public checks passed."


@dataclass(frozen=True)
class Grader:
    """The public checks of a page in a notebook; made by :func:`grader`.

    Attributes
    ----------
    page : str
        A module of ``robustnn_core.course.checks``.
    """

    page: str

    def check(self, name, answer=MISSING):
        """Return a :class:`Verdict` on an answer of the notebook.

        Parameters
        ----------
        name : str
            The answer's name.
        answer
            The answer, where it is not what the notebook calls ``name``.

        Raises
        ------
        ValueError
            If the page asks for no such answer.
        """
        asked = list(_checks(self.page).EXERCISES.values())
        if name not in asked:
            raise ValueError(f"name: {self.page} has no answer {name!r}; it asks for {', '.join(asked)}")
        if answer is MISSING:
            answer = sys._getframe(1).f_globals.get(name)
        try:
            check(self.page, name, answer)
        except Wrong as wrong:
            return Verdict(name, str(wrong))
        return Verdict(name, "")


def grader(page):
    """Return the checker of a page: in a notebook, ``grader.check("NAME")`` checks the answer NAME.

    Parameters
    ----------
    page : str
        A module of ``robustnn_core.course.checks``, such as ``"neurotron_1"``.

    Raises
    ------
    ValueError
        If there is no such module.

    Examples
    --------
    >>> from robustnn_core.course import grader
    >>> grader("breakdown_assignment").check("trimmed_loss", lambda residuals, h: sum(sorted(residuals**2)[:h]))
    trimmed_loss: public checks passed.
    """
    _checks(page)
    return Grader(page)


def _said(error):
    """Return an exception as part of a sentence."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}".rstrip(".: ")


def _a(answer):
    """Return the type of an answer with its article."""
    name = type(answer).__name__
    return f"a{'n' * (name[0] in 'aeio')} {name}"


def _checks(page):
    """Return the module with a page's public checks."""
    if importlib.util.find_spec(f"robustnn_core.course.checks.{page}") is None:
        raise ValueError(
            f"page: there are no checks for {page!r}; it must be the name of a module of robustnn_core.course.checks"
        )
    return importlib.import_module(f"robustnn_core.course.checks.{page}")


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


@contextlib.contextmanager
def _alone():
    """Let ``exit()`` raise ``SystemExit`` inside the block, in a notebook too, and ``input()`` refuse at once."""

    def refuse(*_):
        raise RuntimeError("an answer gets its arguments, and cannot ask for more with input()")

    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    before, builtins.input = builtins.input, refuse
    if shell is not None:
        shell.ask_exit = sys.exit  # its own ends the kernel
    try:
        yield
    finally:
        builtins.input = before
        if shell is not None:
            del shell.ask_exit
