"""Convex training: two-layer ReLU training as a convex program, solved with a certificate.

* :mod:`~robustnn_core.convex.patterns`: activation patterns, sampled and screened.
* :mod:`~robustnn_core.convex.arrangement`: all of them, where there are few.
* :mod:`~robustnn_core.convex.cells`: one cell: a gate inside it, its centre, the box of every point, the robust margin.
* :mod:`~robustnn_core.convex.losses`: squared, hinge, logistic, Huber; a new loss is one class.
* :mod:`~robustnn_core.convex.program`: the convex program, its certificates, the net of a solution.
* :mod:`~robustnn_core.convex.training`: ``fit``, by an interior point or, for many points, by ADMM.
* :mod:`~robustnn_core.convex.price`: which unit, of any cell, would lower the optimum.
* :mod:`~robustnn_core.convex.refine`: better patterns than the sampled ones, and the global optimum certified.
* :mod:`~robustnn_core.convex.reduction`: the same net with few blocks.
* :mod:`~robustnn_core.convex.sampled`: the program whose units cannot turn.
* :mod:`~robustnn_core.convex.robust`: convex adversarial training, the worst case of a box with a certificate.
* :mod:`~robustnn_core.convex.bending`: the same, with units that may change their sign inside a box.
* :mod:`~robustnn_core.convex.verify`: how robust any net is, from one pass of lines to the exact worst case.
* :mod:`~robustnn_core.convex.mixing`: a robust and an accurate classifier mixed, and the certificate of the mix.
* :mod:`~robustnn_core.convex.gated`: the program without cones, for many points, and the bracket that it gives.
* :mod:`~robustnn_core.convex.baselines`: Adam on the points, on FGSM's or on PGD's.
* :mod:`~robustnn_core.convex.theory`: how many patterns there are, how many draws the guarantee asks for.
"""

from robustnn_core.convex.arrangement import enumerate_patterns
from robustnn_core.convex.baselines import GradientFit, attack_box, train_gradient
from robustnn_core.convex.bending import BendingFit, bending_margins, fit_bending
from robustnn_core.convex.cells import box
from robustnn_core.convex.gated import GatedFit, fit_gated
from robustnn_core.convex.mixing import Mixed, mix
from robustnn_core.convex.patterns import Patterns, robust_margins, sample_patterns, screen_patterns
from robustnn_core.convex.price import Price, price
from robustnn_core.convex.program import Fit
from robustnn_core.convex.reduction import reduce_blocks
from robustnn_core.convex.refine import Refined, refine
from robustnn_core.convex.robust import RobustFit, fit_robust, fit_robust_linear
from robustnn_core.convex.sampled import SampledFit, fit_sampled
from robustnn_core.convex.theory import arrangement_count, patterns_needed
from robustnn_core.convex.training import fit
from robustnn_core.convex.verify import (
    CertifiedAccuracy,
    WorstCase,
    certified_accuracy,
    net_bounds,
    worst_case_loss,
)

__all__ = [
    "BendingFit",
    "CertifiedAccuracy",
    "Fit",
    "GatedFit",
    "GradientFit",
    "Mixed",
    "Patterns",
    "Price",
    "Refined",
    "RobustFit",
    "SampledFit",
    "WorstCase",
    "arrangement_count",
    "attack_box",
    "bending_margins",
    "box",
    "certified_accuracy",
    "enumerate_patterns",
    "fit",
    "fit_bending",
    "fit_gated",
    "fit_robust",
    "fit_sampled",
    "mix",
    "net_bounds",
    "patterns_needed",
    "price",
    "reduce_blocks",
    "refine",
    "fit_robust_linear",
    "robust_margins",
    "sample_patterns",
    "screen_patterns",
    "train_gradient",
    "worst_case_loss",
]
