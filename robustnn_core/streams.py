"""The one place that makes random generators.

A seed is turned into independent streams by :class:`numpy.random.SeedSequence`, so that the numbers a
task sees depend on the seed and on the task's own index only: never on the number of threads, on the
order in which tasks finish, or on what ran before.
"""

import math

import numpy as np
from numba import njit

from robustnn_core import checks

__all__ = ["fill_normal", "fill_uniform", "generator", "spawn", "states", "uniform"]


def _sequence(seed):
    if isinstance(seed, np.random.SeedSequence):
        return seed
    if isinstance(seed, np.random.Generator):  # its next numbers decide: a second call sees others
        return np.random.SeedSequence(seed.integers(2**63, size=4).tolist())
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
    >>> from robustnn_core.streams import generator
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
    >>> from robustnn_core.streams import generator, spawn
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
    >>> from robustnn_core.streams import states
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


# ---------------------------------------------------------------------------------------------------
# Generators inside kernels: xoshiro256++ (Blackman & Vigna), one state of four words a repeat, and the
# ziggurat of Marsaglia & Tsang for normal numbers. A fill keeps the state in registers: about 3 ns a
# normal number, which is what lets a simulation run as fast as its input can be drawn.

_LAYERS = 256
_MANTISSA = 2.0**-53


def _ziggurat_tables():
    """Edges of 256 horizontal layers of equal area under exp(-x^2/2), as scale, threshold and height."""

    def height(x):
        return np.exp(-0.5 * x * x)

    right = 3.6541528853610088  # where the tail begins, the root that makes the top layer end at x = 0
    area = right * height(right) + np.sqrt(np.pi / 2) * math.erfc(right / np.sqrt(2))
    edges = np.zeros(_LAYERS + 1)
    edges[0], edges[1] = area / height(right), right
    for i in range(2, _LAYERS):
        edges[i] = np.sqrt(-2.0 * np.log(height(edges[i - 1]) + area / edges[i - 1]))
    scale = edges[:-1] * 2.0**-52
    sure = np.floor(edges[1:] / edges[:-1] * 2.0**52).astype(np.int64)
    return scale, sure, height(edges), right


_SCALE, _SURE, _HEIGHT, _TAIL = _ziggurat_tables()


@njit(cache=True, inline="always")
def _advance(s0, s1, s2, s3):
    """One step of xoshiro256++: the output and the next state."""
    total = s0 + s3
    out = ((total << np.uint64(23)) | (total >> np.uint64(41))) + s0
    shifted = s1 << np.uint64(17)
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    s3 = (s3 << np.uint64(45)) | (s3 >> np.uint64(19))
    return out, s0, s1, s2, s3


@njit(cache=True)
def uniform(state):
    """Kernel: one number in [0, 1) from ``state`` (4,) ``uint64``, which moves on."""
    out, state[0], state[1], state[2], state[3] = _advance(state[0], state[1], state[2], state[3])
    return np.int64(out >> np.uint64(11)) * _MANTISSA


@njit(cache=True)
def fill_uniform(state, x, low, high):
    """Kernel: fill ``x`` (n,) with numbers in [low, high)."""
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for j in range(x.shape[0]):
        out, s0, s1, s2, s3 = _advance(s0, s1, s2, s3)
        x[j] = low + (high - low) * (np.int64(out >> np.uint64(11)) * _MANTISSA)
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3


@njit(cache=True)
def fill_normal(state, x, scale):
    """Kernel: fill ``x`` (n,) with normal numbers of mean 0 and standard deviation ``scale``."""
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for j in range(x.shape[0]):
        while True:
            out, s0, s1, s2, s3 = _advance(s0, s1, s2, s3)
            layer = out & np.uint64(0xFF)
            signed = np.int64(out) >> np.int64(11)  # 53 bits that the layer does not use, with their sign
            z = signed * _SCALE[layer]
            if abs(signed) >= _SURE[layer]:  # one time in a hundred: the edge of a layer, or the tail
                if layer == np.uint64(0):
                    while True:
                        out2, s0, s1, s2, s3 = _advance(s0, s1, s2, s3)
                        out3, s0, s1, s2, s3 = _advance(s0, s1, s2, s3)
                        along = -np.log1p(-np.int64(out2 >> np.uint64(11)) * _MANTISSA) / _TAIL
                        up = -np.log1p(-np.int64(out3 >> np.uint64(11)) * _MANTISSA)
                        if 2.0 * up > along * along:
                            break
                    z = _TAIL + along if signed >= 0 else -_TAIL - along
                else:
                    out2, s0, s1, s2, s3 = _advance(s0, s1, s2, s3)
                    share = np.int64(out2 >> np.uint64(11)) * _MANTISSA
                    low, high = _HEIGHT[layer], _HEIGHT[layer + np.uint64(1)]
                    if low + share * (high - low) >= np.exp(-0.5 * z * z):
                        continue
            x[j] = scale * z
            break
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3
