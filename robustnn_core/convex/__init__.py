"""Convex training: two-layer ReLU training as a convex program, solved with a certificate.

* :mod:`~robustnn_core.convex.patterns`: activation patterns, sampled, enumerated and screened.
* :mod:`~robustnn_core.convex.cells`: the box of every point, the robust margin of a pattern.
* :mod:`~robustnn_core.convex.program`: the convex program, its losses, certificates, the net of a solution.
* :mod:`~robustnn_core.convex.training`: ``fit``, by an interior point or, for many points, by ADMM.
* :mod:`~robustnn_core.convex.generation`: better patterns than the sampled ones, and the global optimum certified.
* :mod:`~robustnn_core.convex.sparse`: the same net with few blocks; units that cannot turn.
* :mod:`~robustnn_core.convex.robust`: convex adversarial training, the worst case of a box with a certificate.
* :mod:`~robustnn_core.convex.gradient`: the baselines, Adam on the points, on FGSM's or on PGD's.
* :mod:`~robustnn_core.convex.theory`: how many patterns there are, how many draws the guarantee asks for.
"""

from robustnn_core.convex.cells import box
from robustnn_core.convex.generation import price, refine
from robustnn_core.convex.gradient import GradientFit, attack_box, train_gradient
from robustnn_core.convex.patterns import (
    Patterns,
    enumerate_patterns,
    robust_margins,
    sample_patterns,
    screen_patterns,
)
from robustnn_core.convex.program import Fit
from robustnn_core.convex.robust import RobustFit, WorstCase, fit_robust, robust_linear, worst_case_loss
from robustnn_core.convex.sparse import SampledFit, reduce_blocks, sampled_convex
from robustnn_core.convex.theory import arrangement_bound, arrangement_count, patterns_needed
from robustnn_core.convex.training import fit

__all__ = [
    "Fit",
    "GradientFit",
    "Patterns",
    "RobustFit",
    "SampledFit",
    "WorstCase",
    "arrangement_bound",
    "arrangement_count",
    "attack_box",
    "box",
    "enumerate_patterns",
    "fit",
    "fit_robust",
    "patterns_needed",
    "price",
    "reduce_blocks",
    "refine",
    "robust_linear",
    "robust_margins",
    "sample_patterns",
    "sampled_convex",
    "screen_patterns",
    "train_gradient",
    "worst_case_loss",
]
