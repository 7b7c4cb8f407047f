"""Least squares region by region, and INFER: the original form of partition training."""

import numpy as np

from robustnn_core import checks

__all__ = ["fit_regions", "infer"]


def fit_regions(X, y, active, *, kept=None):
    """Least squares in every region of a partition: what the original algorithm computes before INFER.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    active : array_like of bool, shape (n, K)
        The pattern 1{u_k . x_i > 0}.
    kept : array_like of bool, shape (n,), optional
        The points used; default all.

    Returns
    -------
    patterns : ndarray of bool, shape (R, K)
        The regions that hold points.
    coefs : ndarray, shape (R, d)
        The (minimum-norm) least-squares coefficients of each.
    grams : ndarray, shape (R, d, d)
        X_R' X_R of the points used.

    Examples
    --------
    >>> from robustnn_core.breakdown import fit_regions
    >>> patterns, coefs, _ = fit_regions([[1.0], [2.0], [-1.0]], [3.0, 6.0, 0.0], [[1], [1], [0]])
    >>> patterns[:, 0], coefs[:, 0].round(9) + 0.0
    (array([False,  True]), array([0., 3.]))
    """
    X = checks.array(X, "X", shape=("n", "d"))
    y = checks.array(y, "y", shape=(X.shape[0],))
    active = checks.boolean_array(active, "active", shape=(y.size, "K"))
    kept = np.ones(y.size, np.bool_) if kept is None else checks.boolean_array(kept, "kept", shape=(y.size,))
    patterns, region = np.unique(active, axis=0, return_inverse=True)
    region = region.ravel()
    R, d = len(patterns), X.shape[1]
    coefs, grams = np.zeros((R, d)), np.zeros((R, d, d))
    for i in range(R):
        rows = kept & (region == i)
        if rows.any():
            coefs[i] = np.linalg.lstsq(X[rows], y[rows], rcond=None)[0]
            grams[i] = X[rows].T @ X[rows]
    return patterns, coefs, grams


def infer(patterns, coefs, signs, *, grams=None):
    """INFER: the units from the regions' regressions, a_R = sum over active k of s_k u_k, by least squares.

    Parameters
    ----------
    patterns : array_like of bool, shape (R, K)
    coefs : array_like, shape (R, d)
    signs : array_like, shape (K,)
    grams : array_like, shape (R, d, d), optional
        Weights. With the regions' Gram matrices X_R' X_R the answer is the joint lifted least-squares fit
        of the same points; without, every region counts alike.

    Returns
    -------
    ndarray, shape (K, d)
        The minimum-norm answer where the regions do not determine the units.

    Examples
    --------
    >>> from robustnn_core.breakdown import infer
    >>> infer([[1, 0], [1, 1]], [[2.0], [5.0]], [1, -1]).round(9)
    array([[ 2.],
           [-3.]])
    """
    patterns = checks.boolean_array(patterns, "patterns", shape=("R", "K"))
    R, K = patterns.shape
    coefs = checks.array(coefs, "coefs", shape=(R, "d"))
    signs = checks.signs(signs, "signs", length=K)
    d = coefs.shape[1]
    incidence = patterns * signs
    if grams is None:
        return np.linalg.lstsq(incidence, coefs, rcond=None)[0]
    grams = checks.array(grams, "grams", shape=(R, d, d))
    H = np.einsum("rk,rm,rab->kamb", incidence, incidence, grams).reshape(K * d, K * d)
    b = np.einsum("rk,rab,rb->ka", incidence, grams, coefs).reshape(K * d)
    return np.linalg.lstsq(H, b, rcond=1e-13)[0].reshape(K, d)
