"""The convex program against its peers, in one run: ``python benchmarks/convex.py [--quick]``.

``python -m benchmarks.convex --save`` also writes the tables, with versions and machine, to
``robustnn_core/convex/measured.json``, which the page on solvers shows.

Same data and patterns for everybody, the best of several runs after a warm one, one thread for ours. Peers that
are not installed are skipped and said so; modelling time is left out of theirs (their own solve time is printed too).
"""

import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np

from robustnn_core import convex

QUICK = "--quick" in sys.argv
TRIALS = 2 if QUICK else 3
SAVE = "--save" in sys.argv
ROWS = []
LOSSES = (("squared", 1.0), ("hinge", 1e-2), ("logistic", 1e-2))


def have(module):
    return importlib.util.find_spec(module) is not None


def timed(run):
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def problem(n, d, P, loss, seed=0):
    rng = np.random.default_rng(seed)
    X = np.c_[rng.standard_normal((n, d - 1)), np.ones(n)]
    y = np.maximum(X @ rng.standard_normal((d, 3)), 0) @ np.array([1, -1, 0.5]) / np.sqrt(d) + 0.1 * rng.standard_normal(n)
    if loss != "squared":
        y = np.where(y > np.median(y), 1.0, -1.0)
    gates = rng.standard_normal((d, 2 * P))
    active = X @ gates >= 0
    first = np.sort(np.unique(active, axis=1, return_index=True)[1])[:P]
    return X, y, convex.Patterns(active[:, first], gates[:, first])


def by_cvxpy(X, y, patterns, beta, loss, solver, options):
    import cvxpy as cp

    (n, d), P = X.shape, patterns.count
    v, w = cp.Variable((d, P)), cp.Variable((d, P))
    E = 2.0 * patterns.active - 1.0
    p = cp.sum(cp.multiply(patterns.active.astype(float), X @ (v - w)), axis=1)
    if loss == "squared":
        value = 0.5 * cp.sum_squares(p - y)
    elif loss == "hinge":
        value = cp.sum(cp.pos(1.0 - cp.multiply(y, p))) / n
    else:
        value = cp.sum(cp.logistic(-cp.multiply(y, p))) / n
    penalty = cp.sum(cp.norm(v, 2, axis=0)) + cp.sum(cp.norm(w, 2, axis=0))
    program = cp.Problem(cp.Minimize(value + beta * penalty), [cp.multiply(E, X @ v) >= 0, cp.multiply(E, X @ w) >= 0])
    program.solve(solver=solver, **options)
    return float(program.value), float(program.solver_stats.solve_time)


def row(n, d, P, loss, name, objective, gap, seconds):
    ROWS.append({"n": n, "d": d, "P": P, "loss": loss, "solver": name, "objective": objective, "gap": gap, "seconds": seconds})


def save(path=Path(__file__).parent.parent / "robustnn_core/convex/measured.json"):
    """Write the rows with what they depend on; a gap is there only where it is certified."""
    packages = ("numpy", "scipy", "cvxpy", "clarabel", "scs")
    versions = {name: importlib.metadata.version(name) for name in packages if have(name)}
    load = round(os.getloadavg()[0], 1)
    machine = {"cores": os.cpu_count(), "architecture": platform.machine(), "python": platform.python_version(), "load": load}
    stored = {"date": date.today().isoformat(), "machine": machine, "versions": versions, "rows": ROWS}
    path.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


def table(n, d, P, losses=LOSSES):
    peers = []
    if have("cvxpy"):
        peers = [("Clarabel", "clarabel", "CLARABEL", {}), ("SCS", "scs", "SCS", {"eps_abs": 1e-6, "eps_rel": 1e-6, "max_iters": 100_000})]
        peers = [peer for peer in peers if have(peer[1])]
        print("\ncvxpy " + importlib.metadata.version("cvxpy") + "".join(f", {p[1]} {importlib.metadata.version(p[1])}" for p in peers))
    else:
        print("\ncvxpy is not installed: its rows are missing")
    print(f"n = {n}, d = {d}, P = {P}: objective, certified gap, seconds")
    for loss, beta in losses:
        X, y, patterns = problem(n, d, P, loss)
        ours = {}
        for tol in (1e-4, 1e-6):
            runs = [timed(lambda tol=tol: convex.fit(X, y, patterns, beta=beta, loss=loss, tol=tol)) for _ in range(TRIALS + 1)][1:]
            ours[tol], f = min(run[0] for run in runs), runs[0][1]
            row(n, d, P, loss, f"fit, tol {tol:.0e}", f.objective, f.gap, ours[tol])
            print(f"  {loss:9s} fit, tol {tol:.0e}    {f.objective:.6f} {f.gap:8.1e} {ours[tol]:9.3f}   {len(f.history['seconds'])} steps")
        for name, _, solver, options in peers:
            try:
                _, (value, seconds) = timed(lambda s=solver, o=options: by_cvxpy(X, y, patterns, beta, loss, s, o))
            except Exception as error:  # a peer that fails is a row, not the end of the run
                print(f"  {loss:9s} {name:16s} failed: {error}")
                continue
            row(n, d, P, loss, name, value, None, seconds)
            print(f"  {loss:9s} {name:16s} {value:.6f}          {seconds:9.3f}   {seconds / ours[1e-6]:.0f} times fit at 1e-6, {seconds / ours[1e-4]:.0f} at 1e-4")


def scaling():
    print("\nADMM, d = 50, P = 50, squared: seconds, certified gap")
    for n in (10**3, 10**4) if QUICK else (10**3, 10**4, 10**5):
        X, y, patterns = problem(n, 50, 50, "squared")
        budget = 10.0 if QUICK else 120.0
        seconds, f = timed(lambda: convex.fit(X, y, patterns, beta=n / 200.0, tol=1e-2, method="admm", max_seconds=budget))
        print(f"  n = {n:7d}  {seconds:8.1f}  objective {f.objective:.5g}, gap {f.gap:.1e}{'' if f.converged else '  (budget ran out)'}")


if __name__ == "__main__":
    table(200, 20, 50)
    if not QUICK:
        table(600, 147, 36)
    if SAVE:
        save()
    scaling()
