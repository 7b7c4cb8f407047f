r"""How many patterns there are, and how many draws the scenario guarantee asks for."""

import math
from fractions import Fraction

from scipy import stats

from robustnn_core import checks

__all__ = ["arrangement_count", "patterns_needed"]


def arrangement_count(n, rank):
    r"""Return :math:`2\sum_{k<r}\binom{n-1}{k}`, the largest number of patterns of n points of rank r.

    Attained when every r rows are independent; a column of ones counts in the rank. The all-zero pattern is
    among them where it occurs.

    Examples
    --------
    >>> from robustnn_core.convex import arrangement_count
    >>> arrangement_count(40, 5), arrangement_count(3, 3)
    (184342, 8)
    """
    n = checks.integer(n, "n", at_least=1)
    rank = checks.integer(rank, "rank", at_least=1, at_most=n, remedy="the rank is at most the number of points")
    return 2 * sum(math.comb(n - 1, k) for k in range(rank))


def patterns_needed(n, *, psi, xi, exact=False):
    r"""Return how many independent draws make a further draw useless with probability 1 - psi, at confidence 1 - xi.

    After N draws, fixed in advance, the dual of the convex program is a scenario program of dimension n: with
    probability at least 1 - xi over the draws, one more draw lowers the optimum with probability at most psi.
    Repeated patterns count as draws. Nothing here bounds the distance to the optimum over *all* patterns, and
    neither the robust program nor a rule "stop at P distinct ones" is covered.

    Parameters
    ----------
    n : int >= 1
        Points.
    psi, xi : float in (0, 1)
    exact : bool
        Take the smallest N with :math:`P(\mathrm{Bin}(N, \psi) \le n) \le \xi` in place of the closed formulas
        :math:`\min\{(n+1)/(\psi\xi) - 1,\ (2/\psi)(n + 1 - \ln\xi)\}`.

    Examples
    --------
    >>> from robustnn_core.convex import patterns_needed
    >>> patterns_needed(600, psi=0.1, xi=0.1), patterns_needed(600, psi=0.1, xi=0.1, exact=True)
    (12067, 6310)
    """
    n = checks.integer(n, "n", at_least=1)
    psi = checks.number(psi, "psi", above=0.0, below=1.0)
    xi = checks.number(xi, "xi", above=0.0, below=1.0)
    # the first in fractions, the second rounded up: one draw fewer than the theorem asks for is no guarantee
    second = 2.0 / psi * (n + 1 - math.log(xi)) * (1.0 + 2.0**-49)
    closed = min(math.ceil(Fraction(n + 1) / (Fraction(psi) * Fraction(xi)) - 1), math.ceil(second))
    if not exact:
        return closed
    low, high = n, closed  # the tail falls in N; at N = n it is 1, at the closed value it is at most xi
    while high - low > 1:
        middle = (low + high) // 2
        if (1.0 + 1e-9) * stats.binom.cdf(n, middle, psi) <= xi:  # room for the rounding of the tail
            high = middle
        else:
            low = middle
    return high
