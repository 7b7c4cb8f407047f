"""The proofs of the page on convex adversarial training."""

import itertools

import numpy as np

from robustnn_core import checks, streams
from robustnn_core.convex.cells import box
from robustnn_core.convex.robust import RobustFit, check_data
from robustnn_core.ledger import Ledger

__all__ = ["robust_certificate", "width_loss", "worst_case"]


def worst_case(q, X, y, *, radius, bias=None, loss="hinge"):
    r"""The worst case of a box for a linear score, in closed form: no corner gives more, one gives as much.

    Parameters
    ----------
    q : array_like, shape (d,)
    X, y, radius, bias, loss
        See :func:`~robustnn_core.convex.fit_robust`; at most 12 columns may move.

    Examples
    --------
    >>> from robustnn_core.convex.proofs import worst_case
    >>> worst_case([1.0, -2.0], [[0.3, 1.0], [0.5, 1.0]], [1, -1], radius=[0.1, 0.0]).assert_holds().rows[0].label
    'W1'
    """
    X, y, _, loss = check_data(X, y, 1.0, loss)
    e = box(X, radius, bias=bias)
    q = checks.array(q, "q", shape=(X.shape[1],))
    corners = _corners(e)
    margins, spread = X @ q, e @ np.abs(q)
    every = margins[:, None] + corners @ q  # scores at the corners: an affine map is extreme there
    ledger = Ledger(f"The worst case of a box, {loss.name} loss")
    ledger.leq("W1", r"\delta^\top q\le\|e\circ q\|_1", corners @ q, spread)
    ledger.eq("W2", r"\min_\delta\delta^\top q=-\|e\circ q\|_1", (corners @ q).min(), -spread)
    if not loss.labels:
        ledger.eq(
            "W3",
            r"\max_\delta|q^\top(x+\delta)-y|=|q^\top x-y|+\|e\circ q\|_1",
            np.abs(every - y[:, None]).max(axis=1),
            np.abs(margins - y) + spread,
        )
    else:
        ledger.eq(
            "W3",
            r"\min_\delta y\,q^\top(x+\delta)=y\,q^\top x-\|e\circ q\|_1",
            (y[:, None] * every).min(axis=1),
            y * margins - spread,
        )
    return ledger


def robust_certificate(fit, X, y):
    """At a feasible point no unit changes its pattern in the box, so the convex loss is the worst loss of the net.

    Parameters
    ----------
    fit : RobustFit
        At most 12 columns may move, since every corner is visited.
    X, y : array_like
        Its training points.
    """
    if not isinstance(fit, RobustFit):
        raise ValueError(f"fit = {type(fit).__name__} must be a RobustFit, the result of fit_robust")
    X, y, _, loss = check_data(X, y, fit.beta, fit.loss)
    e, active = fit.radius, fit.patterns.active
    corners = _corners(e)
    blocks = np.concatenate([fit.v.T, fit.w.T])
    signs = np.concatenate([2.0 * active.T - 1] * 2)
    reach = np.abs(blocks) @ e
    least = (
        signs[:, :, None]
        * (blocks @ (X[:, None] + corners).transpose(0, 2, 1).reshape(len(X), X.shape[1], -1)).transpose(1, 0, 2)
    ).min(axis=2)
    scores = np.stack([fit.net.predict(X + corner) for corner in corners], axis=1)
    worst = loss.total(loss.points(scores, y).max(axis=1))
    q = active.astype(np.float64) @ (fit.v - fit.w).T
    margins, spread = (X * q).sum(axis=1), np.abs(q) @ e
    closed = loss.total(loss.worst(margins, spread, y))
    norms = np.sqrt((blocks**2).sum(axis=1)).sum()
    ledger = Ledger("The convex loss is the worst loss of the net")
    ledger.leq(
        "C1", r"\|e\circ u_b\|_1\le(E_bXu_b)_k", np.broadcast_to(reach[:, None], least.shape), signs * (blocks @ X.T)
    )
    ledger.leq("C2", r"0\le E_b(x_k+\delta)^\top u_b\text{ at every corner}", 0.0, least)
    ledger.eq("C3", r"\max_\delta L(f(X+\delta),y)=L_{\mathrm{rob}}(v,w)", worst, closed)
    ledger.eq(
        "C4",
        r"\textstyle\beta\sum_j\|u_j\|=\beta\sum_i(\|v_i\|+\|w_i\|)",
        fit.beta * np.sqrt((fit.net.weights**2).sum(axis=1)).sum(),
        fit.beta * norms,
    )
    # a multiple of a feasible point is feasible, and no feasible point may be below the bound
    shares = np.r_[np.linspace(0.0, 2.0, 41), 0.99, 1.01]
    multiples = [loss.total(loss.worst(c * margins, c * spread, y)) + c * fit.beta * norms for c in shares]
    ledger.leq(
        "C5",
        r"\text{lower bound}\le\text{objective, and that of every multiple}",
        fit.lower_bound,
        [fit.objective, *multiples],
    )
    return ledger


def width_loss(seed, *, trials=2000):
    r"""With a coordinate that stays, a robust margin of 0 still carries a block: the four points of the counterexample.

    The margin of :math:`D=I` at (.1,0), (-.1,0), (.3,1), (.2,1), e = (.05, 0) is 0, yet v = (0, .995) is feasible.

    Examples
    --------
    >>> from robustnn_core.convex.proofs import width_loss
    >>> width_loss(seed=0).assert_holds().rows[-1].label
    'V3'
    """
    rows, e, v = _width_example()
    trials = checks.integer(trials, "trials", at_least=1)
    U = 10 * streams.generator(seed).standard_normal((trials, 2))
    U = U / np.maximum(np.abs(U) @ e, 1e-300)[:, None]
    ledger = Ledger("Width loss needs every coordinate to move")
    ledger.leq("V1", r"\min_k(Xv)_k\le0\text{ for every }v", (U @ rows.T).min(axis=1), 0.0)
    ledger.leq("V2", r"\|e\circ v\|_1\le(Xv)_k,\ v=(0,.995)", e @ np.abs(v), rows @ v)
    ledger.lt("V3", r"0<\|v\|", 0.0, np.linalg.norm(v))
    return ledger


def _width_example():
    rows = np.array([[0.1, 0.0], [-0.1, 0.0], [0.3, 1.0], [0.2, 1.0]])
    return rows, np.array([0.05, 0.0]), np.array([0.0, 0.995])


def _corners(e):
    moving = np.flatnonzero(e)
    if len(moving) > 12:
        raise ValueError(f"radius moves {len(moving)} columns; at most 12, every corner is visited")
    result = np.zeros((2 ** len(moving), len(e)))
    result[:, moving] = (
        np.array(list(itertools.product((-1.0, 1.0), repeat=len(moving)))).reshape(len(result), len(moving)) * e[moving]
    )
    return result
