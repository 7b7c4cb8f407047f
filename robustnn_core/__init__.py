"""Provably robust training of two-layer neural networks: the package behind *Robust by Proof*.

One wing a part of the book (``neurotron``, ``perturbations``), standing on a shared ground (``checks``,
``streams``, ``blas``, ``nets``, ``laws``, ``images``, ``attacks``, ``fingerprint``, ``sweeps``, ``ledger``,
``figures``, ``explorers``).
"""

from robustnn_core import _cache
from robustnn_core.checks import ConvergenceWarning

__version__ = "0.1.0"
__all__ = ["ConvergenceWarning", "__version__"]

_cache.use_keyed_numba_cache()
