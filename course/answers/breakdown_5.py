"""Answers and hidden checks of the exercises of *Breakdown curves of ReLU nets*."""

import numpy as np

from robustnn_core import nets, sweeps
from robustnn_core.breakdown import adversaries, impostors
from robustnn_core.course import call, compare, fail, numbers


def trials_needed(p):
    """Return the least number T of trials such that, if all succeed, the 95 % Clopper-Pearson interval excludes
    all probabilities below ``p``."""
    return int(np.ceil(np.log(0.025) / np.log(p)))


def hidden_trials_needed(answer):
    for p in (0.3, 0.77, 0.95, 0.99):
        T = 1
        while sweeps.binomial_interval(T, T)[0] < p:
            T += 1
        compare(call(answer, p, name="trials_needed"), T, name=f"trials_needed({p})", tol=0.0)


def split_step(X, u, v):
    """Return a number eps > 0 for which the nets with the units u + eps v, u - eps v and with u twice (all
    signs +) differ at exactly one row of ``X``."""
    ratios = np.sort(np.abs(X @ u) / np.abs(X @ v))
    return ratios[:2].mean()


def hidden_split_step(answer):
    for seed in range(4):
        rng = np.random.default_rng(140 + seed)
        X, (u, v) = rng.standard_normal((60, 2 + seed)), rng.standard_normal((2, 2 + seed))
        eps = numbers(call(answer, X, u, v, name="split_step"), name="split_step")
        gap = nets.ReLUSum([u + eps * v, u - eps * v], [1, 1]).predict(X) - nets.ReLUSum([u, u], [1, 1]).predict(X)
        if eps <= 0 or (np.abs(gap) > 1e-12).sum() != 1:
            fail("The two nets do not differ at exactly one point.")


def quiet_moves(V):
    """Return the moves of the units v_1, ..., v_q, -v_1, ..., -v_q in this order, an array of shape (2q, d),
    not all zero, with p(c) = 0; ``V`` has the rows v_k, q >= 2."""
    c = np.zeros_like(V)
    c[0], c[1] = 1.0, -1.0
    return np.vstack([c, c])


def hidden_quiet_moves(answer):
    for seed, (q, d) in enumerate(((2, 2), (3, 4), (5, 2))):
        V = np.random.default_rng(150 + seed).standard_normal((q, d))
        c = numbers(call(answer, V, name="quiet_moves"), name="quiet_moves", shape=(2 * q, d))
        if not np.abs(c).max() > 0:
            fail("quiet_moves moves no unit.")
        c = c / np.abs(c).max()
        units = np.vstack([V, -V])
        moved = nets.ReLUSum(units + 1e-7 * c, np.ones(2 * q))
        X = np.random.default_rng(160 + seed).standard_normal((2000, d))
        same = np.isclose(moved.predict(X), nets.ReLUSum(units, np.ones(2 * q)).predict(X), rtol=0, atol=1e-11)
        if same.mean() < 0.99:
            fail("A small move along c changes the net on more than the neighbourhood of the kinks.")


def tilted_labels(X, u, v, m):
    """Return n labels: those of the unit ``u``, but ``m`` of them replaced by those of the unit u + v, where
    the two differ least without being equal."""
    clean, wanted = np.maximum(X @ u, 0), np.maximum(X @ (u + v), 0)
    order = np.argsort(np.where(wanted == clean, np.inf, np.abs(wanted - clean)))[:m]
    clean[order] = wanted[order]
    return clean


def hidden_tilted_labels(answer):
    for seed, m in enumerate((1, 7, 20)):
        rng = np.random.default_rng(170 + seed)
        X, (u, v) = rng.standard_normal((50, 2)), rng.standard_normal((2, 2))
        known, other = (nets.ReLUSum([w], [1]).predict(X) for w in (u, u + v))
        gaps = sorted((abs(a - b), i) for i, (a, b) in enumerate(zip(known, other, strict=True)) if a != b)
        for _, i in gaps[:m]:
            known[i] = other[i]
        compare(call(answer, X, u, v, m, name="tilted_labels"), known, name="tilted_labels")


def noticed_share(U, c):
    """Return the probability (three digits) that the sum of c_k over the active units is not 0.

    The units ``U`` have shape (K, 2), the numbers ``c`` shape (K,); the direction of the input is uniform.
    """
    kinks = np.arctan2(U[:, 1], U[:, 0])[:, None] + [-np.pi / 2, np.pi / 2]
    kinks = np.sort(np.mod(kinks.ravel(), 2 * np.pi))
    width = np.diff(np.append(kinks, kinks[0] + 2 * np.pi))
    middle = kinks + width / 2
    total = (U @ [np.cos(middle), np.sin(middle)] > 0).T @ c
    return float(width[np.abs(total) > 1e-9].sum() / (2 * np.pi))


def hidden_noticed_share(answer):
    for seed, c in enumerate(((1.0, -1.0), (1.0, 1.0, -1.0), (0.5, -0.5, 0.5, -0.5))):
        U, signs = np.random.default_rng(180 + seed).standard_normal((len(c), 2)), np.ones(len(c))
        moved = nets.ReLUSum(U + 1e-9 * np.outer(c, [0.3, 0.7]), signs)
        known = impostors.plane_disagreement(nets.ReLUSum(U, signs), moved, 1e-12)
        compare(call(answer, U, np.array(c), name="noticed_share"), known, name="noticed_share", tol=2e-3)


def hopeless_coverage(angle):
    """Return the largest share h/n (many points, inputs of uniform direction, clean labels) for which the merge
    impostor has trimmed loss zero; ``angle``, in degrees, is that between the two units."""
    return 1 - angle / 180


def hidden_hopeless_coverage(answer):
    for angle in (1.0, 37.0, 60.0, 135.0):
        turn = np.deg2rad(angle)
        pair = nets.ReLUSum([[1.0, 0.0], [2 * np.cos(turn), 2 * np.sin(turn)]], [1, -1])
        missed = impostors.plane_disagreement(pair, adversaries.Merge(share=0.3).impostor(pair))
        compare(call(answer, angle, name="hopeless_coverage"), 1 - missed, name="hopeless_coverage")


WRONG = {
    "trials_needed": [
        lambda p: int(np.ceil(np.log(0.05) / np.log(p))),  # one-sided
        lambda p: int(np.ceil(1 / (1 - p))),
        lambda p: int(np.floor(np.log(0.025) / np.log(p))),
    ],
    "split_step": [
        lambda X, u, v: np.min(np.abs(X @ u)) / 2,
        lambda X, u, v: 0.9 * np.min(np.abs(X @ u) / np.abs(X @ v)),
        lambda X, u, v: np.mean(np.sort(np.abs(X @ u) / np.abs(X @ v))[1:3]),
    ],
    "quiet_moves": [
        lambda V: np.vstack([V, V]),  # equal on a pair, but the sum is not zero
        lambda V: np.vstack([np.ones_like(V), -np.ones_like(V)]),  # against each other in a pair
        lambda V: np.vstack([V, -V]),
        lambda V: np.zeros((2 * len(V), V.shape[1])),
    ],
    "tilted_labels": [
        lambda X, u, v, m: np.where(np.arange(len(X)) < m, np.maximum(X @ (u + v), 0), np.maximum(X @ u, 0)),
        lambda X, u, v, m: np.maximum(X @ (u + v), 0),
        lambda X, u, v, m: np.where(
            np.argsort(np.argsort(np.abs(np.maximum(X @ (u + v), 0) - np.maximum(X @ u, 0)))) < m,
            np.maximum(X @ (u + v), 0),
            np.maximum(X @ u, 0),
        ),
        lambda X, u, v, m: np.where(
            np.argsort(np.argsort(-np.abs(np.maximum(X @ (u + v), 0) - np.maximum(X @ u, 0)))) < m,
            np.maximum(X @ (u + v), 0),
            np.maximum(X @ u, 0),
        ),
    ],
    "noticed_share": [
        lambda U, c: float(min(1.0, 0.5 * np.count_nonzero(c))),
        lambda U, c: 0.5 if len(c) == 2 else 0.75,
        lambda U, c: float(
            np.mean(((np.random.default_rng(0).standard_normal((4000, 2)) @ U.T > 0) @ np.abs(c)) > 0)
        ),  # moves cannot cancel
    ],
    "hopeless_coverage": [
        lambda angle: 1 - angle / 360,  # one wedge of the two
        lambda angle: angle / 180,
        lambda angle: 0.75,
    ],
}
