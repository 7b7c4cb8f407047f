"""Convex training: two-layer ReLU training as a convex program, solved with a certificate.

* :mod:`~robustnn_core.convex.patterns`: activation patterns, sampled, enumerated and screened.
* :mod:`~robustnn_core.convex.program`: the convex program, its losses, certificates, the net of a solution.
* :mod:`~robustnn_core.convex.robust`: convex adversarial training, the worst case of a box with a certificate.
* :mod:`~robustnn_core.convex.gradient`: the baselines, Adam on the points, on FGSM's or on PGD's.
"""

from robustnn_core.convex.gradient import GradientFit, attack_box, train_gradient
from robustnn_core.convex.patterns import Patterns
from robustnn_core.convex.program import Fit
from robustnn_core.convex.robust import RobustFit, WorstCase, box, fit_robust, robust_linear, worst_case_loss

__all__ = [
    "Fit",
    "GradientFit",
    "Patterns",
    "RobustFit",
    "WorstCase",
    "attack_box",
    "box",
    "fit_robust",
    "robust_linear",
    "train_gradient",
    "worst_case_loss",
]
