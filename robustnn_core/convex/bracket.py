"""Best bounds so far, their trace, and the fits that end with them."""

import time

import numpy as np

from robustnn_core.convex import program
from robustnn_core.trace import Trace


class Bracket:
    """The best upper and lower bound of an optimum, who reached them and when.

    Parameters
    ----------
    upper : float
        Of the zero point.
    point, dual : ndarray
        The zero point and its multipliers, kept until something better is offered.
    rest : float
        A constant that belongs to the objective and not to the bounds offered.
    since : float, optional
        The clock's start, of ``time.perf_counter``.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex.bracket import Bracket
    >>> found = Bracket(2.0, np.zeros(1), np.zeros(1))
    >>> found.offer(1.0, np.ones(1))
    >>> found.bound(0.75, np.ones(1))
    >>> found.record()
    0.25
    """

    def __init__(self, upper, point, dual, *, rest=0.0, since=None):
        self.upper, self.lower, self.point, self.dual, self.rest = upper, -np.inf, point, dual, rest
        self.since = time.perf_counter() if since is None else since
        self.rows = []

    def offer(self, upper, point):
        """Take in an upper bound and the point that has it, if it is better."""
        if upper < self.upper:
            self.upper, self.point = upper, point

    def bound(self, lower, dual):
        """Take in a lower bound and its multipliers, if it is better."""
        if lower > self.lower:
            self.lower, self.dual = lower, dual

    @property
    def seconds(self):
        return time.perf_counter() - self.since

    @property
    def gap(self):
        """The relative gap."""
        return (self.upper - self.lower) / max(1e-12, abs(self.upper + self.rest))

    def record(self):
        """Add a row to the trace and return the gap.

        Raises
        ------
        RuntimeError
            The bracket is inverted by more than rounding.
        """
        if np.isfinite(self.lower):
            program.below(self.lower + self.rest, self.upper + self.rest)
        self.rows.append((self.seconds, self.upper + self.rest, self.lower + self.rest))
        return self.gap

    def trace(self, share=1.0):
        """Return the :class:`~robustnn_core.trace.Trace`, the bounds times ``share``."""
        seconds, upper, lower = np.array(self.rows).T
        return Trace(seconds=seconds, objective=share * upper, lower_bound=share * lower)
