"""Convex training: two-layer ReLU training as a convex program, solved with a certificate.

* :mod:`~robustnn_core.convex.patterns`: activation patterns, sampled, enumerated and screened.
* :mod:`~robustnn_core.convex.program`: the convex program, its losses, certificates, the net of a solution.
"""

from robustnn_core.convex.patterns import Patterns
from robustnn_core.convex.program import Fit
from robustnn_core.convex.robust import RobustFit, WorstCase, box, fit_robust, robust_linear, worst_case_loss

__all__ = ["Fit", "Patterns", "RobustFit", "WorstCase", "box", "fit_robust", "robust_linear", "worst_case_loss"]
