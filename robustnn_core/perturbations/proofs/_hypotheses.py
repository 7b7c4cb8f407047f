"""What the proofs ask of their data: checked, and refused with the remedy."""

import numpy as np

from robustnn_core import blas, checks
from robustnn_core.perturbations import theory

__all__ = ["assumption_sides", "balanced", "inside", "orthogonal_rows"]


def inside(X, y, leak):
    """``(X, y, leak, Orthogonality)`` of data inside assumption (A)."""
    X, y, leak = theory.check_data(X, y, leak)
    o = theory.orthogonality(X, leak)
    if not o.holds:
        raise ValueError(
            f"X has p_max = {o.p_max:.4g} > {o.bound:.4g}, outside assumption (A), where the theorem says nothing; "
            "take fewer points, more dimensions or a leak closer to 1"
        )
    return X, y, leak, o


def assumption_sides(X, leak):
    """Both sides of (A) over R_max^2, from its words alone: what ``theory.orthogonality`` decides by."""
    inner = np.abs(X @ X.T)
    square = (X**2).sum(axis=1)
    inner[np.diag_indices(len(X))] = 0.0
    return inner.max() / square.max(), leak**3 * square.min() ** 2 / (3 * len(X) * square.max() ** 2)


def orthogonal_rows(X):
    """``(Gram matrix, R^2)`` of orthogonal rows of one norm R."""
    G = blas.gram(X)
    square = float(G.diagonal().mean())
    if np.abs(G - square * np.eye(len(X))).max() > 1e-9 * square:
        raise ValueError("X must have orthogonal rows of one norm; see experiments.orthogonal")
    return G, square


def balanced(y, labels):
    """``(labels, s)``, s_n = y_n y^a_n, of false labels that meet the true ones in four equally frequent ways."""
    labels = checks.signs(labels, "labels", length=len(y))
    s = y * labels
    if y.sum() != 0 or labels.sum() != 0 or s.sum() != 0:
        raise ValueError("y and labels must balance: each of the four combinations equally often")
    return labels, s
