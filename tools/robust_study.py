"""Compare convex and gradient adversarial training over seeds: ``python tools/robust_study.py [--seeds 4] [--only NAME]``.

Writes chapters/convex/robust-results.json after every run and goes on where it stopped. Its keys:

* ``methods``: "convex", "linear" (the control: one pattern, every point seen), "gd", "fgsm", "pgd" (Adam).
* ``settings``: a list, each with ``name``, ``data``, ``n``, ``radius``, ``beta``, ``patterns`` (gates drawn), ``width`` and
  ``steps`` (of the gradient nets), ``tested_on`` ("held-out points" or "training points"), ``runs`` and ``summary``.
* ``runs``: one dict a seed: ``seed``, ``kept`` (patterns that survive the radius), ``lower_bound`` (certified, of the convex
  program with these patterns), and ``clean``, ``fgsm``, ``pgd`` (accuracies), ``objective`` (certified upper bound of the worst
  hinge loss on the training boxes plus beta sum |u|; exact for "convex" and "linear"), ``reached`` (the same with the loss
  an attack reaches), each by method (a score of 0 counts as wrong: a net that is 0 everywhere has accuracy 0); ``seconds`` of the whole comparison.
* ``summary``: of ``clean``, ``fgsm``, ``pgd``, ``objective``, ``reached`` by method ``[mean, standard deviation]`` over the runs (the
  deviation of a sample, null for one run), and the mean of ``kept``.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from robustnn_core import streams
from robustnn_core.convex import experiments

PATH = Path(__file__).resolve().parents[1] / "chapters" / "convex" / "robust-results.json"
MEASURES = ("clean", "fgsm", "pgd", "objective", "reached")

#: name, data, n, radius, beta, patterns, width, steps
SETTINGS = [
    ("random labels in the plane", "random", 20, 0.08, 1e-3, 60, 48, 2000),
    ("random labels in the plane, wide net", "random", 20, 0.08, 1e-3, 60, 200, 2000),
    ("two moons", "moons", 40, 0.08, 1e-3, 60, 48, 2000),
    ("disc in a ring", "ring", 40, 0.08, 1e-3, 60, 48, 2000),
    ("digits, 40 points", "digits", 40, 0.1, 1e-3, 60, 48, 2000),
    ("breast cancer, 50 points", "breast-cancer", 50, 0.05, 1e-3, 60, 48, 2000),
    ("digits, 80 points", "digits", 80, 0.1, 1e-3, 60, 48, 2000),
    ("digits, 178 points", "digits", 178, 0.05, 1e-3, 60, 48, 2000),
]


def run(setting, seed):
    name, data, n, radius, beta, patterns, width, steps = setting
    split, own = streams.spawn(seed, 2)
    if data in ("digits", "breast-cancer"):
        points = experiments.data(data, n, split)
    elif data == "random":  # labels that nothing but memory gets right: the training points are the test
        X, y = experiments.plane(data, n, split)
        points = X, y, X, y
    else:
        train, test = streams.spawn(split, 2)
        points = *experiments.plane(data, n, train), *experiments.plane(data, 1000, test)
    start = time.perf_counter()
    c = experiments.robust_compare(
        *points, radius=radius, beta=beta, patterns=patterns, width=width, steps=steps, seed=own
    )
    result = {"seed": seed, "kept": c.kept, "lower_bound": c.lower_bound}
    result.update({key: {m: round(float(v), 6) for m, v in getattr(c, key).items()} for key in MEASURES})
    result["seconds"] = round(time.perf_counter() - start, 2)
    return result


def summary(runs):
    result = {"kept": float(np.mean([r["kept"] for r in runs]))}
    for key in MEASURES:
        values = {m: [r[key][m] for r in runs] for m in experiments.METHODS}
        result[key] = {
            m: [round(float(np.mean(v)), 4), round(float(np.std(v, ddof=1)), 4) if len(v) > 1 else None]
            for m, v in values.items()
        }
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    found = {"methods": list(experiments.METHODS), "settings": []}
    if PATH.exists():
        found = json.loads(PATH.read_text())
    entries = {entry["name"]: entry for entry in found["settings"]}
    for seed in range(options.seeds):
        for setting in SETTINGS:
            if options.only not in setting[0]:
                continue
            name, data, n, radius, beta, patterns, width, steps = setting
            tested = "training points" if data == "random" else "held-out points"
            head = dict(
                name=name, data=data, n=n, radius=radius, beta=beta, patterns=patterns, width=width, steps=steps, tested_on=tested
            )
            entry = entries.get(name)
            if entry is None or any(entry[key] != value for key, value in head.items()):
                entry = entries[name] = {**head, "runs": []}
            if any(r["seed"] == seed for r in entry["runs"]):
                continue
            try:
                entry["runs"].append(run(setting, seed))
            except ValueError as error:  # no pattern survives the radius: that is a result too
                entry.setdefault("failures", []).append({"seed": seed, "message": str(error)})
                print(name, seed, error, flush=True)
                continue
            entry["summary"] = summary(entry["runs"])
            found["settings"] = [entries[s[0]] for s in SETTINGS if s[0] in entries]
            PATH.parent.mkdir(parents=True, exist_ok=True)
            PATH.write_text(json.dumps(found, indent=1) + "\n")
            last = entry["runs"][-1]
            print(f"{name:38s} seed {seed} {last['seconds']:7.1f} s", {m: (last["clean"][m], last["pgd"][m]) for m in last["pgd"]}, flush=True)


if __name__ == "__main__":
    main()
