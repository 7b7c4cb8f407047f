"""Answers and hidden checks of the exercises of *What the report gets wrong, and what is still open*."""

from itertools import permutations, product

import numpy as np

from robustnn_core.course import call, compare, fail, numbers


def singular_count(k):
    """Return the number of singular matrices among all with ``k`` rows, k columns and entries 0 or 1; k <= 3 is
    enough."""
    bits = (np.arange(2 ** (k * k))[:, None] >> np.arange(k * k)) & 1
    return int((np.abs(np.linalg.det(bits.reshape(-1, k, k).astype(float))) < 0.5).sum())


def hidden_singular_count(answer):
    for k in (2, 3):
        known = 0
        for entries in product((0, 1), repeat=k * k):
            determinant = 0
            for order in permutations(range(k)):
                swaps = sum(order[i] > order[j] for i in range(k) for j in range(i + 1, k))
                determinant += (-1) ** swaps * all(entries[k * i + order[i]] for i in range(k))
            known += determinant == 0
        compare(call(answer, k, name="singular_count"), known, name=f"singular_count at k = {k}")


def chord_breakers(y):
    """Return two numbers z_1, z_2 in whose middle the loss (max(z, 0) - y)^2 is larger than the mean of its two
    values there, or 0, 0 if there are none."""
    return (-y, y) if y > 0 else (0.0, 0.0)


def hidden_chord_breakers(answer):
    for y in (-50.0, -1e-3, 0.0, 1e-3, 0.4, 30.0):
        z = numbers(call(answer, y, name="chord_breakers"), name="chord_breakers", shape=(2,))
        low, high = sorted(float(t) for t in z)
        grid = np.linspace(-abs(y) - 1, abs(y) + 1, 4001)
        curve = (np.maximum(grid, 0) - y) ** 2
        convex = np.diff(curve, 2).min() > -1e-9
        if convex != (low == high == 0):
            fail(f"chord_breakers is wrong about the convexity at y = {y}.")
        ends, middle = ([(max(t, 0.0) - y) ** 2 for t in (low, high)], (max((low + high) / 2, 0.0) - y) ** 2)
        if not convex and middle <= sum(ends) / 2:
            fail(f"The numbers of chord_breakers show nothing at y = {y}.")


def can_go(patterns):
    """Return K + 1 values True or False: can this region alone be left out so that the rank stays K?
    ``patterns`` has K + 1 rows, the regions, and K columns, the units, of 0 and 1, and the rank K."""
    relation = np.linalg.svd(np.asarray(patterns, dtype=float).T)[2][-1]
    return np.abs(relation) > 1e-9


def hidden_can_go(answer):
    rng = np.random.default_rng(190)
    for K in (2, 3, 5, 6):
        awake = rng.random(K) < 0.5  # at the start of the walk
        walk = [awake.copy()]
        for k in rng.permutation(K):
            awake[k] = not awake[k]
            walk.append(awake.copy())
        walk = np.array(walk, dtype=int)
        known = [np.linalg.matrix_rank(np.delete(walk, j, axis=0)) == K for j in range(K + 1)]
        compare(call(answer, walk, name="can_go"), known, name="can_go (1 for True)")


WRONG = {
    "singular_count": [
        lambda k: int(2 ** (k * k) // 2),
        lambda k: 2 ** (k * k) - (2**k - 1) ** k,  # a row of zeros
        lambda k: 2 ** (k * k) - int(np.prod([2**k - 2**i for i in range(k)])),  # over the field of two elements
    ],
    "chord_breakers": [
        lambda y: (-1.0, 1.0) if y > 0 else (0.0, 0.0),  # too far apart for small y
        lambda y: (-y, y),
        lambda y: (0.0, 0.0),
        lambda y: (y, 2 * y) if y > 0 else (0.0, 0.0),
    ],
    "can_go": [
        lambda patterns: ~np.asarray(patterns, dtype=bool).any(axis=1),  # the sleeping region only
        lambda patterns: np.arange(len(patterns)) == 0,
        lambda patterns: np.ones(len(patterns), dtype=bool),
        lambda patterns: np.asarray(patterns).sum(axis=1) == np.min(np.asarray(patterns).sum(axis=1)),
    ],
}
