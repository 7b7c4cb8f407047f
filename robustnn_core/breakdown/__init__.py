"""Adversarial corruption: what breaks a regression, and what breaks a one-hidden-layer ReLU net.

* :mod:`~robustnn_core.breakdown.regression`: five estimators of a linear model.
* :mod:`~robustnn_core.breakdown.networks`: partition training and DC training, with :mod:`~robustnn_core.breakdown.starts`.
* :mod:`~robustnn_core.breakdown.attacks`: who moves the labels.
* :mod:`~robustnn_core.breakdown.theory`: breakdown constants, distances, bounds.
* :mod:`~robustnn_core.breakdown.proofs`: every step of every proof, evaluated on live data.
* :mod:`~robustnn_core.breakdown.experiments`: breakdown curves, what a chapter calls to get one figure's numbers.
"""

from robustnn_core.breakdown import attacks, experiments, proofs, theory
from robustnn_core.breakdown.attacks import corrupt
from robustnn_core.breakdown.experiments import Curve, Estimator, LinearProblem, NetProblem, breakdown_curve
from robustnn_core.breakdown.networks import NetFit, dc_fit, infer, partition_fit, region_fits, trimmed_loss
from robustnn_core.breakdown.regression import LinearFit, huber, lad, lts, ols, torrent

__all__ = [
    "Curve",
    "Estimator",
    "LinearFit",
    "LinearProblem",
    "NetFit",
    "NetProblem",
    "attacks",
    "breakdown_curve",
    "corrupt",
    "dc_fit",
    "experiments",
    "huber",
    "infer",
    "lad",
    "lts",
    "ols",
    "partition_fit",
    "proofs",
    "region_fits",
    "theory",
    "torrent",
    "trimmed_loss",
]
