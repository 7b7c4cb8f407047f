"""Neuro-Tron: a stochastic non-gradient algorithm that learns a depth-2 net from poisoned labels.

* :mod:`~robustnn_core.neurotron.training`: :func:`train` and :func:`train_sign`, thousands of runs at once.
* :mod:`~robustnn_core.neurotron.learners`: other learners of one gate, for comparison.
* :mod:`~robustnn_core.neurotron.runs`: what a learner leaves behind.
* :mod:`~robustnn_core.neurotron.adversaries`: who poisons the labels.
* :mod:`~robustnn_core.neurotron.theory`: constants, floors and bounds.
* :mod:`~robustnn_core.neurotron.schedules`: step sizes and iteration counts.
* :mod:`~robustnn_core.neurotron.feasible`: the filters that labels allow.
* :mod:`~robustnn_core.neurotron.proofs`: every step of every proof, evaluated on live data.
* :mod:`~robustnn_core.neurotron.experiments`: what a chapter calls to get one figure's numbers.
"""

from robustnn_core.neurotron import adversaries, experiments, feasible, proofs
from robustnn_core.neurotron.learners import train_cautious, train_sgd
from robustnn_core.neurotron.runs import Errors, Run
from robustnn_core.neurotron.schedules import (
    Schedule,
    SignSchedule,
    poisoned_schedule,
    realizable_schedule,
    sharp_schedule,
    sign_schedule,
)
from robustnn_core.neurotron.theory import (
    Constants,
    best_m,
    constants,
    paper_floor,
    sharp_bound,
    sharp_floor,
    weighted_floor,
)
from robustnn_core.neurotron.training import train, train_sign

__all__ = [
    "Constants",
    "Errors",
    "Run",
    "Schedule",
    "SignSchedule",
    "adversaries",
    "best_m",
    "constants",
    "experiments",
    "feasible",
    "paper_floor",
    "poisoned_schedule",
    "proofs",
    "realizable_schedule",
    "sharp_bound",
    "sharp_floor",
    "sharp_schedule",
    "sign_schedule",
    "train",
    "train_cautious",
    "train_sgd",
    "train_sign",
    "weighted_floor",
]
