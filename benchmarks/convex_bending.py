"""fit_bending beside cvxpy + Clarabel, and sizes: python -m benchmarks.convex_bending [cvxpy|large|gated]

Seconds are of one thread. Of cvxpy the time of the solver alone, without modelling.
"""

import resource
import sys
import time

import numpy as np

from robustnn_core import convex
from robustnn_core.convex import datasets, experiments
from tests.convex import reference_bending


def timed(function, *arguments, **options):
    wall, used = time.perf_counter(), time.process_time()
    found = function(*arguments, **options)
    return found, time.perf_counter() - wall, time.process_time() - used


def against_cvxpy():
    """n = 40, d = 65, 48 units, digits 3 against 8."""
    X, y = datasets.data("digits", 40, 0)[:2]
    bias = X.shape[1] - 1
    patterns = experiments.gates(X, 40, 1, bias=bias)
    patterns = patterns.take(np.arange(24))
    f, wall, used = timed(convex.fit_bending, X, y, patterns, radius=0.1, bias=bias, beta=1e-2, gap=1e-6)
    print(
        f"n, d = {X.shape}, {2 * patterns.count} units: gap {f.gap:.1e}, {wall:.1f} s wall, {used:.1f} s processor",
        flush=True,
    )
    slopes = np.tile(patterns.active.astype(float), (1, 2))
    value, seconds = reference_bending.bending_optimum(X, y, f.signs, slopes, 1e-2, f.radius, "linf", "hinge")
    print(
        f"Clarabel {value:.8f} in {seconds:.1f} s; ours >= {f.lower_bound:.8f}: {seconds / wall:.0f} times", flush=True
    )


def large(n=1000, d=65, count=30):
    """n = 1000, d = 65, 60 units, to a gap of 1e-2."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.uniform(0, 1, (n, d - 1)), np.ones(n)])
    y = np.sign((X[:, :-1] - 0.5) @ rng.standard_normal(d - 1) + 0.3 * rng.standard_normal(n))
    shift = np.append(X[:, :-1].mean(axis=0), 0.0)
    gates = np.random.default_rng(1).standard_normal((d, count))
    gates[-1] -= shift @ gates
    patterns = convex.Patterns(X @ gates >= 0, gates)
    f, wall, used = timed(convex.fit_bending, X, y, patterns, radius=0.02, bias=d - 1, beta=1e-3, gap=1e-2)
    print(
        f"n = {n}, d = {d}, {2 * count} units: gap {f.gap:.1e}, {wall:.0f} s wall, {used:.0f} s processor", flush=True
    )


def gated(n=100_000, d=50, count=50):
    """n = 1e5, d = 50, P = 50: the group lasso to a gap of 1e-3, and how wide the bracket of the convex program is."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.standard_normal((n, d - 1)), np.ones(n)])
    y = np.maximum(X @ rng.standard_normal((d, 4)), 0.0) @ np.array([1.0, 1.0, -1.0, -1.0]) / np.sqrt(d)
    y += 0.1 * rng.standard_normal(n)
    patterns = convex.sample_patterns(X, count, seed=1)
    g, wall, used = timed(convex.fit_gated, X, y, patterns, beta=30.0)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"n = {n}, d = {d}, P = {patterns.count}: gap {g.gap:.1e}, {wall:.0f} s, CPU {used:.0f} s, {memory:.1f} GB")
    print(f"{g.lower_bound:.6g} <= p* <= {g.objective:.6g}, margins {g.margins.min():.1e} to {g.margins.max():.1e}")


if __name__ == "__main__":
    if "gated" in sys.argv:
        gated()
    if "large" in sys.argv:
        large()
    if "cvxpy" in sys.argv:
        against_cvxpy()
