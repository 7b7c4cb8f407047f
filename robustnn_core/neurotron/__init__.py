"""Neuro-Tron: a stochastic non-gradient algorithm that learns a depth-2 net from poisoned labels.

* :mod:`~robustnn_core.neurotron.training`: :func:`train`, thousands of runs at once.
* :mod:`~robustnn_core.neurotron.adversaries`: who poisons the labels.
* :mod:`~robustnn_core.neurotron.theory`: constants, step sizes, iteration counts, floors.
* :mod:`~robustnn_core.neurotron.proofs`: every step of every proof, evaluated on live data.
* :mod:`~robustnn_core.neurotron.experiments`: what a chapter calls to get one figure's numbers.
"""

from robustnn_core.neurotron import adversaries, experiments, proofs
from robustnn_core.neurotron.runs import Errors, Run
from robustnn_core.neurotron.theory import (
    Constants,
    Schedule,
    best_m,
    constants,
    paper_floor,
    poisoned_schedule,
    realizable_schedule,
    sharp_bound,
    sharp_floor,
    sharp_schedule,
    weighted_floor,
)
from robustnn_core.neurotron.training import train

__all__ = [
    "Constants",
    "Errors",
    "Run",
    "Schedule",
    "adversaries",
    "best_m",
    "constants",
    "experiments",
    "paper_floor",
    "poisoned_schedule",
    "proofs",
    "realizable_schedule",
    "sharp_bound",
    "sharp_floor",
    "sharp_schedule",
    "train",
    "weighted_floor",
]
