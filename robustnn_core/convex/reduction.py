"""The same predictions from few blocks."""

from dataclasses import replace

import numpy as np

from robustnn_core import blas
from robustnn_core.convex import program

__all__ = ["reduce_blocks"]

#: A block is nonzero if it is longer than this times the longest, and a set of columns is dependent below it.
_NOTHING = 1e-9


def reduce_blocks(X, y, fit):
    r"""Return a fit with at most n nonzero blocks, the same predictions and no larger objective.

    Carathéodory's argument as an algorithm. With :math:`g_b = \pm(X\hat u_b)_+` the predictions are
    :math:`\sum_b\tau_bg_b`. While :math:`\sum_bz_bg_b = 0` for some :math:`z \ne 0` with :math:`\sum_b z_b \ge 0`, the
    lengths :math:`\tau - tz` predict the same and do not cost more, up to the t at which a block vanishes.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    fit : Fit
        Of this X and y, without a radius.

    Returns
    -------
    Fit
        With the lower bound of ``fit`` and the objective of its own blocks, evaluated anew; patterns without a block
        stay. It is *a* solution with few blocks, not always the one with the fewest. Where rounding leaves no fewer
        blocks at no larger an objective it is ``fit`` itself.

    Raises
    ------
    ValueError
        A fit of other data or of the robust program.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex import reduce_blocks
    >>> from robustnn_core import convex
    >>> X = np.eye(3)
    >>> found = convex.fit(X, [1.0, 0.0, 0.0], convex.enumerate_patterns(X), beta=0.1, gap=1e-6)
    >>> found.blocks, reduce_blocks(X, [1.0, 0.0, 0.0], found).blocks <= 3
    (4, True)
    """
    X, y, _ = program.check_fit(X, y, fit)
    P = fit.patterns.count
    U = np.hstack([fit.v, fit.w])
    tau = np.linalg.norm(U, axis=0)
    kept = np.flatnonzero(tau > _NOTHING * tau.max())
    if not tau.any():
        return fit
    signs = np.where(kept < P, 1.0, -1.0)
    D = fit.patterns.active[:, kept % P]
    with blas.single_thread():
        G = signs * D * (X @ (U[:, kept] / tau[kept]))
        # what the blocks that count as zero predict is given back by the others where it can be
        rest = (np.where(np.arange(2 * P) < P, 1.0, -1.0) * np.hstack([fit.patterns.active] * 2) * (X @ U)).sum(axis=1)
        left = _caratheodory(G, tau[kept])
        used = left > 0.0
        off = rest - G @ left
        step = np.linalg.lstsq(G[:, used], off, rcond=1e-12)[0]
        if (left[used] + step > 0.0).all() and left[used].sum() + step.sum() <= tau.sum():
            left[used] += step
    scale = np.zeros(2 * P)
    scale[kept] = left / tau[kept]
    U = U * scale
    v, w = np.ascontiguousarray(U[:, :P]), np.ascontiguousarray(U[:, P:])
    v, w, objective = program.upper_bound(X, y, fit.patterns, fit.beta, fit.loss, v, w)
    if not objective <= fit.objective:
        return fit
    lower = program.below(fit.lower_bound, objective)
    gap = program.relative_gap(objective, lower, fit.loss, y)
    return replace(fit, objective=objective, lower_bound=lower, gap=gap, v=v, w=w, net=program.recover_net(v, w))


def _caratheodory(G, tau):
    """Lengths with the same G tau and no larger sum, nonzero on independent columns only."""
    tau = tau.copy()
    n = len(G)
    while True:
        used = np.flatnonzero(tau > 0.0)
        # n + 1 columns are dependent; fewer are so if the smallest singular value is nothing
        some = used[np.argsort(tau[used], kind="stable")][: n + 1]
        size, right = np.linalg.svd(G[:, some], full_matrices=True)[1:]
        if len(some) <= n and size[-1] > _NOTHING * size[0]:
            return tau
        z = right[-1]
        if z.sum() < 0.0 or (z.sum() == 0.0 and z[0] < 0.0):
            z = -z
        ratio = np.where(z > 0.0, tau[some] / np.where(z > 0.0, z, 1.0), np.inf)
        first = int(ratio.argmin())
        tau[some] = np.maximum(tau[some] - ratio[first] * z, 0.0)
        tau[some[first]] = 0.0
