"""Convex training: two-layer ReLU training as a convex program, solved with a certificate.

* :mod:`~robustnn_core.convex.patterns`: activation patterns, sampled, enumerated and screened.
* :mod:`~robustnn_core.convex.program`: the convex program, its losses, certificates, the net of a solution.
* :mod:`~robustnn_core.convex.training`: ``fit``, by an interior point or, for many points, by ADMM.
* :mod:`~robustnn_core.convex.generation`: better patterns than the sampled ones, and the global optimum certified.
* :mod:`~robustnn_core.convex.theory`: how many patterns there are, how many draws the guarantee asks for.
"""

from robustnn_core.convex.generation import price, refine
from robustnn_core.convex.patterns import Patterns, enumerate_patterns, robust_margins, sample_patterns, screen_patterns
from robustnn_core.convex.program import Fit
from robustnn_core.convex.theory import arrangement_bound, arrangement_count, patterns_needed
from robustnn_core.convex.training import fit

__all__ = [
    "Fit",
    "Patterns",
    "arrangement_bound",
    "arrangement_count",
    "enumerate_patterns",
    "fit",
    "patterns_needed",
    "price",
    "refine",
    "robust_margins",
    "sample_patterns",
    "screen_patterns",
]
