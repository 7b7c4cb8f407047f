r"""The proofs of the perturbations part, step by step on live data, one module a page.

Each function takes data (and, where the flow itself is in question, a run) and returns a
:class:`~robustnn_core.ledger.Ledger` with one row for each numbered (in)equality of the proof on the page.
Quantities are made dimensionless, :math:`\lambda_n R_\max^2` instead of :math:`\lambda_n`, so that tolerances mean
something.
"""

from robustnn_core.perturbations.proofs.frozen_net import flow_limit, implicit_bias, loss_to_zero
from robustnn_core.perturbations.proofs.limits import cancellation, false_half, reflection
from robustnn_core.perturbations.proofs.second_net import second_net, weak_alignment

__all__ = [
    "cancellation",
    "false_half",
    "flow_limit",
    "implicit_bias",
    "loss_to_zero",
    "reflection",
    "second_net",
    "weak_alignment",
]
