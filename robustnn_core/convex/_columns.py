"""Which cells a refinement takes in: those of the dearest units, those around the units of the net."""

import numpy as np

from robustnn_core import blas
from robustnn_core.convex import cells
from robustnn_core.convex.patterns import distinct, keys

__all__ = ["centred", "new_columns"]


def centred(X, active, gates):
    """Return the distinct patterns with central gates.

    Those that see no point and cells that are hardly open are left out.
    """
    seen = (X != 0.0).any(axis=1)
    keep = distinct(active)
    keep = keep[active[seen].any(axis=0)[keep]]
    active, A = active[:, keep], gates[:, keep].T
    if not len(keep):
        return active, A.T
    Z = X[seen] / np.linalg.norm(X[seen], axis=1)[:, None]
    E = 2.0 * active[seen].T - 1.0
    with blas.single_thread():
        A = cells.central(Z, E, A)
    good = (E * (A @ Z.T)).min(axis=1) > 1e-9
    return active[:, good], np.ascontiguousarray(A[good].T)


def new_columns(X, current, units, found, threshold, most):
    """Return the new patterns to take in: (active, gates), or None."""
    size = np.linalg.norm(X, axis=1)
    dear = found.values > threshold
    candidates = [_nudged(X, size, u)[None] for u in found.gates[:, dear][:, : 4 * most].T]
    candidates += [_around(X, size, u) for u in units.T]
    if not candidates:
        return None
    active, gates = cells.patterns_of(X, np.concatenate(candidates).T)
    # the price of a cell, from above: one of at most beta cannot lower anything
    worth = np.linalg.norm(blas.product(X.T, current.dual[:, None] * active), axis=0)
    known, lead, chosen = set(keys(current.patterns.active)), int(dear.sum()), []
    for i in distinct(active):
        if active[size > 0.0, i].any() and worth[i] > threshold and keys(active[:, i : i + 1])[0] not in known:
            chosen.append(i)
            if len(chosen) == (most if i < lead else 2 * most):
                break
    if lead == 0 or not chosen:  # nothing dearer than beta was found: the cells around the units add nothing either
        return None
    active, gates = centred(X, active[:, chosen], gates[:, chosen])
    return (active, gates) if active.shape[1] else None


def _nudged(X, size, u):
    """A gate of the cell of the closed pattern of u (points on its hyperplane active) or of a cell beside it."""
    z = X @ u
    close = (np.abs(z) <= 1e-9 * size) & (size > 0.0)
    if not close.any():
        return u
    push = np.linalg.lstsq(X[close], np.where(z[close] >= 0.0, 1.0, -1.0) * size[close], rcond=None)[0]
    return _moved(X, size, u, z, close, push)


def _moved(X, size, u, z, close, push):
    """u moved along ``push`` half as far as the first other point allows."""
    far = ~close & (size > 0.0)
    move = X[far] @ push
    limit = np.abs(z[far]) / np.maximum(np.abs(move), 1e-300)
    step = min(0.5 * (limit.min() if len(limit) else 1.0), np.linalg.norm(u) / max(np.linalg.norm(push), 1e-300))
    return u + step * push


def _around(X, size, u):
    """Gates around a unit: near ties all on, all off, and each one flipped."""
    u = u / np.linalg.norm(u)
    z = X @ u
    close = (np.abs(z) <= 1e-5 * size) & (size > 0.0)
    ties = np.flatnonzero(close)
    if not len(ties) or len(ties) > X.shape[1]:
        return u[None]
    inverse = np.linalg.pinv(X[ties])
    base = u - inverse @ z[ties]  # on all the hyperplanes
    wanted = np.ones((2 + 2 * len(ties), len(ties)))
    wanted[1] = -1.0
    for j in range(len(ties)):
        wanted[2 + j, j] = -1.0
        wanted[2 + len(ties) + j] = -1.0
        wanted[2 + len(ties) + j, j] = 1.0
    z = X @ base
    return np.array([_moved(X, size, base, z, close, inverse @ (w * size[ties])) for w in wanted])
