"""What a learner leaves behind: its last weights, and its errors along the way."""

from dataclasses import dataclass

import numpy as np

from robustnn_core import checks
from robustnn_core.trace import Trace

__all__ = ["Errors", "Run", "distance", "finished", "first_weights", "record_times"]


class Errors(Trace):
    r"""The errors of every repeat along the way, a :class:`~robustnn_core.trace.Trace` with two columns.

    Attributes
    ----------
    steps : ndarray, shape (S,), int
        Updates made when each record was taken; 0 is the start.
    errors : ndarray, shape (S, repeats)
        \|w - w*\| of each repeat.

    Examples
    --------
    >>> from robustnn_core.neurotron.runs import Errors
    >>> Errors(steps=[0, 10], errors=[[3.0, 4.0], [0.0, 1.0]]).mean_square
    array([12.5,  0.5])
    """

    @property
    def mean_square(self):
        r"""The estimate of Delta_t = E\|w - w*\|^2, shape (S,)."""
        return _mean_square(self.errors)

    @property
    def rms(self):
        """Its root, shape (S,)."""
        return np.sqrt(self.mean_square)

    def quantile(self, q):
        """The q-quantile over the repeats, shape (S,)."""
        return np.quantile(self.errors, q, axis=1)


@dataclass(frozen=True, eq=False)
class Run:
    """What the learners of this wing return.

    Attributes
    ----------
    weights : ndarray, shape (repeats, r)
        The last weights of every repeat.
    errors : ndarray, shape (repeats,)
        Their distance to w*; huge, inf or nan where a repeat diverged.
    diverged : ndarray of bool, shape (repeats,)
        The last squared error is no finite number: too large a step. Then ``rms`` is inf or nan and says nothing.
    trace : Errors
    steps : int
        Updates made: fewer than asked for only if the run was interrupted.
    """

    weights: np.ndarray
    errors: np.ndarray
    diverged: np.ndarray
    trace: Errors
    steps: int

    @property
    def rms(self):
        """Root mean square error at the end."""
        return float(np.sqrt(_mean_square(self.errors)))


def record_times(steps, records):
    """Return the updates after which the errors are recorded: at most ``records``, evenly spaced, both ends in.

    Examples
    --------
    >>> from robustnn_core.neurotron.runs import record_times
    >>> record_times(100, 5)
    array([  0,  25,  50,  75, 100])
    """
    steps = checks.integer(steps, "steps", at_least=0)
    records = checks.integer(records, "records", at_least=2)
    return np.unique(np.linspace(0, steps, min(records, steps + 1)).round().astype(np.int64))


def first_weights(start, repeats, r):
    """Return the first weights of every repeat, (repeats, r): 0, one start for all, or one for each.

    Examples
    --------
    >>> from robustnn_core.neurotron.runs import first_weights
    >>> first_weights([1.0, 2.0], 2, 2)
    array([[1., 2.],
           [1., 2.]])
    """
    if start is None:
        return np.zeros((repeats, r))
    if np.ndim(start) == 2:
        return checks.array(start, "start", shape=(repeats, r)).copy()
    return np.repeat(checks.array(start, "start", shape=(r,))[None], repeats, axis=0)


def distance(weights, w_star):
    r"""Return \|w - w*\| of every row; a run that diverged is inf or nan, not a warning.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.neurotron.runs import distance
    >>> distance(np.array([[3.0, 4.0]]), np.zeros(2))
    array([5.])
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return np.linalg.norm(weights - w_star, axis=1)


def finished(name, weights, steps, errors, *, remedy):
    """Return the :class:`Run`, and warn if a repeat diverged; to be called by the public function itself.

    Parameters
    ----------
    name : str
        Of the public function, for the warning.
    weights : ndarray, shape (repeats, r)
    steps : ndarray, shape (S,)
    errors : ndarray, shape (S, repeats)
    remedy : str

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.neurotron.runs import finished
    >>> finished("train", np.zeros((1, 2)), [0, 10], [[3.0], [4.0]], remedy="").rms
    4.0
    """
    trace = Errors(steps=steps, errors=errors)
    with np.errstate(over="ignore"):
        finite = np.isfinite(trace.errors**2)
    diverged = ~finite[-1]
    if diverged.any():
        by = trace.steps[np.argmin(finite.all(axis=1))]
        reached = f"{diverged.sum()} of {len(diverged)} repeats diverged, by update {by}"
        checks.warn_unconverged(f"neurotron.{name}", reached, "finite weights", remedy, stacklevel=4)
    return Run(weights, trace.errors[-1].copy(), diverged, trace, int(trace.steps[-1]))


def _mean_square(errors):
    with np.errstate(over="ignore"):
        return (errors**2).mean(axis=-1)
