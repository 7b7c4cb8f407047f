r"""The proofs of the perturbations part, step by step on live data.

Each function takes data (and, where the flow itself is in question, a run) and returns a
:class:`~robustnn_core.ledger.Ledger` with one row for each numbered (in)equality of the proof on the page.
Quantities are made dimensionless, :math:`\lambda_n R_\max^2` instead of :math:`\lambda_n`, so that tolerances mean something.
"""

import math

import numpy as np

from robustnn_core import blas, checks, nets, streams
from robustnn_core.ledger import Ledger
from robustnn_core.perturbations import geometry, theory

__all__ = [
    "cancellation",
    "false_half",
    "flow_limit",
    "implicit_bias",
    "loss_to_zero",
    "reflection",
    "second_net",
    "weak_alignment",
]


def loss_to_zero(X, y, leak, *, seed, weights=None, trials=20):
    r"""Step one of the theorem: from any start the loss tends to 0.

    With :math:`V_j = a_j\sum_n y_nx_n`: :math:`\langle V, y_i\nabla f(x_i)\rangle \ge \gamma(R_\min^2-(N-1)p_\max) =: c > 0`, hence
    :math:`|\nabla L| \ge (c/|V|)\,L` for the exponential loss, and with :math:`|\ell'| \ge k\,\ell` on a sublevel set
    for the logistic one.

    Parameters
    ----------
    X, y, leak
        Data inside assumption (A).
    seed : int
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
    >>> loss_to_zero([[2.0, 0.0], [0.1, 2.0]], [1, -1], 0.9, seed=0).assert_holds().rows[0].label
    'Z1'
    """
    X, y, leak, o = _inside(X, y, leak)
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


def implicit_bias(X, y, leak, *, width=6, seed=0):
    r"""Steps two to five of the theorem: bounds, pattern, uniqueness, rank two and the linear boundary.

    Everything is checked at the KKT point itself, whose multipliers are solved for and not taken from a run.

    Parameters
    ----------
    X, y, leak
        Data inside assumption (A).
    width : int, even
    seed : int
        Of the points at which the boundary is compared.

    Examples
    --------
    >>> implicit_bias([[2.0, 0.0], [0.1, 2.0]], [1, -1], 0.9).assert_holds().rows[-1].label
    'B18'
    """
    X, y, leak, o = _inside(X, y, leak)
    N, p, low, high = len(y), o.p_max, o.r_min**2, o.r_max**2
    G = blas.gram(X)
    square = G.diagonal()
    net = theory.kkt_net(X, y, leak, width=width)
    lam = theory._kkt_multipliers(G, y, leak)
    W, a = net.weights, net.head
    Z = blas.product(W, X.T)
    slopes = np.where(Z >= 0, 1.0, leak)  # of the net itself, not those it was built from
    margins = y * net.predict(X)
    top, bottom = lam.max(), lam.min()
    best = int(lam.argmax())
    rng = streams.generator(seed)
    points = rng.standard_normal((200, X.shape[1]))
    w = theory.direction(X, y, lam)
    ledger = Ledger("The implicit-bias theorem")
    ledger.leq("B1", r"p_\max\le\tfrac{\gamma^3R_\min^4}{3NR_\max^2}\quad\text{(A)}", *_assumption(X, leak))
    target = a[:, None] * ((lam * y * slopes) @ X)
    ledger.eq("B2", r"w_j=a_j\sum_n\lambda_ny_n\phi'_{jn}x_n", W * o.r_max, target * o.r_max)
    ledger.eq("B3", r"y_nf(x_n)=1", margins, 1.0)
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
    seen = y * Z / a[:, None]
    ledger.leq(
        "B11",
        r"\gamma\lambda_nR_n^2-(N-1)p_\max\lambda_{\max}\le y_n\langle w_j,x_n\rangle/a_j",
        np.broadcast_to(leak * lam * square - (N - 1) * p * top, seen.shape),
        seen,
    )
    ledger.lt("B12", r"0<\mathrm{sgn}(a_j)\,y_n\langle w_j,x_n\rangle", 0.0, np.sign(a)[:, None] * y * Z)
    M = theory.pattern_matrix(G, y, leak)
    ledger.lt(
        "B13", r"\sum_{k\ne n}|M_{nk}|<M_{nn}", (np.abs(M).sum(axis=1) - M.diagonal()) / high, M.diagonal() / high
    )
    half = len(a) // 2
    v, u = W[0], W[-1]
    two = np.repeat(np.stack([v, u]), half, axis=0) * o.r_max
    ledger.eq("B14", r"w_j=v\ (a_j>0),\quad w_j=u\ (a_j<0)", W * o.r_max, two, by_construction=True)
    value, m = net.predict(points), len(a)
    ledger.eq(
        "B15",
        r"f(z)=\tfrac{\sqrt m}2(\phi(\langle v,z\rangle)-\phi(\langle u,z\rangle))",
        value,
        math.sqrt(m) / 2 * (nets.leaky_relu(points @ v, leak) - nets.leaky_relu(points @ u, leak)),
    )
    ledger.eq(
        "B16",
        r"v-u=\tfrac{1+\gamma}{\sqrt m}\sum_n\lambda_ny_nx_n",
        (v - u) * o.r_max,
        (1 + leak) / math.sqrt(m) * w * o.r_max,
    )
    ledger.eq(
        "B17",
        r"\mathrm{sgn}f(z)=\mathrm{sgn}\sum_n\lambda_ny_n\langle x_n,z\rangle",
        np.sign(value),
        np.sign(points @ w),
        tol=0.0,
    )
    ledger.eq("B18", r"|W|_F^2=\sum_n\lambda_n", (W**2).sum() * high, lam.sum() * high)
    return ledger


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
    >>> from robustnn_core.perturbations import train_flow
    >>> run = train_flow([[2.0, 0.0], [0.1, 2.0]], [1, -1], leak=0.9, steps=300, seed=0)
    >>> flow_limit(run).assert_holds().rows[0].label
    'F1'
    """
    X, y, leak, o = _inside(run.X, run.y, run.leak)
    lam = theory.kkt_multipliers(X, y, leak)
    low, high = theory.multiplier_bounds(X, leak)
    star = theory.kkt_net(X, y, leak, width=len(run.start)).weights
    ledger = Ledger("Where the flow has gone")
    ledger.lt("F1", r"0<y_nf(x_n)", 0.0, run.margins)
    ledger.lt("F2", r"\log L(T)<\log L(0)", run.history.log_loss[-1], run.history.log_loss[0])
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


def second_net(base, labels, eta, Z, leak, *, first=None):
    r"""The second net's verdict, :math:`\mathrm{sgn}\,g(z) = \mathrm{sgn}(T_1+T_2)`, and when it is the first net's.

    Parameters
    ----------
    base, labels, eta
        The second net's data, ``base + eta`` inside assumption (A).
    Z : array_like, shape (Z, d)
    leak : float
    first : array_like, shape (d,), optional
        The first net's normal w, if the perturbation is :math:`\epsilon y^a_n w/|w|`.

    Examples
    --------
    >>> X, w = 2 * np.eye(3), np.array([1.0, 1.0, -1.0])
    >>> adv = geometry.adversarial_set(X, [1, 1, -1], direction=w, eps=0.01, seed=0)
    >>> second_net(adv.base, adv.y, adv.eta, [[1.0, 2.0, 4.0]], 0.9, first=w).assert_holds().rows[0].label
    'G1'
    """
    base = checks.array(base, "base", shape=("N", "d"))
    eta = checks.array(eta, "eta", shape=base.shape)
    X, labels, leak, _ = _inside(base + eta, labels, leak)
    Z = checks.array(Z, "Z", shape=("Z", X.shape[1]))
    terms = theory.second_net_terms(base, labels, eta, Z, leak)
    net = theory.kkt_net(X, labels, leak)
    g, lam = np.sign(net.predict(Z)), terms.multipliers
    ledger = Ledger("The second net")
    ledger.leq("G1", r"p^a_\max\le\gamma^3(R^a_\min)^4/(3N(R^a_\max)^2)", *_assumption(X, leak))
    ledger.eq(
        "G2", r"\sum_n\lambda^a_ny^a_n\langle x^a_n,z\rangle=T_1+T_2", Z @ theory.direction(X, labels, lam), terms.total
    )
    ledger.eq("G3", r"\mathrm{sgn}\,g(z)=\mathrm{sgn}(T_1+T_2)", g, np.sign(terms.total), tol=0.0)
    if first is not None:
        w = checks.array(first, "first", shape=(X.shape[1],))
        eps = float(np.linalg.norm(eta, axis=1).max())
        T2 = eps * lam.sum() * (Z @ w) / np.linalg.norm(w)
        ledger.eq("G4", r"T_2=\epsilon\big(\sum_n\lambda^a_n\big)\langle w,z\rangle/|w|", terms.perturbation, T2)
        f = np.sign(Z @ w)
        ledger.eq("G5", r"\mathrm{sgn}\,T_2=\mathrm{sgn}f(z)", np.sign(terms.perturbation), f, tol=0.0)
        agree = (np.sign(terms.mislabelled) == f) | (np.abs(terms.perturbation) > np.abs(terms.mislabelled))
        ledger.eq(
            "G6",
            r"g(z)\text{ and }f(z)\text{ agree iff }\mathrm{sgn}\,T_1=\mathrm{sgn}\,T_2\text{ or }|T_2|>|T_1|",
            (g == f).astype(float),
            agree.astype(float),
            tol=0.0,
        )
    return ledger


def reflection(X, y, leak, *, kappa, seed=0):
    r"""Natural base, orthogonal data of one norm, labels flipped: everything turns at :math:`\kappa = \epsilon\sqrt N/R`.

    :math:`\langle x^a_n,x^a_k\rangle = -y_ny_kR^2\kappa(2-\kappa)/N`: (A) leaves a window around 0, where g = -f, and one around
    2, where x^a is the reflection of x in the first net's boundary and g = f.

    Parameters
    ----------
    X : array_like, shape (N, d)
        Orthogonal rows of one norm.
    y : array_like, shape (N,)
        As many +1 as -1: only then are all multipliers of the second net equal.
    leak : float
    kappa : float > 0
    seed : int
        Of the points at which the nets are compared.

    Raises
    ------
    ValueError
        Rows that are not orthogonal or not of one norm, unbalanced labels.

    Examples
    --------
    >>> reflection(np.eye(4), [1, 1, -1, -1], 0.9, kappa=2.0).assert_holds().rows[-1].label
    'K9'
    """
    X, y, leak = theory.check_data(X, y, leak)
    G, N = blas.gram(X), len(y)
    square = float(G.diagonal().mean())
    if np.abs(G - square * np.eye(N)).max() > 1e-9 * square:
        raise ValueError("X must have orthogonal rows of one norm; see experiments.orthogonal")
    if y.sum() != 0:
        raise ValueError(
            f"y has {int((y > 0).sum())} of {N} labels +1; they must balance, or the second net's multipliers differ by class"
        )
    kappa = checks.number(kappa, "kappa", above=0.0)
    eps, w = kappa * math.sqrt(square / N), theory.direction(X, y, np.ones(N))
    unit = w / np.linalg.norm(w)
    moved = geometry.perturb(X, -y, direction=w, eps=eps)
    H = blas.gram(moved)
    o = theory._orthogonality(H, leak)
    away = ~np.eye(N, dtype=bool)
    ledger = Ledger(f"Flipped labels and the reflection, kappa = {kappa:g}")
    ledger.eq("K1", r"|w|=R\sqrt N\quad(\text{multipliers }1)", np.linalg.norm(w) / math.sqrt(square * N), 1.0)
    ledger.eq(
        "K2",
        r"y_n\langle w/|w|,x^a_n\rangle=(1-\kappa)R/\sqrt N",
        y * (moved @ unit) * math.sqrt(N / square),
        1 - kappa,
    )
    ledger.eq(
        "K3",
        r"\langle x^a_n,x^a_k\rangle=-y_ny_kR^2\kappa(2-\kappa)/N",
        H[away] / square,
        (-np.multiply.outer(y, y) * kappa * (2 - kappa) / N)[away],
    )
    ledger.eq("K4", r"|x^a_n|^2=R^2(1-\kappa(2-\kappa)/N)", H.diagonal() / square, 1 - kappa * (2 - kappa) / N)
    need = leak**3 / 3 * (1 - kappa * (2 - kappa) / N)
    ledger.eq(
        "K5",
        r"\text{(A)}\iff\kappa|2-\kappa|\le\tfrac{\gamma^3}3\big(1-\tfrac{\kappa(2-\kappa)}N\big)",
        float(o.holds),
        float(kappa * abs(2 - kappa) <= need * (1 + 1e-12)),
        tol=0.0,
    )
    if kappa * abs(2 - kappa) < need:
        lam = theory.kkt_multipliers(moved, -y, leak)
        ledger.eq("K6", r"\lambda^a_n=\lambda^a_1", lam * square, lam[0] * square)
        normal = theory.direction(moved, -y, lam)
        ledger.eq(
            "K7",
            r"\sum\lambda^a_ny^a_nx^a_n=(\kappa-1)\lambda^a_1\sum_ny_nx_n",
            normal,
            (kappa - 1) * lam[0] * w,
            scale=float(np.abs(lam[0] * w).max()),
        )
        Z = streams.generator(seed).standard_normal((200, X.shape[1]))
        g, f = theory.kkt_net(moved, -y, leak).predict(Z), theory.kkt_net(X, y, leak).predict(Z)
        ledger.eq(
            "K8",
            r"\mathrm{sgn}\,g(z)=\mathrm{sgn}(\kappa-1)\,\mathrm{sgn}f(z)",
            np.sign(g),
            np.sign(kappa - 1) * np.sign(f),
            tol=0.0,
        )
        if kappa == 2.0:
            mirrored = X - 2 * np.multiply.outer(X @ unit, unit)
            ledger.eq("K9", r"x^a_n=x_n-2\langle x_n,w\rangle w/|w|^2\quad(\kappa=2)", moved, mirrored)
    return ledger


def cancellation(X, y, labels, leak, *, kappa):
    r"""Natural base, random labels: how much of T2 the false labels take back.

    With :math:`h = (1+\gamma^2)/2` and :math:`s_n = y_ny^a_n`, for every N: :math:`\lambda^a_n = \lambda_0 + \lambda_1s_n`,
    :math:`\lambda_1 = -\frac{h+\gamma}{2h}\kappa\lambda_0`, and what is left of T2 is
    :math:`1-\frac{h+\gamma}{2h} = \frac{(1-\gamma)^2}{2(1+\gamma^2)}`.

    Parameters
    ----------
    X : array_like, shape (N, d)
        Orthogonal rows of one norm.
    y, labels : array_like, shape (N,)
        True and false labels; the four combinations equally often.
    leak, kappa : float

    Examples
    --------
    >>> cancellation(np.eye(4), [1, 1, -1, -1], [1, -1, 1, -1], 0.3, kappa=0.5).assert_holds().rows[-1].label
    'C5'
    """
    X, y, leak = theory.check_data(X, y, leak)
    labels = checks.signs(labels, "labels", length=len(y))
    kappa = checks.number(kappa, "kappa", above=0.0)
    s = y * labels
    if y.sum() != 0 or labels.sum() != 0 or s.sum() != 0:
        raise ValueError("y and labels must balance: each of the four combinations equally often")
    N = len(y)
    G = blas.gram(X)
    square = float(G.diagonal().mean())
    w = theory.direction(X, y, np.ones(N))
    moved = geometry.perturb(X, labels, direction=w, eps=kappa * math.sqrt(square / N))
    H = blas.gram(moved) / square
    away = ~np.eye(N, dtype=bool)
    lam = np.linalg.solve(theory.pattern_matrix(H, labels, leak), np.ones(N))
    even, odd = lam.mean(), (lam * s).mean()
    h = (1 + leak**2) / 2
    expected = np.multiply.outer(labels, labels) * (np.add.outer(s, s) * kappa + kappa**2) / N
    ledger = Ledger("What the false labels take back")
    ledger.eq(
        "C1",
        r"\langle x^a_n,x^a_k\rangle=\tfrac{R^2}Ny^a_ny^a_k\big(\kappa(s_n+s_k)+\kappa^2\big)",
        H[away],
        expected[away],
    )
    ledger.eq("C2", r"\lambda^a_n=\lambda_0+\lambda_1s_n", lam, even + odd * s)
    ledger.eq("C3", r"\lambda_1=-\tfrac{h+\gamma}{2h}\kappa\lambda_0", odd / even, -(h + leak) / (2 * h) * kappa)
    along = w / np.linalg.norm(w)
    T1 = float((lam * labels) @ (X @ along))
    T2 = float(kappa * math.sqrt(square / N) * lam.sum())
    ledger.eq("C4", r"T_1^{\text{sys}}/T_2=\lambda_1/(\kappa\lambda_0)", T1 / T2, odd / (kappa * even))
    ledger.eq(
        "C5", r"(T_1^{\text{sys}}+T_2)/T_2=\tfrac{(1-\gamma)^2}{2(1+\gamma^2)}", 1 + T1 / T2, theory.cancellation(leak)
    )
    return ledger


def false_half(X, y, labels, leak, *, kappa):
    r"""Natural base, random labels, kappa > 1/c: only the points with false labels are support vectors.

    With :math:`h = (1+\gamma^2)/2`, :math:`c = (h+\gamma)/(2h)` and :math:`s_n = y_ny^a_n`: multipliers
    :math:`\lambda` where :math:`s_n = -1` and 0 elsewhere make a KKT point, whose normal is
    :math:`\frac{\lambda}2\big((\kappa-1)\sum_ny_nx_n+\sum_ny^a_nx_n\big)`.

    Parameters
    ----------
    X : array_like, shape (N, d)
        Orthogonal rows of one norm.
    y, labels : array_like, shape (N,)
        True and false labels; the four combinations equally often.
    leak : float >= 1/2
    kappa : float > 1/c

    Raises
    ------
    ValueError
        Labels that do not balance, kappa <= 1/c.

    Examples
    --------
    >>> y, false = np.tile([1, 1, -1, -1], 200), np.tile([1, -1], 400)
    >>> false_half(np.eye(800), y, false, 0.5, kappa=3.0).assert_holds().rows[-1].label
    'H8'
    """
    X, y, leak = theory.check_data(X, y, leak)
    labels = checks.signs(labels, "labels", length=len(y))
    h = (1 + leak**2) / 2
    c = (h + leak) / (2 * h)
    kappa = checks.number(
        kappa, "kappa", above=1 / c, remedy="below 1/c all points are support vectors: see cancellation"
    )
    s = y * labels
    if y.sum() != 0 or labels.sum() != 0 or s.sum() != 0:
        raise ValueError("y and labels must balance: each of the four combinations equally often")
    N = len(y)
    square = float((X**2).sum(axis=1).mean())
    w, wrong = theory.direction(X, y, np.ones(N)), s < 0
    moved = geometry.perturb(X, labels, direction=w, eps=kappa * math.sqrt(square / N))
    H, away = blas.gram(moved) / square, ~np.eye(N, dtype=bool)
    some = np.ix_(wrong, wrong)
    pairs = wrong[:, None] & wrong & away
    lam = np.zeros(N)
    lam[wrong] = np.linalg.solve(theory.pattern_matrix(H[some], labels[wrong], leak), np.ones(int(wrong.sum())))
    net = theory.kkt_net(moved, labels, leak, multipliers=lam / square)
    Z, margins = blas.product(net.weights, moved.T), labels * net.predict(moved)
    normal = theory.direction(moved, labels, lam)
    first = lam[wrong].mean()
    expected = first / 2 * ((kappa - 1) * w + theory.direction(X, labels, np.ones(N)))
    size = first * math.sqrt(square / N)
    unit = w / np.linalg.norm(w)
    along = float(normal @ unit)
    across = float(np.linalg.norm(normal - along * unit))
    ledger = Ledger("Only the false half supports the second net")
    inner = np.multiply.outer(labels, labels) * (kappa**2 - 2 * kappa) / N
    ledger.eq(
        "H1",
        r"\langle x^a_n,x^a_k\rangle=\tfrac{R^2}Ny^a_ny^a_k\,\kappa(\kappa-2)\quad(s_n=s_k=-1)",
        H[pairs],
        inner[pairs],
    )
    ledger.lt("H2", r"0<\lambda_n=\lambda\quad(s_n=-1)", 0.0, lam[wrong])
    ledger.eq(
        "H3",
        r"\lambda R^2\big(h+\tfrac{h+\gamma}4\kappa(\kappa-2)\big)=1",
        lam[wrong] * (h + (h + leak) / 4 * kappa * (kappa - 2)),
        1.0,
    )
    ledger.eq(
        "H4",
        r"y^a_ng(x^a_n)=\tfrac{h+\gamma}4\kappa^2\lambda R^2\quad(s_n=+1)",
        margins[~wrong],
        (h + leak) / 4 * kappa**2 * first,
    )
    ledger.lt("H5", r"1<y^a_ng(x^a_n)\quad(s_n=+1)", 1.0, margins[~wrong])
    ledger.lt(
        "H6",
        r"0<\mathrm{sgn}(a_j)\,y^a_n\langle w_j,x^a_n\rangle",
        0.0,
        np.sign(net.head)[:, None] * labels * Z * math.sqrt(square),
    )
    ledger.eq(
        "H7",
        r"\sum\lambda_ny^a_nx^a_n=\tfrac\lambda2\big((\kappa-1)\sum y_nx_n+\sum y^a_nx_n\big)",
        normal / size,
        expected / size,
        scale=math.sqrt(N),
    )
    ledger.eq("H8", r"\text{along}/\text{across}=\kappa-1", along / across, kappa - 1)
    return ledger


def weak_alignment(X, y, Z):
    r"""How loudly weak correlations speak together: :math:`0\le\rho(z)\le\sqrt N`, and the two ends.

    Parameters
    ----------
    X, y
        Orthogonal rows of one norm, with labels.
    Z : array_like, shape (Z, d)
        No z orthogonal to all of X.

    Examples
    --------
    >>> weak_alignment(np.eye(4), [1, 1, -1, -1], [[1.0, 2.0, 3.0, 4.0]]).assert_holds().rows[-1].label
    'A3'
    """
    X = checks.array(X, "X", shape=("N", "d"))
    y = checks.signs(y, "y", length=len(X))
    ledger = Ledger("Weak alignment")
    ledger.leq("A1", r"\rho(z)\le\sqrt N", theory.alignment(X, y, Z), math.sqrt(len(X)))
    ledger.eq("A2", r"\rho(x_n)=1", theory.alignment(X, y, X), 1.0)
    ledger.eq("A3", r"\rho\big(\sum_ny_nx_n\big)=\sqrt N", theory.alignment(X, y, (y @ X)[None]), math.sqrt(len(X)))
    return ledger


def _assumption(X, leak):
    """Both sides of (A) over R_max^2, from its words alone: what ``theory.orthogonality`` decides by."""
    inner = np.abs(X @ X.T)
    square = (X**2).sum(axis=1)
    inner[np.diag_indices(len(X))] = 0.0
    return inner.max() / square.max(), leak**3 * square.min() ** 2 / (3 * len(X) * square.max() ** 2)


def _inside(X, y, leak):
    """``(X, y, leak, Orthogonality)`` of data inside assumption (A)."""
    X, y, leak = theory.check_data(X, y, leak)
    o = theory.orthogonality(X, leak)
    if not o.holds:
        raise ValueError(
            f"X has p_max = {o.p_max:.4g} > {o.bound:.4g}, outside assumption (A), where the theorem says nothing; "
            "take fewer points, more dimensions or a leak closer to 1"
        )
    return X, y, leak, o
