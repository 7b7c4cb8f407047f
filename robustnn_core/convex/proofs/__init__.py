r"""The proofs of the convex part, step by step on live data: one module a page.

Each function takes data and what was solved, and returns a :class:`~robustnn_core.ledger.Ledger` with one row for
each numbered (in)equality of the proof on the page.
"""

from robustnn_core.convex.proofs.bending import (
    bending_bound,
    bending_squared,
    gated_bracket,
    never_worse,
    relaxation,
)
from robustnn_core.convex.proofs.hidden_convexity import hidden_convexity
from robustnn_core.convex.proofs.robust import robust_certificate, width_loss, worst_case
from robustnn_core.convex.proofs.sampling import few_essential, global_certificate
from robustnn_core.convex.proofs.solvers import (
    admm_steps,
    block_structure,
    certificate,
    conjugate,
    gap_is_complementarity,
    strong_duality,
)

__all__ = [
    "admm_steps",
    "bending_bound",
    "bending_squared",
    "block_structure",
    "certificate",
    "conjugate",
    "few_essential",
    "gap_is_complementarity",
    "gated_bracket",
    "global_certificate",
    "hidden_convexity",
    "never_worse",
    "relaxation",
    "robust_certificate",
    "strong_duality",
    "width_loss",
    "worst_case",
]
