"""Convex against gradient training over seeds: ``python benchmarks/convex_study.py [--save] [--quick] [--sweeps]``.

``--save`` writes ``robustnn_core/convex/data/study.json``, which the page on the comparison shows; twenty minutes.
"""

import json
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np

from robustnn_core import convex, streams
from robustnn_core.convex import datasets, experiments

PATH = Path(experiments.__file__).parent / "data" / "study.json"
QUICK = "--quick" in sys.argv
SAVE = "--save" in sys.argv
SWEEPS_ONLY = "--sweeps" in sys.argv  # keeps the stored table
SEEDS = range(1) if QUICK else range(5)
BETA, PATTERNS, WIDTH, STEPS = 1e-3, 60, 48, 2000
TABLE = (
    ("digits", 40, 0.1),
    ("digits", 80, 0.1),
    ("digits", 178, 0.05),
    ("breast-cancer", 50, 0.05),
    ("moons", 40, 0.08),
    ("ring", 40, 0.08),
)
SWEEPS = {
    "ring": (40, (0.02, 0.05, 0.08, 0.12, 0.16)),
    "moons": (40, (0.02, 0.05, 0.08, 0.12, 0.16)),
    "digits": (40, (0.05, 0.1, 0.15, 0.2)),
    "breast-cancer": (50, (0.05, 0.1, 0.15)),
}


def split(name, n, seed):
    if name in ("digits", "breast-cancer"):
        return datasets.data(name, n, seed)
    first, second = streams.spawn(seed, 2)
    return *datasets.plane(name, n, first), *datasets.plane(name, 500, second)


def row(name, n, radius, seed):
    """Accuracies and training objectives of the five methods, one seed."""
    parts, own = streams.spawn((seed,), 2)
    X, y, X_test, y_test = split(name, n, parts)
    begin = time.perf_counter()
    found = experiments.robust_compare(
        X, y, X_test, y_test, radius=radius, bias=-1, beta=BETA, patterns=PATTERNS, width=WIDTH, steps=STEPS, seed=own
    )
    result = {
        "data": name,
        "n": n,
        "radius": radius,
        "seed": seed,
        "kept": found.kept,
        "lower_bound": found.lower_bound,
    }
    for field in ("clean", "fgsm", "pgd", "objective", "reached"):
        result[field] = {key: round(value, 6) for key, value in getattr(found, field).items()}
    result["certified"] = {
        key: round(float((convex.worst_case_loss(net, X_test, y_test, radius=radius, bias=-1).margins > 0).mean()), 6)
        for key, net in found.nets.items()
    }
    told = " ".join(f"{key} {found.clean[key]:.3f}/{found.pgd[key]:.3f}" for key in found.clean)
    print(
        f"{name} n={n} radius={radius} seed={seed} kept={found.kept} {time.perf_counter() - begin:.1f} s {told}",
        flush=True,
    )
    return result


def separated(seed, radius=0.08):
    """Twenty separated points of the plane with random labels: the training objective and its bracket."""
    X, y = datasets.plane("random", 20, (seed,))
    fit = convex.fit_robust(X, y, experiments.gates(X, PATTERNS, seed, bias=-1), beta=BETA, radius=radius, bias=-1)
    result = {
        "seed": seed,
        "radius": radius,
        "kept": int((~fit.screened).sum()),
        "convex": fit.objective,
        "lower_bound": fit.lower_bound,
    }
    every = convex.screen_patterns(X, convex.enumerate_patterns(X), radius, bias=-1)
    best = convex.fit_robust(X, y, every, beta=BETA, radius=radius, bias=-1)
    result["all"] = [every.count, best.lower_bound, best.objective]
    linear = convex.fit_robust_linear(X, y, beta=BETA, radius=radius, bias=-1)
    result["linear"] = linear.objective
    for width in (WIDTH, 200):
        net = convex.train_gradient(
            X, y, width=width, beta=BETA, attack="pgd", radius=radius, bias=-1, steps=STEPS, seed=seed
        ).net
        bracket = convex.worst_case_loss(net, X, y, radius=radius, bias=-1)
        met = convex.attack_box(net, X, y, radius=radius, bias=-1, restarts=20, seed=seed)
        reached = max(bracket.reached, float(np.maximum(1 - y * net.predict(met), 0).mean()))
        penalty = float(BETA * np.sqrt((net.weights**2).sum(axis=1)).sum())
        result[f"pgd {width}"] = [reached + penalty, bracket.loss + penalty]
    print(result, flush=True)
    return result


def main():
    settings = {"beta": BETA, "patterns": PATTERNS, "width": WIDTH, "steps": STEPS}
    if SWEEPS_ONLY:
        stored = experiments.stored("study")
        if {key: stored[key] for key in settings} != settings:
            raise SystemExit("the stored table has other settings; run without --sweeps")
    else:
        stored = {"date": date.today().isoformat(), **settings}
        stored["separated"] = [separated(seed) for seed in SEEDS]
        stored["table"] = [row(name, n, radius, seed) for name, n, radius in TABLE for seed in SEEDS]
    stored["sweeps"] = []
    for name, (n, radii) in SWEEPS.items():
        stored["sweeps"] += [row(name, n, radius, seed) for radius in radii for seed in list(SEEDS)[:3]]
        if SAVE:
            PATH.write_text(json.dumps(stored, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
