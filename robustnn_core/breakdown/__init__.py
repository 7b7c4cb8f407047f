"""Adversarial corruption: what breaks a regression, and what breaks a one-hidden-layer ReLU net.

* :mod:`~robustnn_core.breakdown.regression`: five estimators of a linear model.
* :mod:`~robustnn_core.breakdown.networks`: partition training and DC training; :mod:`~robustnn_core.breakdown.regions`:
  the original form, region by region.
* :mod:`~robustnn_core.breakdown.adversaries`: who moves the labels.
* :mod:`~robustnn_core.breakdown.curves`: breakdown curves.
* :mod:`~robustnn_core.breakdown.theory`: breakdown constants, distances, bounds;
  :mod:`~robustnn_core.breakdown.impostors`: nets that agree with another one.
* :mod:`~robustnn_core.breakdown.proofs`: every step of every proof, evaluated on live data.
* :mod:`~robustnn_core.breakdown.experiments`: what else a chapter calls to get one figure.
"""

from robustnn_core.breakdown import adversaries, experiments, impostors, proofs, theory
from robustnn_core.breakdown.adversaries import corrupt
from robustnn_core.breakdown.curves import Curve, Estimator, LinearProblem, NetProblem, breakdown_curve
from robustnn_core.breakdown.networks import NetFit, fit_dc, fit_partition, trimmed_loss
from robustnn_core.breakdown.regions import fit_regions, infer
from robustnn_core.breakdown.regression import LinearFit, huber, lad, lts, ols, torrent

__all__ = [
    "Curve",
    "Estimator",
    "LinearFit",
    "LinearProblem",
    "NetFit",
    "NetProblem",
    "adversaries",
    "breakdown_curve",
    "corrupt",
    "experiments",
    "fit_dc",
    "fit_partition",
    "fit_regions",
    "huber",
    "impostors",
    "infer",
    "lad",
    "lts",
    "ols",
    "proofs",
    "theory",
    "torrent",
    "trimmed_loss",
]
