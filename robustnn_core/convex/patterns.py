r"""Activation patterns: which points a ReLU unit sees.

A *gate* a in R^d gives the pattern :math:`D = \mathrm{diag}(\mathbf 1[Xa \ge 0])`. The convex program has one block
of variables for each distinct pattern.
"""

from dataclasses import dataclass

import numpy as np

from robustnn_core import checks

__all__ = ["Patterns"]


@dataclass(frozen=True, eq=False)
class Patterns:
    """Distinct activation patterns of n points, each with a gate that makes it.

    Parameters
    ----------
    active : array_like of bool, shape (n, P)
        ``active[k, i]``: point k is on the closed positive side of gate i. No two columns are equal.
    gates : array_like, shape (d, P)

    Raises
    ------
    ValueError
        Shapes that do not fit, no pattern, a repeated pattern.

    Examples
    --------
    >>> Patterns([[True, False], [False, False]], [[1.0, -1.0], [-1.0, -1.0]]).count
    2
    """

    active: np.ndarray
    gates: np.ndarray

    def __post_init__(self):
        active = np.ascontiguousarray(checks.boolean_array(self.active, "active", shape=("n", "P")))
        gates = checks.array(self.gates, "gates", shape=("d", active.shape[1]))
        distinct = np.unique(np.packbits(active, axis=0), axis=1).shape[1]
        if distinct < active.shape[1]:
            raise ValueError(f"active has {active.shape[1]} patterns, only {distinct} of them distinct; keep one of each")
        object.__setattr__(self, "active", active)
        object.__setattr__(self, "gates", gates)

    @property
    def count(self):
        """P, the number of patterns."""
        return self.active.shape[1]
