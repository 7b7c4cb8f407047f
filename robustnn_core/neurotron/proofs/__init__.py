r"""The proofs of the Neuro-Tron part, step by step on live data, one module a page.

Each function takes numbers that a real run has reached and returns a :class:`~robustnn_core.ledger.Ledger`
with one row for each numbered (in)equality of the proof on the page of the same name. Expectations over
the input are *exact*: the law is a :class:`~robustnn_core.laws.Symmetrised` one, a finite set of points
+-x, so that a step that fails fails for good and not by chance.
"""

from robustnn_core.neurotron.proofs.lies_without_a_bound import sign_moves, unbounded_lies
from robustnn_core.neurotron.proofs.optimality import (
    allowed,
    allowed_sphere,
    ball,
    dropped_factor,
    feasible,
    finite_sample,
    minimax,
)
from robustnn_core.neurotron.proofs.proof import (
    case_one,
    case_two,
    lipschitz,
    parity,
    recursion,
)
from robustnn_core.neurotron.proofs.sharper_theorem import (
    best_m_ledger,
    exactness,
    regression,
    sharp,
    weighted,
    worst,
)
from robustnn_core.neurotron.proofs.snapshot import (
    Snapshot,
    greedy_snapshot,
    one_step,
)

__all__ = [
    "Snapshot",
    "allowed",
    "allowed_sphere",
    "ball",
    "best_m_ledger",
    "case_one",
    "case_two",
    "dropped_factor",
    "exactness",
    "feasible",
    "finite_sample",
    "greedy_snapshot",
    "lipschitz",
    "minimax",
    "one_step",
    "parity",
    "recursion",
    "regression",
    "sharp",
    "sign_moves",
    "unbounded_lies",
    "weighted",
    "worst",
]
