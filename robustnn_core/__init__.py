"""Provably robust training of two-layer neural networks: the package behind *Robust by Proof*.

One wing a part of the book: ``breakdown``, ``neurotron``, ``perturbations``, ``convex``. They import nothing from each
other and stand on a shared ground:

* what every function asks and answers: ``checks``, ``streams``, ``trace``, ``ledger``;
* what is trained, and on what: ``nets``, ``laws``, ``moments``, ``images``, ``image_files``, ``attacks``;
* how it runs: ``blas``, ``sweeps``, ``fingerprint``;
* what a page shows: ``figures``, ``explorers``.

``course`` checks the exercises and stands above the wings.
"""

from robustnn_core import _cache
from robustnn_core.checks import ConvergenceWarning

__version__ = "0.2.0"
__all__ = ["ConvergenceWarning", "__version__"]

_cache.use_keyed_numba_cache()
