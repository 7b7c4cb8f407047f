"""Learning from adversarial perturbations: why a net trained on false labels gets the true ones right.

* :mod:`~robustnn_core.perturbations.algorithm`: gradient flow of the frozen-head net in dual coordinates.
* :mod:`~robustnn_core.perturbations.theory`: assumption (A), the KKT multipliers and what they predict.
* :mod:`~robustnn_core.perturbations.geometry`: perturbations along a direction, and data sets made of them.
* :mod:`~robustnn_core.perturbations.proofs`: every step of every proof, evaluated on live data.
* :mod:`~robustnn_core.perturbations.experiments`: what a chapter calls to get one figure's numbers.
* :mod:`~robustnn_core.perturbations.convnet`: a small convolutional net, compiled.
* :mod:`~robustnn_core.perturbations.convolution`: the same with convolutional nets and ten classes, beyond the theory.
"""

from robustnn_core.perturbations import algorithm, convnet, convolution, experiments, geometry, proofs, theory
from robustnn_core.perturbations.algorithm import History, Run, least_squares_multipliers, train_descent, train_flow
from robustnn_core.perturbations.geometry import AdversarialSet, adversarial_set, perturb
from robustnn_core.perturbations.theory import (
    Orthogonality,
    Terms,
    agreement,
    alignment,
    cancellation,
    dimension_correction,
    direction,
    kappa,
    kkt_multipliers,
    kkt_net,
    multiplier_bounds,
    noise_share,
    orthogonality,
    predicted_accuracy,
    second_net_terms,
)

__all__ = [
    "AdversarialSet",
    "History",
    "Orthogonality",
    "Run",
    "Terms",
    "adversarial_set",
    "agreement",
    "algorithm",
    "alignment",
    "cancellation",
    "convnet",
    "convolution",
    "dimension_correction",
    "direction",
    "experiments",
    "geometry",
    "kappa",
    "kkt_multipliers",
    "kkt_net",
    "least_squares_multipliers",
    "multiplier_bounds",
    "noise_share",
    "orthogonality",
    "perturb",
    "predicted_accuracy",
    "proofs",
    "second_net_terms",
    "theory",
    "train_descent",
    "train_flow",
]
