"""Neuro-Tron against its peers: one run, ratios, compile time apart. ``python benchmarks/neurotron.py``

``--quick`` divides the work and the repetitions: to see that it runs, not to quote.
"""

import argparse
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from functools import partial

import numba
import numpy as np

import robustnn_core
from robustnn_core import laws, nets
from robustnn_core.neurotron import adversaries as adv
from robustnn_core.neurotron import constants, experiments, poisoned_schedule, sharp_schedule, train

try:
    import torch
except ImportError:
    torch = None

THETA = 0.1
DRAW_BLOCK = 1 << 14  # 128 kB: stays in the second-level cache, which is NumPy at its fastest here


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    rounds = 3 if quick else 15
    share = 10 if quick else 1
    print("## Neuro-Tron\n")
    print(versions() + "\n")
    drawing(rounds, share)
    peers(rounds, share)
    regimes(share)
    compilation()


# --- (a) against the bare drawing of its inputs -------------------------------------------------------


def draw(total):
    """Draw ``total`` normal numbers with NumPy into a block that is there already."""
    rng, block = np.random.default_rng(0), np.empty(min(total, DRAW_BLOCK))
    for _ in range(-(-total // len(block))):
        rng.standard_normal(out=block)


def run(n, steps, repeats, threads):
    w_star = np.ones(n) / math.sqrt(n)
    return train(
        nets.SingleFilterNet.gate(n),
        laws.Gaussian(n),
        w_star,
        adversary=adv.Greedy(THETA),
        eta=0.5 / (n + 2),
        steps=steps,
        repeats=repeats,
        seed=0,
        records=2,
        threads=threads,
    )


def drawing(rounds, share):
    rows = []
    for n, steps in ((2, 1500), (10, 600), (50, 150)):
        repeats = 2048 // share
        numbers = n * steps * repeats
        same = np.array_equal(run(n, steps, repeats, 1).weights, run(n, steps, repeats, 2).weights)
        times = interleaved(rounds, partial(draw, numbers), *(partial(run, n, steps, repeats, t) for t in (1, 2)))
        bare, one, two = (1e9 * np.median(t) / (steps * repeats) for t in times)
        target = 1.5 if n == 2 else 1.0
        rows.append(
            [
                n,
                f"{bare:.1f}",
                f"{one:.1f}",
                f"{two:.1f}",
                *(ratio(t, times[0]) for t in times[1:]),
                f"{target} / 0.6",
                "yes" if same else "NO",
            ]
        )
    print(
        "`train` (greedy adversary, single gate) against drawing the same normal numbers with NumPy, "
        "ns a step and repeat:\n"
    )
    table(
        [
            "n",
            "drawing",
            "1 thread",
            "2 threads",
            "ratio, 1 thread",
            "ratio, 2 threads",
            "wanted, at most",
            "same bits",
        ],
        rows,
    )


# --- (b) against other ways to write it ---------------------------------------------------------------


def plain_loop(n, steps, repeats):
    """One repeat after the other, one NumPy expression a line."""
    rng, w_star = np.random.default_rng(0), np.ones(n) / math.sqrt(n)
    weights = np.zeros((repeats, n))
    for w in weights:
        for _ in range(steps):
            x = rng.standard_normal(n)
            xi = math.copysign(THETA, (w - w_star) @ x)
            y = max(w_star @ x, 0.0) + xi
            w += 0.5 / (n + 2) * (y - max(w @ x, 0.0)) * x
    return weights


def vectorised(n, steps, repeats):
    """All repeats at once, one NumPy expression a line."""
    rng, w_star = np.random.default_rng(0), np.ones(n) / math.sqrt(n)
    W, X = np.zeros((repeats, n)), np.empty((repeats, n))
    for _ in range(steps):
        rng.standard_normal(out=X)
        xi = np.copysign(THETA, ((W - w_star) * X).sum(axis=1))
        y = np.maximum(X @ w_star, 0.0) + xi
        W += (0.5 / (n + 2) * (y - np.maximum((W * X).sum(axis=1), 0.0)))[:, None] * X
    return W


def in_torch(n, steps, repeats):
    """The same in PyTorch, on as many threads as it takes by itself."""
    generator = torch.Generator().manual_seed(0)
    w_star = torch.ones(n, dtype=torch.float64) / math.sqrt(n)
    W, X = torch.zeros((repeats, n), dtype=torch.float64), torch.empty((repeats, n), dtype=torch.float64)
    with torch.no_grad():
        for _ in range(steps):
            X.normal_(generator=generator)
            xi = THETA * torch.sign(((W - w_star) * X).sum(dim=1))
            y = torch.relu(X @ w_star) + xi
            W += (0.5 / (n + 2) * (y - torch.relu((W * X).sum(dim=1))))[:, None] * X
    return W.numpy()


def peers(rounds, share):
    rows = []
    for n in (2, 10, 50):
        steps, repeats = 400 // share, 2000
        few = 10  # the plain loop is linear in the repeats
        calls = [
            partial(run, n, steps, repeats, 1),
            partial(plain_loop, n, steps, few),
            partial(vectorised, n, steps, repeats),
        ]
        if torch is not None:
            calls.append(partial(in_torch, n, steps, repeats))
            in_torch(n, 2, repeats)
        errors = [
            np.sqrt(((c().weights if i == 0 else c()) - 1 / math.sqrt(n)).__pow__(2).sum(axis=1).mean())
            for i, c in enumerate(calls)
        ]
        if not quick_agreement(errors):
            raise RuntimeError(f"the peers do not simulate the same thing: rms errors {errors}")
        times = interleaved(max(3, rounds // 2), *calls)
        times[1] = times[1] * (repeats / few)
        rows.append([n, *(ratio(t, times[0]) for t in times[1:]), *([] if torch is not None else ["not installed"])])
    print("How many times longer others take for the same simulation (2000 repeats; `train` on one thread):\n")
    table(
        ["n", "NumPy, loop over repeats (wanted >= 20)", "NumPy, all repeats at once", "PyTorch, all repeats at once"],
        rows,
    )


def quick_agreement(errors):
    """The rms errors agree, the few repeats of the plain loop within a factor of two."""
    return all(0.5 < e / errors[0] < 2 for e in errors) and all(abs(e / errors[0] - 1) < 0.1 for e in errors[2:])


# --- (c) the book's regimes ---------------------------------------------------------------------------


def regimes(share):
    repeats = 20_000 // share
    start = time.perf_counter()
    gate, ball = nets.SingleFilterNet.gate, laws.Gaussian
    seconds = {}

    def lap(name):
        nonlocal start
        seconds[name], start = time.perf_counter() - start, time.perf_counter()

    c = constants(gate(2), ball(2, 4.0))
    s = poisoned_schedule(c, theta=0.11705, eps=0.5, delta=0.1, Delta1=1.0)
    attacks = [adv.NoAttack(), adv.Constant(0.11705), adv.RandomSign(0.11705), adv.Greedy(0.11705)]
    for attack in attacks:
        train(
            gate(2), ball(2, 4.0), [1.0, 0.0], adversary=attack, eta=s.eta, steps=s.steps - 1, repeats=repeats, seed=0
        )
    lap("E1")
    for attack in (adv.Constant(0.1), adv.RandomSign(0.1), adv.Greedy(0.1)):
        for eta, steps in ((0.08, 400), (0.02, 1500), (0.005, 5000)):
            train(
                gate(10), ball(10), np.eye(10)[0], adversary=attack, eta=eta, steps=steps, repeats=repeats // 10, seed=0
            )
    lap("E2")
    for n in (5, 20, 80):
        s = sharp_schedule(constants(gate(n), ball(n)), eps=0.1, delta=0.01, Delta1=1.0)
        experiments.measured_steps(
            gate(n), ball(n), np.eye(n)[0], eta=s.eta, target=1e-4, max_iter=s.steps, repeats=repeats // 10, seed=0
        )
    lap("E3")
    net, law = nets.SingleFilterNet.convolution(3, 2), laws.Cube(3, 30.0)
    s = poisoned_schedule(constants(net, law), theta=0.1343, eps=0.6, delta=0.1, Delta1=1.0)
    train(
        net, law, [1.0, 0.0], adversary=adv.Greedy(0.1343), eta=s.eta, steps=s.steps - 1, repeats=repeats // 10, seed=0
    )
    lap("E4")
    w_adv = experiments.impostor_pair([1.0, 0.0, 0.0], theta=0.2, radius=2.0, direction=[1.0, 0.0, 0.0])
    train(
        gate(3),
        laws.Sphere(3, 2.0),
        [1.0, 0.0, 0.0],
        adversary=adv.Impostor(w_adv),
        eta=0.3,
        steps=2000,
        repeats=repeats // 10,
        seed=0,
    )
    lap("E5")
    print(
        f"The regimes of the book in seconds ({repeats} repeats in E1, {repeats // 10} in the others), all threads:\n"
    )
    table(
        [*seconds, "together", "wanted"],
        [[*(f"{v:.2f}" for v in seconds.values()), f"{sum(seconds.values()):.1f}", "well under 60"]],
    )


# --- what a first call costs --------------------------------------------------------------------------

FIRST_CALL = """
import time
from robustnn_core import laws, nets, neurotron
start = time.perf_counter()
neurotron.train(nets.SingleFilterNet.gate(2), laws.Gaussian(2), [1.0, 0.0], eta=0.1, steps=2, seed=0)
print(time.perf_counter() - start)
"""


def compilation():
    with tempfile.TemporaryDirectory() as cache:
        environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"} | {"ROBUSTNN_CACHE": cache}
        seconds = [
            float(
                subprocess.run(
                    [sys.executable, "-c", FIRST_CALL], env=environment, capture_output=True, text=True, check=True
                ).stdout
            )
            for _ in range(2)
        ]
    print("The first call of `train`, in seconds:\n")
    table(["compiling", "from the cache on disk"], [[f"{s:.2f}" for s in seconds]])


# --- measuring ----------------------------------------------------------------------------------------


def interleaved(rounds, *calls):
    """Seconds of each call, (calls, rounds), taken in turns A B C A B C... so that drift cancels in ratios."""
    seconds = np.empty((len(calls), rounds))
    for i in range(rounds):
        for j, call in enumerate(calls):
            start = time.perf_counter()
            call()
            seconds[j, i] = time.perf_counter() - start
    return seconds


def ratio(times, base):
    """Median of the ratios within a round, with their quartiles."""
    low, middle, high = np.quantile(times / base, [0.25, 0.5, 0.75])
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"


def table(head, rows):
    for row in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(str(v) for v in row) + " |")
    print()


def versions():
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    libraries = (
        f"robustnn_core {robustnn_core.__version__}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, Numba {numba.__version__}"
    )
    return f"{libraries}, PyTorch {torch.__version__ if torch else 'not installed'}; {os.cpu_count()} cores{load}."


if __name__ == "__main__":
    main()
