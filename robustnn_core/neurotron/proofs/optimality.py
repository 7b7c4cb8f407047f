"""The ledgers of *Is it optimal?*: lower bounds, feasible sets, the closest allowed filter."""

import numpy as np
from scipy.special import betainc, betaln, erfc, hyp0f1

from robustnn_core import checks, laws, nets
from robustnn_core.ledger import Ledger
from robustnn_core.neurotron import theory
from robustnn_core.neurotron.feasible import closest
from robustnn_core.neurotron.inputs import check_direction, check_gate

__all__ = ["allowed", "allowed_sphere", "ball", "dropped_factor", "feasible", "finite_sample", "minimax"]


def minimax(X, *, theta, direction, leak=0.0):
    r"""The two-point lower bound on a sphere: two filters that one set of labels cannot tell apart.

    Parameters
    ----------
    X : array_like, shape (N, n)
        Inputs, all of the same length rho.
    theta : float > 0
    direction : array_like, shape (n,)
        Any direction u; the pair is +-u/2 with \|u\| = 4 theta/((1 + leak) rho).
    leak : float in [0, 1]

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.neurotron.proofs import minimax
    >>> minimax(np.eye(3), theta=0.1, direction=[1, 1, 0]).assert_holds().rows[-1].label
    'M5'
    """
    X = checks.array(X, "X", shape=("N", "n"))
    rho = np.linalg.norm(X, axis=1)
    if np.ptp(rho) > 1e-9 * rho.max():
        raise ValueError(f"X has rows of length {rho.min():.6g} to {rho.max():.6g}; all must lie on one sphere")
    rho = rho.mean()
    theta = checks.number(theta, "theta", above=0.0)
    leak = checks.number(leak, "leak", at_least=0.0, at_most=1.0)
    direction = check_direction(direction, X.shape[1])
    u = direction / np.linalg.norm(direction) * 4 * theta / ((1 + leak) * rho)
    z = X @ u / 2
    plus, minus = nets.leaky_relu(z, leak), nets.leaky_relu(-z, leak)
    middle = (plus + minus) / 2
    ledger = Ledger("Minimax bound on a sphere")
    ledger.eq("M1", r"f_{u/2}(x)-f_{-u/2}(x)=\tfrac{1+\alpha}2u\cdot x", plus - minus, (1 + leak) * z)
    ledger.leq(
        "M2",
        r"|y-f_{\pm u/2}(x)|\le\theta\ \text{ for the label half-way}",
        np.maximum(np.abs(middle - plus), np.abs(middle - minus)),
        theta,
    )
    guess = np.linspace(-1, 1, 41)[:, None] * u
    far = np.maximum(np.linalg.norm(guess - u / 2, axis=1), np.linalg.norm(guess + u / 2, axis=1))
    ledger.leq("M3", r"\max_\pm|\hat w\mp u/2|\ge|u|/2\ \text{ for every answer }\hat w", np.linalg.norm(u) / 2, far)
    ledger.eq(
        "M4",
        r"|u|/2=\tfrac{2\theta}{(1+\alpha)\rho}",
        np.linalg.norm(u) / 2,
        2 * theta / ((1 + leak) * rho),
        by_construction=True,
    )
    both = ((guess - u / 2) ** 2 + (guess + u / 2) ** 2).sum(axis=1)
    ledger.leq("M5", r"|u|^2/4\le\tfrac12\big(|\hat w-u/2|^2+|\hat w+u/2|^2\big)", u @ u / 4, both / 2)
    return ledger


def ball(X, w0, *, theta, direction, leak=0.0):
    r"""Around every filter: two filters a step theta/(L rho) away from ``w0`` that its labels fit alike.

    Parameters
    ----------
    X : array_like, shape (N, n)
        Inputs of length at most rho (the longest row).
    w0, direction : array_like, shape (n,)
    theta : float > 0
    leak : float
        L is max(1, \|leak\|).

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.neurotron.proofs import ball
    >>> ball(np.eye(2), [3.0, 4.0], theta=0.1, direction=[1, 1]).assert_holds().rows[-1].label
    'N3'
    """
    X = checks.array(X, "X", shape=("N", "n"))
    w0 = checks.array(w0, "w0", shape=(X.shape[1],))
    direction = check_direction(direction, X.shape[1])
    theta, leak = checks.number(theta, "theta", above=0.0), checks.number(leak, "leak")
    L, rho = max(1.0, abs(leak)), np.linalg.norm(X, axis=1).max()
    v = direction / np.linalg.norm(direction) * theta / (L * rho)
    near = np.array([nets.leaky_relu(X @ (w0 + s * v), leak) - nets.leaky_relu(X @ w0, leak) for s in (1, -1)])
    reach = L * np.abs(X @ v)
    ledger = Ledger("Around every filter")
    ledger.leq("N1", r"|f_{w_0\pm v}(x)-f_{w_0}(x)|\le L_\alpha|v\cdot x|", np.abs(near), np.stack([reach, reach]))
    ledger.leq("N2", r"L_\alpha|v\cdot x|\le\theta", reach, theta)
    guess = w0 + np.linspace(-2, 2, 81)[:, None] * v
    far = np.maximum(np.linalg.norm(guess - w0 - v, axis=1), np.linalg.norm(guess - w0 + v, axis=1))
    ledger.leq("N3", r"|v|\le\max_\pm|\hat w-(w_0\pm v)|", np.linalg.norm(v), far)
    return ledger


def feasible(X, pairs, *, theta, cos_phi, leak=0.0):
    r"""How far apart two filters can be that fit the same labels on the antipodal sample +-X.

    Parameters
    ----------
    X : array_like, shape (N, n)
        One input of each antipodal pair, all of the same length rho.
    pairs : array_like, shape (P, 2, n)
        Pairs (w, w') whose outputs differ by at most 2 theta on the sample.
    theta : float > 0
    cos_phi : float in (0, 1]
        Cosine of the covering angle of the sample.
    leak : float > -1

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.neurotron.proofs import feasible
    >>> square = feasible(np.eye(2), [[[0.1, 0.1], [-0.1, -0.1]]], theta=0.05, cos_phi=0.5**0.5)
    >>> square.assert_holds().rows[-1].label
    'F5'
    """
    X = checks.array(X, "X", shape=("N", "n"))
    pairs = checks.array(pairs, "pairs", shape=("P", 2, X.shape[1]))
    theta, leak = checks.number(theta, "theta", above=0.0), checks.number(leak, "leak", above=-1.0)
    cos_phi = checks.number(cos_phi, "cos_phi", above=0.0, at_most=1.0)
    rho = np.linalg.norm(X, axis=1).mean()
    up = nets.leaky_relu(pairs @ X.T, leak)
    down = nets.leaky_relu(-(pairs @ X.T), leak)
    here, there = up[:, 0] - up[:, 1], down[:, 0] - down[:, 1]
    v = pairs[:, 0] - pairs[:, 1]
    size, seen = np.linalg.norm(v, axis=1), np.abs(v @ X.T)
    ledger = Ledger("The feasible set")
    ledger.leq("F1", r"|f_w(\pm x)-f_{w'}(\pm x)|\le2\theta", np.maximum(np.abs(here), np.abs(there)), 2 * theta)
    ledger.eq("F2", r"[f_w-f_{w'}](x)-[f_w-f_{w'}](-x)=(1+\alpha)\,v\cdot x", here - there, (1 + leak) * (v @ X.T))
    ledger.leq("F3", r"(1+\alpha)|v\cdot x|\le4\theta", (1 + leak) * seen, 4 * theta)
    ledger.leq("F4", r"|v|\rho\cos\phi\le\max_i|v\cdot x_i|", size * rho * cos_phi, seen.max(axis=1))
    ledger.leq("F5", r"|v|\le\tfrac{4\theta}{(1+\alpha)\rho\cos\phi}", size, 4 * theta / ((1 + leak) * rho * cos_phi))
    return ledger


def finite_sample(n, samples, *, theta, radius=1.0, leak=0.0):
    r"""The lower bound for N inputs drawn from the sphere, and Neuro-Tron's floor against it.

    Probabilities are exact (a coordinate of the sphere squared is a Beta variable).

    Parameters
    ----------
    n : int >= 2
    samples : int >= 1
        N; 4N must stay below exp(n/2), else the two-point bound is the better one.
    theta, radius : float > 0
    leak : float > -1

    Examples
    --------
    >>> from robustnn_core.neurotron.proofs import finite_sample
    >>> finite_sample(64, 10_000, theta=0.1).assert_holds().rows[-1].label
    'H6'
    """
    n = checks.integer(n, "n", at_least=2)
    samples = checks.integer(samples, "samples", at_least=1)
    theta, leak = checks.number(theta, "theta", above=0.0), checks.number(leak, "leak", above=-1.0)
    radius = checks.number(radius, "radius", above=0.0)
    s = np.sqrt(2 * np.log(4 * samples) / n)
    if s > 1:
        raise ValueError(f"samples = {samples} is above exp(n/2)/4 = {np.exp(n / 2) / 4:.4g}; use the two-point bound")
    k = np.arange(12)
    tilt = np.sqrt(n) * np.linspace(0.1, 4, 40)
    level = np.linspace(0.01, 0.99, 99)
    d = 2 * theta / ((1 + leak) * radius * s)
    moments = np.cumprod((2 * k + 1) / (n + 2 * k)) * n ** (k + 1.0)  # of sqrt(n) z, of the orders 2, 4, ..., 24
    exact = np.exp(betaln(k + 1.5, (n - 1) / 2) - betaln(0.5, (n - 1) / 2)) * n ** (k + 1.0)
    inner = radius * s * np.linspace(-1, 1, 21)
    apart = nets.leaky_relu(d * inner, leak) - nets.leaky_relu(-d * inner, leak)
    c = theory.constants(nets.SingleFilterNet.gate(n, leak), laws.Sphere(n, radius))
    ledger = Ledger("N samples on a sphere")
    ledger.eq("H1", r"n^k\,\mathbb E\,z^{2k}=n^k\prod_{j<k}\tfrac{2j+1}{n+2j}", exact, moments)
    ledger.leq("H1", r"n^k\prod_{j<k}\tfrac{2j+1}{n+2j}\le(2k-1)!!", moments, np.cumprod(2 * k + 1.0))
    ledger.leq(
        "H2", r"\mathbb E\,e^{\lambda z}\le e^{\lambda^2/2n}", hyp0f1(n / 2, tilt**2 / 4), np.exp(tilt**2 / (2 * n))
    )
    ledger.leq(
        "H3",
        r"\mathbb P(|z|>s)\le2e^{-ns^2/2}",
        betainc((n - 1) / 2, 0.5, 1 - level**2),
        2 * np.exp(-n * level**2 / 2),
        scale=1e-6,
    )
    ledger.leq("H4", r"N\,\mathbb P(|z|>s_N)\le\tfrac12", samples * betainc((n - 1) / 2, 0.5, 1 - s**2), 0.5)
    ledger.leq(
        "H5",
        r"\tfrac12|f_{d\hat u}(x)-f_{-d\hat u}(x)|\le\theta\quad(|\hat u\cdot x|\le\rho s_N)",
        np.abs(apart) / 2,
        theta,
    )
    ledger.leq(
        "H6",
        r"\tfrac{2\theta p}a\le\sqrt{2\ln4N}\;d",
        theory.sharp_floor(c, theta=theta, eta=0.0),
        np.sqrt(2 * np.log(4 * samples)) * d,
    )
    return ledger


def allowed(shot, *, s):
    r"""The closest allowed filter: one step from every run of a snapshot, at every input.

    Parameters
    ----------
    shot : Snapshot
        Of a single gate with leak in [0, 1]; rho is the length of the longest input.
    s : float in (0, 1)
        Inputs with :math:`|e\cdot x| > s\rho|e|` count. Some run must have
        :math:`|e| \ge r = 8\theta/((1+\alpha)\rho s)`.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.proofs import allowed, greedy_snapshot
    >>> law = laws.Symmetrised([[1.0, 0.0], [0.0, 1.0]])
    >>> shot = greedy_snapshot(nets.SingleFilterNet.gate(2), law, [1.0, 1.0], [[0.0, -2.0]], theta=0.1)
    >>> allowed(shot, s=0.5).assert_holds().rows[-1].label
    'Y5'
    """
    check_gate(shot)
    alpha = checks.number(shot.net.leak, "shot.net.leak", at_least=0.0, at_most=1.0)
    s, theta = checks.number(s, "s", above=0.0, below=1.0), shot.theta
    length = np.linalg.norm(shot.X, axis=1)
    rho, size = length.max(), shot.size[:, None]
    far = shot.size >= 8 * theta / ((1 + alpha) * rho * s)
    if not (far & (shot.size > 0)).any():
        raise ValueError(
            f"shot has no run with |e| >= r = {8 * theta / ((1 + alpha) * rho * s):.4g}; "
            "take weights farther from w_star"
        )
    clean = nets.leaky_relu(shot.X @ shot.w_star, alpha)
    z = shot.weights @ shot.X.T
    move = (closest(z, clean + shot.xi, theta=theta, leak=alpha) - z) / np.where(length > 0, length, 1.0) ** 2
    e_next = shot.e[:, None, :] + move[:, :, None] * shot.X[None]
    moved, after = np.abs(move) * length, (e_next**2).sum(axis=2)
    gap = np.abs(shot.h)
    half = len(shot.X) // 2
    seen = np.abs(shot.pull) > s * rho * size
    counts = (seen & far[:, None])[:, :half]
    if not counts.any():
        raise ValueError(f"s = {s} leaves no input with |e.x| > s rho |e|; take a smaller s")
    needed = np.broadcast_to((1 + alpha) * s * size / 4, counts.shape)
    longer = np.maximum(moved[:, :half], moved[:, half:])
    shrunk = after <= (1 - (1 + alpha) ** 2 * s**2 / 16) * size**2 * (1 + 1e-12)
    ledger = Ledger("The closest allowed filter")
    ledger.leq("Y1", r"|e^+|^2\le|e|^2-|w^+-w|^2", after, size**2 - moved**2)
    ledger.leq("Y2", r"|f_w(x)-f_{w_*}(x)|\le2\theta+\rho\,|w^+-w|", gap, 2 * theta + rho * moved)
    ledger.leq(
        "Y3",
        r"\tfrac{1+\alpha}2|e\cdot x|\le\max_\pm|f_w(\pm x)-f_{w_*}(\pm x)|",
        (1 + alpha) / 2 * np.abs(shot.pull[:, :half]),
        np.maximum(gap[:, :half], gap[:, half:]),
    )
    ledger.leq(
        "Y4",
        r"\tfrac{1+\alpha}4s|e|\le\max_\pm|w^+-w|\quad(|e|\ge r,\ |e\cdot x|>s\rho|e|)",
        needed[counts],
        longer[counts],
    )
    ledger.leq(
        "Y5",
        r"\tfrac12\mathbb P(|e\cdot x|>s\rho|e|)\le"
        r"\mathbb P\big(|e^+|^2\le(1-\tfrac{(1+\alpha)^2s^2}{16})|e|^2\big)\quad(|e|\ge r)",
        seen[far].mean(axis=1) / 2,
        shrunk[far].mean(axis=1),
    )
    return ledger


def allowed_sphere(n, samples):
    r"""How often an input on the sphere in R^n lies within reach of a direction; probabilities are exact.

    Parameters
    ----------
    n : int >= 2
    samples : array_like
        Values of N, between 4 and exp(n).

    Examples
    --------
    >>> from robustnn_core.neurotron.proofs import allowed_sphere
    >>> allowed_sphere(64, [10, 10_000]).assert_holds().rows[-1].label
    'Y8'
    """
    n = checks.integer(n, "n", at_least=2)
    samples = checks.array(samples, "samples", shape=("K",))
    if samples.min() < 4 or np.log(samples.max()) > n:
        raise ValueError(
            f"samples runs from {samples.min():.4g} to {samples.max():.4g}; "
            f"it must stay between 4 and exp(n) = {np.exp(n):.4g}"
        )
    level = np.linspace(0.01, 0.99, 99)
    tau = level * np.sqrt((n - 1) / (1 - level**2))
    s = np.sqrt(np.log(samples) / n) / 2
    ledger = Ledger("Caps of the sphere")
    ledger.leq(
        "Y6",
        r"\mathbb P(|g|>\tau)\le\mathbb P(|z|>s),\quad\tau=s\sqrt{\tfrac{n-1}{1-s^2}}",
        erfc(tau / np.sqrt(2)),
        betainc((n - 1) / 2, 0.5, 1 - level**2),
    )
    ledger.leq(
        "Y7",
        r"\tfrac12e^{-2\tau^2/\pi}\le\mathbb P(|g|>\tau)",
        np.exp(-2 * level**2 * 9 / np.pi) / 2,
        erfc(3 * level / np.sqrt(2)),
    )
    ledger.leq(
        "Y8",
        r"\tfrac12N^{-1/4}\le\mathbb P(|z|>s)\quad(s=\tfrac12\sqrt{\ln N/n})",
        samples**-0.25 / 2,
        betainc((n - 1) / 2, 0.5, 1 - s**2),
    )
    return ledger


def dropped_factor(n, radii, *, delta, leak=0.0):
    r"""What "optimal up to r^2/c_to" leaves out on the sphere of radius r.

    Parameters
    ----------
    n : int >= 1
    radii : array_like
        Radii r with c_to > 0, that is above n/(1 + leak).
    delta : float in (0, 1)
    leak : float > -1

    Examples
    --------
    >>> from robustnn_core.neurotron.proofs import dropped_factor
    >>> dropped_factor(3, [3.5, 6.0, 20.0], delta=0.1).assert_holds().rows[-1].label
    'G4'
    """
    radii = checks.array(radii, "radii", shape=("K",))
    delta = checks.number(delta, "delta", above=0.0, below=1.0)
    net = nets.SingleFilterNet.gate(n, leak)
    c = np.array([theory.constants(net, laws.Sphere(n, r)).c_tradeoff for r in radii])
    if c.min() <= 0:
        raise ValueError(
            f"radii holds {radii[c.argmin()]:.4g}, where c_to = {c.min():.3g} <= 0; take radii above n/(1 + leak)"
        )
    share = (1 + leak) * radii / n
    ledger = Ledger("The dropped factors")
    ledger.eq("G1", r"c_{\mathrm{to}}=\tfrac{(1+\alpha)r}n-1", c, share - 1)
    ledger.leq("G2", r"4(s-1)\le s^2,\quad s=(1+\alpha)r/n", 4 * (share - 1), share**2)
    ledger.leq(
        "G3", r"\tfrac{4n^2}{(1+\alpha)^2}\le\tfrac{r^2}{c_{\mathrm{to}}}", 4 * n**2 / (1 + leak) ** 2, radii**2 / c
    )
    ledger.leq(
        "G4",
        r"\tfrac{2n}{(1+\alpha)\sqrt\delta}\le\tfrac{\epsilon_{\mathrm{paper}}}{\epsilon_{\mathrm{impostor}}}",
        2 * n / ((1 + leak) * np.sqrt(delta)),
        (1 / np.sqrt(delta * c)) / (1 / radii),
    )
    return ledger
