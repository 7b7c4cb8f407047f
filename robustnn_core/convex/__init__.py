"""Convex training: two-layer ReLU training as a convex program, solved with a certificate.

* :mod:`~robustnn_core.convex.patterns`: activation patterns, sampled, enumerated and screened.
* :mod:`~robustnn_core.convex.program`: the convex program, its losses, certificates, the net of a solution.
* :mod:`~robustnn_core.convex.training`: ``fit``, by an interior point or, for many points, by ADMM.
"""

from robustnn_core.convex.patterns import Patterns
from robustnn_core.convex.program import Fit
from robustnn_core.convex.training import fit

__all__ = ["Fit", "Patterns", "fit"]
