"""The convex program against its peers: ``python benchmarks/convex.py [--quick] [--only 200 600 admm] [--save FILE]``.

Same data and patterns for everybody, the best of the same number of runs for everybody (one run for peers that take
over a minute), one thread for everybody. Processor time is compared, as a busy machine does not stretch it: for the
peers that of the solver alone, without cvxpy's modelling. Peers that are not installed are skipped and said so.
``--save`` merges the rows into a JSON file, by default the one that the page on solvers shows.
"""

import argparse
import datetime
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import platform
import time

import numpy as np

from robustnn_core import convex
from robustnn_core.convex import losses

parser = argparse.ArgumentParser()
parser.add_argument("--quick", action="store_true")
parser.add_argument("--only", nargs="+", choices=["200", "600", "admm"], default=["200", "600", "admm"])
parser.add_argument("--save", nargs="?", const="robustnn_core/convex/data/measured.json")
OPTIONS = parser.parse_args()
TRIALS = 2 if OPTIONS.quick else 3
LOSSES = (("squared", 1.0), ("hinge", 1e-2), ("logistic", 1e-2))
#: Options of the peers; the tolerance of the row is theirs, what they mean by it is not a certified gap.
PEERS = {
    "Clarabel": lambda tol: {"tol_gap_abs": tol, "tol_gap_rel": tol, "tol_feas": min(tol, 1e-6)},
    "SCS": lambda tol: {"eps_abs": tol, "eps_rel": tol, "max_iters": 100_000},
}
ROWS = []


def have(module):
    return importlib.util.find_spec(module) is not None


def version(module):
    if not have(module):
        return None
    return importlib.metadata.version(importlib.metadata.packages_distributions()[module][0])  # cvxpy may be cvxpy-base


def timed(run):
    start = time.perf_counter()
    cpu = time.process_time()
    result = run()
    return time.perf_counter() - start, result, time.process_time() - cpu


def record(row):
    """Print a row and keep it; saved after each, as a peer may take minutes."""
    ROWS.append(row)
    name = f"{row['solver']} {row['tol']:.0e}"
    gap = f"{row['gap']:8.1e}" if "gap" in row else " " * 8
    alone = f"{row['solver_cpu_seconds']:9.3f}" if "solver_cpu_seconds" in row else " " * 9
    print(
        f"  n={row['n']:<6d} {row['loss']:9s} {name:15s} {row['objective']:14.6f} {gap} {row['seconds']:9.3f} "
        f"{row['cpu_seconds']:9.3f} {alone}  {row['note']}",
        flush=True,
    )
    if OPTIONS.save:
        save(pathlib.Path(OPTIONS.save))


def save(path):
    def key(row):
        return tuple(row[k] for k in ("n", "d", "P", "loss", "beta", "solver", "tol"))

    before = json.loads(path.read_text()) if path.exists() else {"rows": [], "about": {"versions": {}}}
    old = before["rows"]
    rows = {key(row): row for row in old} | {key(row): row for row in ROWS}
    about = {
        "date": datetime.date.today().isoformat(),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "versions": before["about"]["versions"]
        | {m: version(m) for m in ("numpy", "scipy", "numba", "cvxpy", "clarabel", "scs") if have(m)},
        "seconds": "wall clock, best of `runs`; for the peers with modelling; solver_seconds is without",
        "cpu_seconds": "processor time of the same calls, which a busy machine does not stretch; "
        "solver_cpu_seconds without modelling",
        "load": os.getloadavg()[0],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"about": about, "rows": [rows[k] for k in sorted(rows, key=str)]}, indent=1) + "\n")


def problem(n, d, P, loss, seed=0):
    rng = np.random.default_rng(seed)
    X = np.c_[rng.standard_normal((n, d - 1)), np.ones(n)]
    y = np.maximum(X @ rng.standard_normal((d, 3)), 0) @ np.array([1, -1, 0.5]) / np.sqrt(
        d
    ) + 0.1 * rng.standard_normal(n)
    if losses.get(loss).labels:
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
    value = {
        "squared": lambda: 0.5 * cp.sum_squares(p - y),
        "hinge": lambda: cp.sum(cp.pos(1.0 - cp.multiply(y, p))) / n,
        "logistic": lambda: cp.sum(cp.logistic(-cp.multiply(y, p))) / n,
    }[loss]()
    penalty = cp.sum(cp.norm(v, 2, axis=0)) + cp.sum(cp.norm(w, 2, axis=0))
    program = cp.Problem(cp.Minimize(value + beta * penalty), [cp.multiply(E, X @ v) >= 0, cp.multiply(E, X @ w) >= 0])
    data, chain, inverse = program.get_problem_data(solver, solver_opts=options)
    start, cpu = time.perf_counter(), time.process_time()
    solution = chain.solve_via_data(program, data, solver_opts=options)
    alone = time.perf_counter() - start, time.process_time() - cpu
    program.unpack_results(solution, chain, inverse)
    return float(program.value), *alone


def row(n, d, P, loss, beta, solver, tol, **rest):
    return {"n": n, "d": d, "P": P, "loss": loss, "beta": beta, "solver": solver, "tol": tol} | rest


def ours(n, d, P, loss, beta, tol, name="fit", trials=TRIALS, **options):
    X, y, patterns = problem(n, d, P, loss)
    runs = [timed(lambda: convex.fit(X, y, patterns, beta=beta, loss=loss, gap=tol, **options)) for _ in range(trials)]
    f = runs[0][1]
    record(
        row(
            n,
            d,
            P,
            loss,
            beta,
            name,
            tol,
            objective=f.objective,
            lower_bound=f.lower_bound,
            gap=f.gap,
            converged=f.converged,
            seconds=min(run[0] for run in runs),
            cpu_seconds=min(run[2] for run in runs),
            runs=trials,
            recorded=len(f.trace),
            units=len(f.net.weights),
            note="" if f.converged else "budget ran out",
        )
    )


def peer(n, d, P, loss, beta, tol, solver, trials=TRIALS):
    if not (have("cvxpy") and have(solver.lower())):
        print(f"  cvxpy or {solver} is not installed: its rows are missing")
        return
    X, y, patterns = problem(n, d, P, loss)
    runs = []
    try:
        for _ in range(trials):
            runs.append(timed(lambda: by_cvxpy(X, y, patterns, beta, loss, solver.upper(), PEERS[solver](tol))))
            if runs[-1][0] > 60.0:
                break
    except Exception as error:  # a peer that fails is a line, not the end of the run
        print(f"  {loss:9s} {solver:16s} failed: {error}")
        return
    record(
        row(
            n,
            d,
            P,
            loss,
            beta,
            solver,
            tol,
            objective=runs[0][1][0],
            seconds=min(run[0] for run in runs),
            cpu_seconds=min(run[2] for run in runs),
            runs=len(runs),
            solver_seconds=min(run[1][1] for run in runs),
            solver_cpu_seconds=min(run[1][2] for run in runs),
            note="not certified",
        )
    )


def tables():
    print(
        "size, loss, solver and tolerance, objective, certified gap, seconds, CPU seconds, "
        "CPU seconds of the solver alone"
    )
    if "200" in OPTIONS.only:
        convex.fit(*problem(30, 4, 5, "squared"), beta=1.0)  # warm
        for loss, beta in LOSSES:
            for tol in (1e-4, 1e-6):
                ours(200, 20, 50, loss, beta, tol)
            for tol in (1e-4, 1e-6):
                for solver in PEERS:
                    peer(200, 20, 50, loss, beta, tol, solver)
    if "600" in OPTIONS.only:
        for tol in (1e-4, 1e-6):
            ours(600, 147, 36, "squared", 1.0, tol)
        if not OPTIONS.quick:
            for solver in PEERS:
                peer(600, 147, 36, "squared", 1.0, 1e-6, solver, trials=1)
    if "admm" in OPTIONS.only:
        budget = 10.0 if OPTIONS.quick else 120.0
        for n in (10**3, 10**4) if OPTIONS.quick else (10**3, 10**4, 10**5):
            for loss, beta in LOSSES:
                beta = beta if losses.get(loss).mean else n / 200.0
                ours(n, 50, 50, loss, beta, 1e-2, name="fit", trials=1, max_seconds=4.0 * budget)
                ours(n, 50, 50, loss, beta, 1e-2, name="admm", trials=1, method="admm", max_seconds=budget)


if __name__ == "__main__":
    tables()
