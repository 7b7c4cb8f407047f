"""Learning from adversarial perturbations: why a net trained on false labels gets the true ones right.

* :mod:`~robustnn_core.perturbations.theory`: assumption (A), its bounds, and what the second net is predicted to do.
* :mod:`~robustnn_core.perturbations.kkt`: the KKT point, its net and its boundary; the second net's verdict at it.
* :mod:`~robustnn_core.perturbations.adversaries`: perturbations along a direction, and data sets made of them.
* :mod:`~robustnn_core.perturbations.training`: gradient flow of the frozen-head net in dual coordinates.
* :mod:`~robustnn_core.perturbations.proofs`: every step of every proof, evaluated on live data.
* :mod:`~robustnn_core.perturbations.experiments`: what a chapter calls to get one figure's numbers.
* :mod:`~robustnn_core.perturbations.convnet`: a small convolutional net, compiled.
* :mod:`~robustnn_core.perturbations.convolution`: the same with convolutional nets and ten classes, beyond the theory.
"""

from robustnn_core.perturbations import (
    adversaries,
    convnet,
    convolution,
    experiments,
    kkt,
    proofs,
    theory,
    training,
)
from robustnn_core.perturbations.adversaries import AdversarialSet, adversarial_set, perturb
from robustnn_core.perturbations.kkt import (
    Terms,
    direction,
    kkt_multipliers,
    kkt_net,
    pattern_matrix,
    second_net_terms,
)
from robustnn_core.perturbations.theory import (
    Orthogonality,
    agreement,
    alignment,
    cancellation,
    dimension_correction,
    kappa,
    multiplier_bounds,
    noise_share,
    orthogonality,
    predicted_accuracy,
)
from robustnn_core.perturbations.training import Run, least_squares_multipliers, train_descent, train_flow

__all__ = [
    "AdversarialSet",
    "Orthogonality",
    "Run",
    "Terms",
    "adversarial_set",
    "adversaries",
    "agreement",
    "alignment",
    "cancellation",
    "convnet",
    "convolution",
    "dimension_correction",
    "direction",
    "experiments",
    "kappa",
    "kkt",
    "kkt_multipliers",
    "kkt_net",
    "least_squares_multipliers",
    "multiplier_bounds",
    "noise_share",
    "orthogonality",
    "pattern_matrix",
    "perturb",
    "predicted_accuracy",
    "proofs",
    "second_net_terms",
    "theory",
    "train_descent",
    "train_flow",
    "training",
]
