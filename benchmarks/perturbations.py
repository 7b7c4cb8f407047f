"""Learning from perturbations against PyTorch: one run, ratios, compiled before the clock starts.

``python benchmarks/perturbations.py [--quick]``; ``--quick`` divides the work: to see that it runs, not to quote.
"""

import argparse
import math
import resource
import sys
import time

import numpy as np

from robustnn_core import perturbations as P
from robustnn_core.perturbations import convnet, experiments

try:
    import torch
except ImportError:
    torch = None

LEAK = 0.5
DESCENT = 100_000  # steps of gradient descent to compare with


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    print(
        f"## Perturbations\n\nPyTorch {torch.__version__ if torch else 'not installed: its rows are missing'}\n",
        flush=True,
    )
    multipliers(quick)
    dimension(quick)
    cnn(quick)
    paper(quick)


def best(rounds, call):
    """Fewest seconds of several calls, and what the last returned."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        found = call()
        seconds.append(time.perf_counter() - start)
    return min(seconds), found


# --- (a) multipliers: how soon are they known? ------------------------------------------------------------


def torch_descent(X, y, width, steps, rate):
    """Seconds a step of full-batch gradient descent in PyTorch, double precision, its own number of threads."""
    head = torch.tensor(np.repeat([1.0, -1.0], width // 2) / math.sqrt(width))
    X, y = torch.tensor(X), torch.tensor(y)
    W = (1e-3 / math.sqrt(X.shape[1]) * torch.randn(width, X.shape[1], dtype=torch.float64)).requires_grad_()
    optimizer = torch.optim.SGD([W], lr=rate)

    def run():
        for _ in range(steps):
            optimizer.zero_grad()
            torch.exp(-y * (torch.nn.functional.leaky_relu(X @ W.T, LEAK) @ head)).mean().backward()
            optimizer.step()

    run()
    return best(3, run)[0] / steps


def multipliers(quick, n=200, d=2000, width=100):
    X, y = experiments.uniform(n, d, seed=0)
    exact = P.kkt_multipliers(X, y, LEAK)

    def error(lam):
        return float(np.abs(lam / exact - 1).max())

    # What 100 000 steps of gradient descent reach does not depend on who makes them: the error from our own
    # descent (tested against PyTorch's gradients), the seconds from a short run of PyTorch, scaled.
    rate, steps = 0.25 * n / float((X**2).sum(axis=1).mean()), DESCENT // (100 if quick else 1)
    slow = P.train_descent(X, y, leak=LEAK, width=width, steps=steps, rate=rate, seed=0)
    lam = P.least_squares_multipliers(slow)[0]
    wanted = min(error(slow.multipliers), error(lam))
    print(f"N = {n}, d = {d}, width {width}: {steps} steps of gradient descent reach margin {slow.margins.min():.3g}")
    print(
        f"and know the multipliers to {wanted:.1e} "
        f"(the better of secant {error(slow.multipliers):.1e} and least squares {error(lam):.1e})\n"
    )
    for reached in range(2, 400, 2):
        flow = P.train_flow(X, y, leak=LEAK, width=width, steps=reached, seed=0)
        if flow.separated and error(flow.multipliers) <= wanted:
            break
    ours, flow = best(5, lambda: P.train_flow(X, y, leak=LEAK, width=width, steps=reached, seed=0))
    print(
        f"train_flow reaches {error(flow.multipliers):.1e} in {reached} steps, {1e3 * ours:.2f} ms, "
        "Gram matrix included"
    )
    solve, _ = best(5, lambda: P.kkt_multipliers(X, y, LEAK))
    print(f"kkt_multipliers gives them to rounding in {1e3 * solve:.2f} ms")
    if torch:
        short = 20 if quick else 200
        a_step = torch_descent(X, y, width, short, rate)
        total = a_step * steps
        print(
            f"PyTorch: {1e3 * a_step:.2f} ms a step, measured on {short} steps; "
            f"{steps} steps take {total:.0f} s (scaled)"
        )
        print(f"ratio {total / ours:.0f} (wanted >= 1000)")
    print(flush=True)


# --- (b) a step does not see the dimension ----------------------------------------------------------------


def dimension(quick, n=100):
    print(
        f"A step of train_flow at N = {n}, width 20, microseconds (the difference of 2500 and 500 steps, Gram given):\n"
    )
    found = []
    for d in (200, 2000, 20_000) if quick else (200, 2000, 20_000, 200_000):
        X, y = experiments.uniform(n, d, seed=0)
        G = X @ X.T

        def run(steps):
            return lambda: P.train_flow(X, y, leak=LEAK, steps=steps, seed=0, gram=G)  # noqa: B023

        run(2)()
        found.append(1e6 * (best(5, run(2500))[0] - best(5, run(500))[0]) / 2000)
        print(f"  d = {d:7d} {found[-1]:8.1f}")
    print(f"  largest over smallest: {max(found) / min(found):.2f}\n", flush=True)


# --- (c) the paper's synthetic experiment at its own size --------------------------------------------------


def paper(quick):
    d, N, N_adv = (2000, 200, 1000) if quick else (10_000, 1000, 10_000)
    start = time.perf_counter()
    X, y = experiments.uniform(N, d, seed=0)
    result = experiments.learn(X, y, leak=0.01, eps=0.78, base="noise", n=N_adv, steps=100, seed=1)
    seconds = time.perf_counter() - start
    formula = P.predicted_accuracy(eps=0.78, n=N, adversarial=N_adv)
    unit = 1024 if sys.platform != "darwin" else 1
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
    print(f"d = {d}, N = {N}, N_adv = {N_adv}, leak .01, eps .78, 100 steps: {seconds:.0f} s, {memory:.1f} GB at most")
    print(
        f"accuracy {result.second:.3f} (first net {result.first:.3f}), the formula {formula:.3f}, the paper {1.0:.3f}"
    )
    print(
        f"smallest margin of the second net {result.second_run.margins.min():.3g}, "
        f"separated: {result.second_run.separated}\n",
        flush=True,
    )


# --- (d) the convolutional net -----------------------------------------------------------------------------


def torch_cnn(X, y, batch, threads):
    """One epoch of the same net, Adam, float32."""
    torch.set_num_threads(threads)
    m = torch.nn
    net = m.Sequential(
        m.Conv2d(1, 8, 5),
        m.ReLU(),
        m.MaxPool2d(2),
        m.Conv2d(8, 16, 5),
        m.ReLU(),
        m.MaxPool2d(2),
        m.Flatten(),
        m.Linear(256, 10),
    )
    images, labels = torch.tensor(X, dtype=torch.float32).reshape(-1, 1, 28, 28), torch.tensor(y)
    optimizer, total, hits = torch.optim.Adam(net.parameters(), lr=2e-3), 0.0, 0
    for rows in torch.randperm(len(X)).split(batch):
        optimizer.zero_grad()
        scores = net(images[rows])
        loss = m.functional.cross_entropy(scores, labels[rows])
        loss.backward()
        optimizer.step()
        total, hits = total + loss.item(), hits + int((scores.argmax(dim=1) == labels[rows]).sum())


def cnn(quick, batch=64):
    rng, count = np.random.default_rng(0), 640 if quick else 6400
    X, y = rng.uniform(size=(count, 784)), rng.integers(0, 10, count)
    print(f"An epoch of the convolutional net, {count} images of 28 x 28, batch {batch}, scaled to 60 000, seconds:\n")

    def ours():
        convnet.train(X, y, epochs=1, batch=batch, seed=0)

    calls = {"convnet.train": ours}
    if torch:
        calls["PyTorch, 2 threads"] = lambda: torch_cnn(X, y, batch, 2)
        calls["PyTorch, 1 thread"] = lambda: torch_cnn(X, y, batch, 1)  # two wait for each other, slow under load
    for call in calls.values():
        call()
    seconds = {name: [] for name in calls}
    for _ in range(3 if quick else 7):  # in turns: a load of the machine hits both
        for name, call in calls.items():
            seconds[name].append(best(1, call)[0])
    for name, found in seconds.items():
        print(f"  {name:20s} best {min(found) * 60_000 / count:6.2f}   median {np.median(found) * 60_000 / count:6.2f}")
    if torch:
        mine = seconds.pop("convnet.train")
        for name, other in seconds.items():
            print(
                f"  {name} over ours: best {min(other) / min(mine):.2f}, "
                f"median {np.median(np.divide(other, mine)):.2f} (wanted >= 1)"
            )
    print(flush=True)


if __name__ == "__main__":
    main()
