"""The one place that makes random generators.

A seed is turned into independent streams by :class:`numpy.random.SeedSequence`, so that the numbers a
task sees depend on the seed and on the task's own index only: never on the number of threads, on the
order in which tasks finish, or on what ran before.
"""

import numpy as np

from robustnn_core import checks

__all__ = ["generator", "spawn", "states"]


def _sequence(seed):
    if isinstance(seed, np.random.SeedSequence):
        return seed
    if isinstance(seed, (tuple, list)):
        return np.random.SeedSequence([checks.integer(part, "seed", at_least=0) for part in seed])
    return np.random.SeedSequence(checks.integer(seed, "seed", at_least=0, remedy="give a non-negative integer"))


def generator(seed):
    """Return a :class:`numpy.random.Generator` (PCG64) made from ``seed``.

    Parameters
    ----------
    seed : int >= 0, tuple of int, SeedSequence or Generator
        A ``Generator`` is returned as it is.

    Raises
    ------
    ValueError
        Anything else, ``None`` included: unseeded runs cannot be reproduced.

    Examples
    --------
    >>> float(generator(0).random()) == float(generator(0).random())
    True
    """
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.Generator(np.random.PCG64(_sequence(seed)))


def spawn(seed, count):
    """Return ``count`` independent seeds (``SeedSequence``), the i-th depending on ``seed`` and i only.

    Unlike ``SeedSequence.spawn`` this does not change its argument: the same call gives the same seeds.

    Examples
    --------
    >>> [generator(s).integers(100) for s in spawn(0, 3)] == [generator(s).integers(100) for s in spawn(0, 4)][:3]
    True
    """
    parent = _sequence(seed)
    return [
        np.random.SeedSequence(parent.entropy, spawn_key=(*parent.spawn_key, i), pool_size=parent.pool_size)
        for i in range(checks.integer(count, "count", at_least=0))
    ]


def states(seed, count):
    """Return ``count`` states of 256 bits, shape (count, 4) ``uint64``, for generators inside kernels.

    Row i depends on ``seed`` and i only. A kernel that gives repeat i the state of row i is
    reproducible on any number of threads.

    Examples
    --------
    >>> bool((states(7, 2) == states(7, 5)[:2]).all())
    True
    """
    count = checks.integer(count, "count", at_least=0)
    key = int(_sequence(seed).generate_state(1, np.uint64)[0])
    # SplitMix64, the seeding that the authors of xoshiro recommend, at the counters 4i .. 4i+3
    golden, mask = 0x9E3779B97F4A7C15, np.uint64
    counters = np.arange(1, 4 * count + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = counters * mask(golden) + mask(key)
        z = (z ^ (z >> mask(30))) * mask(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> mask(27))) * mask(0x94D049BB133111EB)
        z = z ^ (z >> mask(31))
    return np.ascontiguousarray(z.reshape(count, 4))
