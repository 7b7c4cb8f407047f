"""The implicit-bias theorem: the loss tends to 0, what holds at the KKT point, and where a run has got to."""

import math

import numpy as np

from robustnn_core import blas, checks, nets, streams
from robustnn_core.ledger import Ledger
from robustnn_core.perturbations import kkt, theory
from robustnn_core.perturbations.proofs._hypotheses import assumption_sides, inside

__all__ = ["flow_limit", "implicit_bias", "loss_to_zero"]


def loss_to_zero(X, y, leak, *, seed, weights=None, trials=20):
    r"""Step one of the theorem: from any start the loss tends to 0.

    With :math:`V_j = a_j\sum_n y_nx_n`:
    :math:`\langle V, y_i\nabla f(x_i)\rangle \ge \gamma(R_\min^2-(N-1)p_\max) =: c > 0`, hence
    :math:`|\nabla L| \ge (c/|V|)\,L` for the exponential loss, and with :math:`|\ell'| \ge k\,\ell` on a sublevel set
    for the logistic one.

    Parameters
    ----------
    X, y, leak
        Data inside assumption (A).
    seed : int >= 0, tuple of int, or numpy Generator
        Of the random weights at which the inequalities are checked.
    weights : array_like, shape (m, d), optional
        Weights to check as well, for instance of a run.
    trials : int >= 1

    Raises
    ------
    ValueError
        Data outside (A), where the step proves nothing.

    Examples
    --------
    >>> from robustnn_core.perturbations.proofs import loss_to_zero
    >>> loss_to_zero([[2.0, 0.0], [0.1, 2.0]], [1, -1], 0.9, seed=0).assert_holds().rows[0].label
    'Z1'
    """
    X, y, leak, o = inside(X, y, leak)
    G, N = blas.gram(X), len(y)
    rng = streams.generator(seed)
    trials = checks.integer(trials, "trials", at_least=1)
    scale = 1 / o.r_max
    nets_ = [
        nets.FrozenHeadNet(scale * rng.choice([0.1, 1.0, 3.0]) * rng.standard_normal((6, X.shape[1])), leak)
        for _ in range(trials)
    ]
    if weights is not None:
        nets_.append(nets.FrozenHeadNet(weights, leak))
    c = leak * (o.r_min**2 - (N - 1) * o.p_max) / o.r_max**2
    length = math.sqrt(y @ G @ y) / o.r_max  # |V|, because sum a_j^2 = 1
    pull, alone, ratio, logistic = [], [], [], []
    for net in nets_:
        a = net.head
        slopes = np.where(net.weights @ X.T >= 0, 1.0, leak)
        alone.append(y * (G @ y) / o.r_max**2)
        pull.append((a**2 @ slopes) * alone[-1])
        margins = y * net.predict(X)
        K = (slopes.T @ (a[:, None] ** 2 * slopes)) * G * np.multiply.outer(y, y) / o.r_max**2
        for slope, value, store in (
            (np.exp(-margins), np.exp(-margins), ratio),
            (1 / (1 + np.exp(margins)), np.log1p(np.exp(-margins)), logistic),
        ):
            gradient = math.sqrt(slope @ K @ slope) / N
            k = (slope / value).min()  # 1 for the exponential loss
            store.append(gradient / (k * value.mean()))
    ledger = Ledger("The loss tends to 0")
    ledger.lt("Z1", r"0<R_\min^2-(N-1)p_\max", 0.0, c / leak)
    ledger.leq("Z2", r"R_\min^2-(N-1)p_\max\le y_i\sum_ny_n\langle x_n,x_i\rangle", c / leak, np.array(alone))
    ledger.leq("Z3", r"c:=\gamma(R_\min^2-(N-1)p_\max)\le\langle V,y_i\nabla f(x_i)\rangle", c, np.array(pull))
    ledger.leq("Z4", r"(c/|V|)\,L\le|\nabla L|\quad(\ell=e^{-z})", c / length, np.array(ratio))
    ledger.leq(
        "Z5", r"k\,(c/|V|)\,L\le|\nabla L|\quad(\ell=\log(1+e^{-z}),\ |\ell'|\ge k\ell)", c / length, np.array(logistic)
    )
    return ledger


def implicit_bias(X, y, leak, *, width=6, seed):
    r"""Steps two to five of the theorem: bounds, pattern, uniqueness, rank two and the linear boundary.

    Everything is checked at the KKT point itself, whose multipliers are solved for and not taken from a run.

    Parameters
    ----------
    X, y, leak
        Data inside assumption (A).
    width : int, even
    seed : int >= 0, tuple of int, or numpy Generator
        Of the points at which the boundary is compared.

    Raises
    ------
    ValueError
        Data outside (A), where the theorem says nothing.

    Examples
    --------
    >>> from robustnn_core.perturbations.proofs import implicit_bias
    >>> implicit_bias([[2.0, 0.0], [0.1, 2.0]], [1, -1], 0.9, seed=0).assert_holds().rows[-1].label
    'B18'
    """
    X, y, leak, o = inside(X, y, leak)
    G = blas.gram(X)
    net = kkt.kkt_net(X, y, leak, width=width)
    lam = kkt.kkt_multipliers(X, y, leak)
    W, a = net.weights, net.head
    Z = blas.product(W, X.T)
    slopes = np.where(Z >= 0, 1.0, leak)  # of the net itself, not those it was built from
    margins = y * net.predict(X)
    ledger = Ledger("The implicit-bias theorem")
    ledger.leq("B1", r"p_\max\le\tfrac{\gamma^3R_\min^4}{3NR_\max^2}\quad\text{(A)}", *assumption_sides(X, leak))
    target = a[:, None] * ((lam * y * slopes) @ X)
    ledger.eq("B2", r"w_j=a_j\sum_n\lambda_ny_n\phi'_{jn}x_n", W * o.r_max, target * o.r_max)
    ledger.eq("B3", r"y_nf(x_n)=1", margins, 1.0)
    _bound_the_multipliers(ledger, G.diagonal(), leak, o, lam, margins)
    _show_the_pattern(ledger, G, y, leak, o, lam, a, Z)
    points = streams.generator(seed).standard_normal((200, X.shape[1]))
    _draw_the_boundary(ledger, net, leak, lam, kkt.direction(X, y, lam), points, o.r_max)
    return ledger


def _bound_the_multipliers(ledger, square, leak, o, lam, margins):
    """Rows B4 to B10; ``square`` holds the R_n^2."""
    N, p, low, high = o.n, o.p_max, o.r_min**2, o.r_max**2
    top, bottom, best = lam.max(), lam.min(), int(lam.argmax())
    ledger.leq(
        "B4",
        r"\gamma\lambda_{\max}(\gamma R_\min^2-Np_\max)\le y_nf(x_n),\ n=\arg\max\lambda",
        leak * top * (leak * low - N * p),
        margins[best],
    )
    ledger.leq("B5", r"\gamma Np_\max\le\tfrac13\gamma^2R_\min^2", leak * N * p / high, leak**2 * low / 3 / high)
    ledger.lt("B6", r"\lambda_{\max}<\tfrac3{2\gamma^2R_\min^2}", top * high, 1.5 * high / (leak**2 * low))
    ledger.leq("B7", r"y_nf(x_n)\le\lambda_nR_n^2+\lambda_{\max}Np_\max", margins, lam * square + top * N * p)
    ledger.lt("B8", r"\lambda_{\max}Np_\max<\tfrac12", top * N * p, 0.5)
    ledger.lt("B9", r"\tfrac1{2R_\max^2}<\lambda_n", 0.5, lam * high)
    ledger.lt("B10", r"(N-1)p_\max\lambda_{\max}<\gamma R_\min^2\lambda_{\min}", (N - 1) * p * top, leak * low * bottom)


def _show_the_pattern(ledger, G, y, leak, o, lam, a, Z):
    """Rows B11 to B13: every neuron sees the labels, so M is the matrix, and it has one solution."""
    N, p, high, square = o.n, o.p_max, o.r_max**2, G.diagonal()
    top = lam.max()
    seen = y * Z / a[:, None]
    ledger.leq(
        "B11",
        r"\gamma\lambda_nR_n^2-(N-1)p_\max\lambda_{\max}\le y_n\langle w_j,x_n\rangle/a_j",
        np.broadcast_to(leak * lam * square - (N - 1) * p * top, seen.shape),
        seen,
    )
    ledger.lt("B12", r"0<\mathrm{sgn}(a_j)\,y_n\langle w_j,x_n\rangle", 0.0, np.sign(a)[:, None] * y * Z)
    M = kkt.pattern_matrix(G, y, leak)
    ledger.lt(
        "B13", r"\sum_{k\ne n}|M_{nk}|<M_{nn}", (np.abs(M).sum(axis=1) - M.diagonal()) / high, M.diagonal() / high
    )


def _draw_the_boundary(ledger, net, leak, lam, w, points, r_max):
    """Rows B14 to B18: rank two, and a boundary with the normal ``w``, compared at ``points``."""
    W, m = net.weights, len(net.head)
    v, u = W[0], W[-1]
    two = np.repeat(np.stack([v, u]), m // 2, axis=0) * r_max
    ledger.eq("B14", r"w_j=v\ (a_j>0),\quad w_j=u\ (a_j<0)", W * r_max, two, by_construction=True)
    value = net.predict(points)
    ledger.eq(
        "B15",
        r"f(z)=\tfrac{\sqrt m}2(\phi(\langle v,z\rangle)-\phi(\langle u,z\rangle))",
        value,
        math.sqrt(m) / 2 * (nets.leaky_relu(points @ v, leak) - nets.leaky_relu(points @ u, leak)),
    )
    ledger.eq(
        "B16",
        r"v-u=\tfrac{1+\gamma}{\sqrt m}\sum_n\lambda_ny_nx_n",
        (v - u) * r_max,
        (1 + leak) / math.sqrt(m) * w * r_max,
    )
    ledger.eq(
        "B17",
        r"\mathrm{sgn}f(z)=\mathrm{sgn}\sum_n\lambda_ny_n\langle x_n,z\rangle",
        np.sign(value),
        np.sign(points @ w),
        tol=0.0,
    )
    ledger.eq("B18", r"|W|_F^2=\sum_n\lambda_n", (W**2).sum() * r_max**2, lam.sum() * r_max**2)


def flow_limit(run, *, tol=1e-6):
    r"""What a run inside (A) has reached, against the KKT point of :func:`implicit_bias`.

    Parameters
    ----------
    run : Run
        Of data inside assumption (A).
    tol : float
        Relative, for the multipliers.

    Examples
    --------
    >>> from robustnn_core.perturbations.proofs import flow_limit
    >>> from robustnn_core.perturbations import train_flow
    >>> run = train_flow([[2.0, 0.0], [0.1, 2.0]], [1, -1], leak=0.9, steps=300, seed=0)
    >>> flow_limit(run).assert_holds().rows[0].label
    'F1'
    """
    X, y, leak, o = inside(run.X, run.y, run.leak)
    lam = kkt.kkt_multipliers(X, y, leak)
    low, high = theory.multiplier_bounds(X, leak)
    star = kkt.kkt_net(X, y, leak, width=len(run.start)).weights
    ledger = Ledger("Where the flow has gone")
    ledger.lt("F1", r"0<y_nf(x_n)", 0.0, run.margins)
    ledger.lt("F2", r"\log L(T)<\log L(0)", run.trace.log_loss[-1], run.trace.log_loss[0])
    ledger.eq("F3", r"\mathrm{sgn}(a_j)\,y_n\langle w_j,x_n\rangle>0\ \text{everywhere}", run.pattern, 1.0, tol=0.0)
    ledger.eq("F4", r"\lambda_n^{\text{secant}}=(M^{-1}1)_n", run.multipliers * o.r_max**2, lam * o.r_max**2, tol)
    ledger.lt("F5", r"\tfrac1{2R_\max^2}<\lambda_n", low / high, run.multipliers / high)
    ledger.lt("F6", r"\lambda_n<\tfrac3{2\gamma^2R_\min^2}", run.multipliers / high, 1.0)
    ledger.leq(
        "F7",
        r"|W-\mu W_*|\le2\,(|W_0|+|W_*|),\quad\mu=\min_ny_nf(x_n)",
        float(np.linalg.norm(run.net.weights - run.margins.min() * star)),
        2 * float(np.linalg.norm(run.start) + np.linalg.norm(star)),
    )
    return ledger
