"""Convex adversarial training against a general conic solver: ``python benchmarks/convex_robust.py [--quick]``.

Same program, same patterns, one thread; the peer (cvxpy with Clarabel) is skipped and said so if it is not installed.
"""

import importlib.util
import sys
import time

import numpy as np

from robustnn_core import convex
from robustnn_core.convex import datasets, experiments

QUICK = "--quick" in sys.argv


def have(module):
    return importlib.util.find_spec(module) is not None


def surviving(X, radius, count, seed=0):
    """``count`` patterns that survive the radius."""
    kept = convex.screen_patterns(X, experiments.gates(X, 8 * count, seed, bias=-1), radius, bias=-1)
    return kept.take(np.arange(min(count, kept.count)))


def clarabel(X, y, active, beta, e, loss):
    """Seconds and value of the plain formulas; cvxpy's own time is left out."""
    import cvxpy as cp

    (n, d), P = X.shape, active.shape[1]
    V, W = cp.Variable((d, P)), cp.Variable((d, P))
    Q = active.astype(float) @ (V - W).T
    margin, spread = cp.sum(cp.multiply(X, Q), axis=1), cp.abs(Q) @ e
    value = {
        "hinge": lambda: cp.sum(cp.pos(1 - cp.multiply(y, margin) + spread)) / n,
        "logistic": lambda: cp.sum(cp.logistic(-cp.multiply(y, margin) + spread)) / n,
        "squared": lambda: 0.5 * cp.sum_squares(cp.abs(margin - y) + spread),
    }[loss]()
    rules = [cp.multiply(2.0 * active[:, i] - 1, X @ B[:, i]) >= cp.abs(B[:, i]) @ e for B in (V, W) for i in range(P)]
    problem = cp.Problem(
        cp.Minimize(value + beta * (cp.sum(cp.norm(V, 2, axis=0)) + cp.sum(cp.norm(W, 2, axis=0)))), rules
    )
    problem.solve(solver=cp.CLARABEL, max_threads=1)
    return problem.solver_stats.solve_time, problem.value


def robust_rows():
    """Name, objective, lower bound, relative gap, seconds, peer's value, peer's seconds."""
    rows = []
    for n, count, radius in ((40, 6, 0.02),) if QUICK else ((100, 12, 0.02),):
        X, y, _, _ = datasets.data("digits", n, 0)
        patterns = surviving(X, radius, count)
        for loss in ("hinge", "logistic", "squared"):
            took = []
            for _ in range(3):
                start = time.perf_counter()
                f = convex.fit_robust(X, y, patterns, beta=1e-3, radius=radius, bias=-1, loss=loss, gap=1e-3)
                took.append(time.perf_counter() - start)
            peer = (np.nan, np.nan)
            if have("cvxpy") and have("clarabel"):
                peer = clarabel(X, y, patterns.active, 1e-3, f.radius, loss)
            rows.append(
                (
                    f"digits n={n} P={patterns.count} {loss}",
                    f.objective,
                    f.lower_bound,
                    f.gap,
                    min(took),
                    peer[1],
                    peer[0],
                )
            )
    return rows


def robust():
    print("robust program: objective, certified lower bound, gap, seconds | Clarabel: value, seconds, ratio")
    if not (have("cvxpy") and have("clarabel")):
        print("  cvxpy or Clarabel is not installed: its columns are missing")
    for name, value, lower, gap, took, peer, seconds in robust_rows():
        print(
            f"  {name:28s} {value:.6f} {lower:.6f} {gap:.1e} {took:7.2f} | {peer:.6f} {seconds:7.2f} "
            f"{seconds / took:5.1f}",
            flush=True,
        )


if __name__ == "__main__":
    robust()
