"""The proofs of *Partition training*, step by step on live data."""

import numpy as np

from robustnn_core import checks, nets, streams
from robustnn_core.breakdown import networks, regions, regression
from robustnn_core.ledger import Ledger

__all__ = ["descent", "infer_is_joint", "positive_half", "whole_newton_step"]


def whole_newton_step(X, y, net):
    """The lifted least-squares step is a full Gauss-Newton step: Z is the Jacobian, and f is exact on the cell.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    net : nets.ReLUSum
        U.

    Raises
    ------
    ValueError
        Z has not full rank: two minimisers need not be one step apart.

    Examples
    --------
    >>> from robustnn_core import nets, streams
    >>> from robustnn_core.breakdown.proofs import whole_newton_step
    >>> rng = streams.generator(0)
    >>> X, net = rng.standard_normal((80, 2)), nets.ReLUSum([[1.0, 0.0], [0.3, 1.0]], [1, -1])
    >>> ledger = whole_newton_step(X, rng.standard_normal(80), net).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", net.weights.shape[1]))
    y = checks.array(y, "y", shape=(len(X),))
    U, s = net.weights, net.signs
    active = X @ U.T > 0
    Z = ((active * s)[:, :, None] * X[:, None, :]).reshape(len(X), -1)
    rank = np.linalg.matrix_rank(Z)
    if rank < Z.shape[1]:
        raise ValueError(
            f"X gives a Z of rank {rank} < Kd = {Z.shape[1]}: the step is not unique; give more points, or move a unit"
        )
    r = y - net.predict(X)
    step = np.linalg.lstsq(Z, r, rcond=None)[0]
    refit = np.linalg.lstsq(Z, y, rcond=None)[0]
    move = streams.generator(0).standard_normal(U.shape)
    t = _within_cell(X, U, move)
    ledger = Ledger("Partition training takes Gauss-Newton steps")
    ledger.eq("(1)", r"f_U(x_i) = z_i \cdot U", net.predict(X), Z @ U.ravel())
    ledger.eq(
        "(2)",
        r"f_{U+tV}(x_i) - f_U(x_i) = t\, z_i \cdot V \text{ inside the cell}",
        nets.ReLUSum(U + t * move, s).predict(X) - net.predict(X),
        t * (Z @ move.ravel()),
        scale=t * np.abs(Z @ move.ravel()).max(),
    )
    ledger.eq("(3)", r"U + \arg\min |r - Z\Delta|^2 = \arg\min |y - ZU|^2", U.ravel() + step, refit, 1e-8)
    t = min(1.0, _within_cell(X, U, step.reshape(U.shape)))
    after = y - nets.ReLUSum(U + t * step.reshape(U.shape), s).predict(X)
    fall = float((Z @ step) @ (Z @ step))
    ledger.eq(
        "(4)",
        r"\text{a short step: } (F(U) - F(U + t\Delta))/(2t - t^2) = |Z\Delta|^2",
        float(r @ r - after @ after) / (2.0 * t - t * t),
        fall,
        1e-7,
        scale=float(r @ r),
    )
    return ledger


def _within_cell(X, U, move):
    """Half of the largest t at which U + t move still has the pattern of U at every point of X."""
    speed = np.abs(X @ move.T)
    return 0.5 * float(np.min(np.abs(X @ U.T) / np.maximum(speed, 1e-300)))


def infer_is_joint(X, y, net, kept=None):
    """Region-wise least squares followed by Gram-weighted INFER is the joint lifted least-squares fit.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    net : nets.ReLUSum
        Its pattern on X makes the regions.
    kept : array_like of bool, shape (n,), optional
        The points used; default all.

    Examples
    --------
    >>> from robustnn_core import nets, streams
    >>> from robustnn_core.breakdown.proofs import infer_is_joint
    >>> rng = streams.generator(0)
    >>> X, net = rng.standard_normal((80, 2)), nets.ReLUSum([[1.0, 0.0], [0.3, 1.0]], [1, -1])
    >>> ledger = infer_is_joint(X, net.predict(X) + rng.standard_normal(80), net).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", net.weights.shape[1]))
    y = checks.array(y, "y", shape=(len(X),))
    kept = np.ones(len(X), np.bool_) if kept is None else checks.boolean_array(kept, "kept", shape=(len(X),))
    active = X @ net.weights.T > 0
    patterns, coefs, grams = regions.fit_regions(X, y, active, kept=kept)
    U = regions.infer(patterns, coefs, net.signs, grams=grams)
    Z = ((active * net.signs)[:, :, None] * X[:, None, :]).reshape(len(X), -1)
    joint = np.linalg.lstsq(Z[kept], y[kept], rcond=None)[0].reshape(U.shape)
    region = [np.flatnonzero((active == p).all(axis=1) & kept) for p in patterns]
    # normal equations square the condition number; beyond 1e-6 the data are not good enough to tell
    rounding = min(max(1e-12, 1e-15 * np.linalg.cond(Z[kept]) ** 2), 1e-6)
    ledger = Ledger("INFER with Gram weights is the joint fit")
    ledger.eq(
        "(1)",
        r"X_R^\top X_R\, a_R = X_R^\top y_R",
        np.array([g @ a for g, a in zip(grams, coefs)]),
        np.array([X[rows].T @ y[rows] for rows in region]),
        1e-11,
    )
    incidence = patterns * net.signs
    assembled = np.einsum("rk,rm,rab->kamb", incidence, incidence, grams).reshape(Z.shape[1], -1)
    ledger.eq("(2)", r"\sum_R A_R^\top X_R^\top X_R A_R = Z^\top Z", assembled, Z[kept].T @ Z[kept], 1e-12)
    ledger.eq("(3)", r"\text{rank } Z = Kd", float(np.linalg.matrix_rank(Z[kept])), float(Z.shape[1]))
    ledger.eq("(4)", r"\text{INFER} = \text{joint}", U, joint, rounding)
    return ledger


def descent(fit, X, y, *, seed, trials=20):
    r"""The losses of a fit never rise, the last one is its loss, and from nets near it a short step descends.

    Parameters
    ----------
    fit : NetFit
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
        Its data.
    seed : int >= 0 or anything :func:`robustnn_core.streams.generator` takes
    trials : int >= 1
        Nets near that of the fit, at which the step :math:`\Delta` of the kept points is taken.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core import streams
    >>> from robustnn_core.breakdown import networks
    >>> from robustnn_core.breakdown.proofs import descent
    >>> X = streams.generator(0).standard_normal((60, 2))
    >>> y = np.maximum(X[:, 0], 0.0) + 0.1 * X[:, 1]
    >>> ledger = descent(networks.fit_dc(X, y, signs=[1], seed=0), X, y, seed=0).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", fit.net.weights.shape[1]))
    y = checks.array(y, "y", shape=(len(X),))
    losses, s, h = fit.trace.objective, fit.net.signs, int(fit.kept.sum())
    rng = streams.generator(seed)
    fallen, promised = [], []
    for _ in range(checks.integer(trials, "trials", at_least=1)):
        U = fit.net.weights + 0.3 * np.abs(fit.net.weights).max() * rng.standard_normal(fit.net.weights.shape)
        r = y - nets.ReLUSum(U, s).predict(X)
        S = np.argsort(r * r, kind="stable")[:h]
        Z = (((X[S] @ U.T > 0) * s)[:, :, None] * X[S, None, :]).reshape(h, -1)
        step = np.linalg.lstsq(Z, r[S], rcond=None)[0]
        t = min(1.0, _within_cell(X[S], U, step.reshape(U.shape)))
        after = networks.trimmed_loss(nets.ReLUSum(U + t * step.reshape(U.shape), s), X, y, keep=h)
        fallen.append((float(r[S] @ r[S]) - after) / (2.0 * t - t * t))
        promised.append(float((Z @ step) @ (Z @ step)))
    last = networks.trimmed_loss(fit.net, X, y, keep=h)
    ledger = Ledger("The trimmed loss never rises")
    ledger.leq(
        "1.",
        r"F_h(U^{t+1}) \le F_h(U^t)",
        losses[1:] if losses.size > 1 else losses,
        losses[:-1] if losses.size > 1 else losses,
        0.0,
        by_construction=True,  # the algorithm takes no other step
    )
    ledger.leq(
        "2.",
        r"|Z_S\Delta|^2 \le (F_h(U) - F_h(U + t\Delta))/(2t - t^2) \text{ for a small } t",
        promised,
        fallen,
        1e-6,
    )
    ledger.eq("end", r"\text{the last is } F_h \text{ of the fit}", float(losses[-1]), last)
    return ledger


def positive_half(X, y, truth, *, seed, sign=1):
    """Least trimmed squares on {s y > 0} attains the bound: the counts of the proof, and the fit itself.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
        Corrupted labels of one unit.
    truth : array_like, shape (d,)
        u.
    seed : int >= 0 or anything :func:`robustnn_core.streams.generator` takes
    sign : +1 or -1

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core import streams
    >>> from robustnn_core.breakdown import adversaries
    >>> from robustnn_core.breakdown.proofs import positive_half
    >>> X = streams.generator(0).standard_normal((60, 2))
    >>> half = adversaries.ActiveHalf(0.5)
    >>> y = adversaries.corrupt(X, np.maximum(X[:, 0], 0.0), fraction=0.2, adversary=half, seed=0).y
    >>> ledger = positive_half(X, y, [1.0, 0.0], seed=0).assert_holds()
    """
    X = checks.array(X, "X", shape=("n", "d"))
    n, d = X.shape
    y = checks.array(y, "y", shape=(n,))
    u = checks.array(truth, "truth", shape=(d,))
    s = float(checks.signs([sign], "sign")[0])
    clean = s * np.maximum(X @ u, 0.0)
    touched = y != clean
    m, active = int(touched.sum()), int((X @ u > 0).sum())
    pool = s * y > 0
    wrong = int((pool & touched).sum())
    h = (int(pool.sum()) + d + 1) // 2
    fit = regression.lts(X[pool], s * y[pool], keep=max(h, d + 1), seed=seed, starts=1000)
    ledger = Ledger("One unit: a linear regression on the positive labels attains the bound")
    ledger.eq(
        "(1)",
        r"\text{clean points of } P = \{sy>0\}: \; sy_i = u \cdot x_i",
        s * y[pool & ~touched],
        X[pool & ~touched] @ u,
        by_construction=True,  # clean and positive is active
    )
    ledger.leq("(2)", r"2m \le \#\text{active} - d", float(2 * m), float(active - d))
    ledger.leq(
        "(3)",
        r"\#\text{wrong in } P + \#\text{active lost from } P \le m + \#\text{active changed}",
        float(wrong + (active - (pool & ~touched).sum())),
        float(m + (touched & (X @ u > 0)).sum()),
        by_construction=True,  # the second numbers of both sides are equal
    )
    ledger.leq("(4)", r"2\,\#\text{wrong in } P + d \le |P|", float(2 * wrong + d), float(pool.sum()))
    ledger.leq("(5)", r"\#\text{wrong} \le |P| - h", float(wrong), float(pool.sum() - h))
    ledger.leq("(6)", r"\#\text{wrong} \le h - d", float(wrong), float(h - d))
    ledger.eq("(7)", r"\text{the fit is } u", fit.coef, u, 1e-6)
    return ledger
