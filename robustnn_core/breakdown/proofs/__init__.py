"""The proofs of the corruption part, step by step on live data: one module a page.

Each function takes the data a statement is about and returns a :class:`~robustnn_core.ledger.Ledger` with
one row for each numbered step of the proof. Nothing here is averaged over luck: sets are enumerated,
integrals are exact sums or quadratures, and an adversary's labels are constructed.
"""

from robustnn_core.breakdown.proofs.a_quarter import coverage, factor_two, identifiability, relu_distance
from robustnn_core.breakdown.proofs.curves import merge, three_units
from robustnn_core.breakdown.proofs.dc import majoriser
from robustnn_core.breakdown.proofs.partition import descent, infer_is_joint, positive_half, whole_newton_step
from robustnn_core.breakdown.proofs.what_breaks import contraction, fixed_point, half_distance, lad_constant

__all__ = [
    "contraction",
    "coverage",
    "descent",
    "factor_two",
    "fixed_point",
    "half_distance",
    "identifiability",
    "infer_is_joint",
    "lad_constant",
    "majoriser",
    "merge",
    "positive_half",
    "relu_distance",
    "three_units",
    "whole_newton_step",
]
