"""Moves in a box or a ball: how far they change a linear form, the steepest one, and descent of a net."""

import numpy as np


def length(q, e, norm):
    """|e o q| in the dual norm: how far q.x moves."""
    return np.abs(q) @ e if norm == "linf" else np.linalg.norm(q * e, axis=-1)


def steepest(q, e, norm):
    """The move that makes q.x smallest."""
    if norm == "linf":
        return -e * np.sign(q)
    size = np.linalg.norm(q * e, axis=-1, keepdims=True)
    return -(e**2) * np.divide(q, size, out=np.zeros_like(q), where=size > 0.0)


def descended(net, X, sides, e, norm, moves, rounds=10):
    """Better moves by going to the far end of every gradient, from the given ones and from the centre: the best."""
    best, at = sides * net.predict(X), np.zeros_like(X)
    for start in (moves, at.copy()):
        for _ in range(rounds):
            value = sides * net.predict(X + start)
            better = value < best
            best[better], at[better] = value[better], start[better]
            start = steepest(net.pullback(X + start, sides), e, norm)
    return best, at
