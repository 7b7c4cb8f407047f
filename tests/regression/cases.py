"""Small fits of all wings whose results are frozen: ``python -m tests.regression.cases`` writes them anew."""

import json
from pathlib import Path

import numpy as np

from robustnn_core import breakdown, convex, laws, nets, neurotron, perturbations
from robustnn_core.convex import experiments
from robustnn_core.neurotron.adversaries import Impostor

PATH = Path(__file__).with_name("frozen.json")
LOSSES = ("squared", "hinge", "logistic")
#: (n, d, P): fewer points than columns, square, tall, wide (many patterns), many points in few columns, one point.
SIZES = {"n<d": (6, 9, 4), "square": (20, 5, 8), "tall": (60, 4, 6), "wide": (30, 6, 25), "one": (1, 2, 1)}


def problem(n, d, count, seed, loss):
    """X with a column of ones, labels of three units (their signs for a classifier), ``count`` distinct patterns."""
    rng = np.random.default_rng(seed)
    X = np.c_[rng.standard_normal((n, d - 1)), np.ones(n)]
    y = np.maximum(X @ rng.standard_normal((d, 3)), 0.0) @ np.array([1.0, -1.0, 0.5]) + 0.1 * rng.standard_normal(n)
    if loss != "squared":
        y = np.where(y > np.median(y), 1.0, -1.0)
    gates = rng.standard_normal((d, 6 * count))
    active = X @ gates >= 0
    first = np.sort(np.unique(active, axis=1, return_index=True)[1])
    first = first[active[:, first].any(axis=0)][:count]
    return X, y, convex.Patterns(active[:, first], gates[:, first])


def fitted(found, X):
    return {
        "objective": found.objective,
        "lower_bound": found.lower_bound,
        "predictions": found.net.predict(X).tolist(),
    }


def plain(size, loss, gap=1e-6, change=None, **options):
    X, y, patterns = problem(*SIZES[size], 7, loss)
    if change is not None:
        X, y = change(X, y)
    beta = 0.3 if loss == "squared" else 0.01
    return fitted(convex.fit(X, y, patterns, **({"beta": beta, "loss": loss, "gap": gap} | options)), X)


def robust(n, radius, loss, gap=1e-3, features=2, count=12, beta=0.01):
    rng = np.random.default_rng(3)
    X = np.c_[rng.uniform(-1, 1, (n, features)), np.ones(n)]
    y = rng.choice([-1.0, 1.0], n)
    patterns = experiments.gates(X, count, 3, bias=-1)
    return fitted(convex.fit_robust(X, y, patterns, beta=beta, radius=radius, bias=features, loss=loss, gap=gap), X)


def refined():
    X, y, patterns = problem(12, 2, 3, 5, "squared")
    start = convex.fit(X, y, patterns, beta=0.2)
    found = convex.refine(X, y, start, seed=0, gap=1e-6)
    return fitted(found, X) | {"nonconvex_lower_bound": found.nonconvex_lower_bound}


def reduced():
    X, y, patterns = problem(*SIZES["wide"], 7, "squared")
    return fitted(convex.reduce_blocks(X, y, convex.fit(X, y, patterns, beta=0.3, gap=1e-6)), X)


def sampled(loss):
    X, y, patterns = problem(*SIZES["wide"], 7, loss)
    beta = 0.3 if loss == "squared" else 0.01
    return fitted(convex.fit_sampled(X, y, patterns.gates, beta=beta, loss=loss), X)


def zero_point(X, y):
    """A point at the origin bears no constraint."""
    X = X.copy()
    X[3] = 0.0
    return X, y


def small_labels(X, y):
    return X, 1e-3 * y


def by_gradient(loss, attack):
    X, y, _ = problem(*SIZES["square"], 7, loss)
    found = convex.train_gradient(
        X, y, width=6, beta=0.01, attack=attack, radius=0.05, bias=4, loss=loss, steps=50, seed=1
    )
    return {"objective": found.objective, "predictions": found.net.predict(X).tolist()}


def bracketed(loss):
    X, y, _ = problem(*SIZES["square"], 7, loss)
    rng = np.random.default_rng(0)
    net = nets.ReLUSum(rng.standard_normal((5, 5)), [1, -1, 1, 1, -1])
    found = convex.worst_case_loss(net, X, y, radius=0.1, bias=4, loss=loss)
    return {"objective": found.loss, "reached": found.reached, "predictions": found.margins.tolist()}


def corrupted(n=80, d=3, fraction=0.2):
    rng = np.random.default_rng(2)
    X = rng.standard_normal((n, d))
    y, _ = breakdown.corrupt(
        X, X @ np.arange(1.0, d + 1), fraction=fraction, adversary=breakdown.adversaries.GrossOutliers(), seed=0
    )
    return X, y + 0.05 * rng.standard_normal(n)


def linear(name, **options):
    X, y = corrupted()
    found = getattr(breakdown, name)(X, y, **options)
    return {"predictions": found.coef.tolist()}


def broken_net(name, signs, **options):
    rng = np.random.default_rng(4)
    X = rng.standard_normal((120, 3))
    net = nets.ReLUSum(rng.standard_normal((len(signs), 3)), signs)
    y, _ = breakdown.corrupt(X, net.predict(X), fraction=0.1, adversary=breakdown.adversaries.GrossOutliers(), seed=0)
    found = getattr(breakdown, name)(X, y, signs=signs, seed=1, **({"keep": 105} | options))
    return {"predictions": found.net.predict(X[:20]).tolist()}


def neuron(adversary, law):
    net = nets.SingleFilterNet.gate(3)
    w_star = [1.0, 2.0, -1.0]
    run = neurotron.train(
        net, law, w_star, adversary=adversary, eta=0.05, steps=200, repeats=3, seed=5, start=np.zeros(3)
    )
    return {"predictions": run.weights.ravel().tolist(), "errors": np.ravel(run.errors).tolist()[-6:]}


def flow(name, loss, **options):
    rng = np.random.default_rng(6)
    X, y = rng.standard_normal((6, 40)) + 2.0 * np.eye(6, 40), np.array([1.0, -1, 1, 1, -1, -1])
    run = getattr(perturbations, name)(X, y, leak=0.5, width=4, steps=60, seed=2, loss=loss, **options)
    return {"predictions": run.multipliers.tolist(), "margins": run.margins.tolist()}


def cases():
    """Name to function; of every function the numbers of ``fitted`` or of the run."""
    found = {}
    for loss in LOSSES:
        for size in SIZES:
            found[f"fit {loss} {size}"] = lambda size=size, loss=loss: plain(size, loss)
        found[f"fit {loss} zero point"] = lambda loss=loss: plain("square", loss, change=zero_point)
        found[f"fit {loss} loose"] = lambda loss=loss: plain("wide", loss, gap=1e-3)
        found[f"fit {loss} dear"] = lambda loss=loss: plain("square", loss, beta=100.0)
        found[f"fit {loss} admm"] = lambda loss=loss: plain("tall", loss, gap=1e-2, method="admm")
        for name, radius in (("0", 0.0), ("box", 0.03), ("one column", (0.05, 0.0, 0.0))):
            found[f"robust {loss} {name}"] = lambda radius=radius, loss=loss: robust(12, radius, loss)
        found[f"robust {loss} many"] = lambda loss=loss: robust(40, 0.01, loss, features=4, count=60)
        found[f"sampled {loss}"] = lambda loss=loss: sampled(loss)
        found[f"bracket {loss}"] = lambda loss=loss: bracketed(loss)
    found["fit squared small labels"] = lambda: plain("square", "squared", change=small_labels, beta=1e-4)
    found["robust hinge dear"] = lambda: robust(12, 0.02, "hinge", beta=100.0)
    found["refine"] = refined
    found["reduce"] = reduced
    found["gradient hinge pgd"] = lambda: by_gradient("hinge", "pgd")
    found["gradient squared"] = lambda: by_gradient("squared", None)
    found["gradient logistic fgsm"] = lambda: by_gradient("logistic", "fgsm")
    for name, options in (
        ("ols", {}),
        ("huber", {}),
        ("lad", {}),
        ("torrent", {"keep": 60}),
        ("lts", {"keep": 60, "seed": 1}),
    ):
        found[name] = lambda name=name, options=options: linear(name, **options)
    for signs in ([1], [1, -1]):
        found[f"partition {signs}"] = lambda signs=signs: broken_net("fit_partition", signs)
        found[f"dc {signs}"] = lambda signs=signs: broken_net("fit_dc", signs)
    found["partition sum"] = lambda: broken_net("fit_partition", [1, 1], keep=100)
    found["neurotron clean"] = lambda: neuron(None, laws.Sphere(3, 1.0))
    found["neurotron impostor"] = lambda: neuron(Impostor([1.0, 2.1, -1.0]), laws.Gaussian(3))
    for name, options in (("train_flow", {}), ("train_descent", {"rate": 0.1})):
        for loss in ("exponential", "logistic"):
            found[f"{name} {loss}"] = lambda name=name, loss=loss, options=options: flow(name, loss, **options)
    return found


if __name__ == "__main__":
    import time

    frozen = {}
    for key, run in cases().items():
        begin = time.perf_counter()
        frozen[key] = run()
        print(f"{key:28s} {time.perf_counter() - begin:6.2f} s")
    PATH.write_text("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in frozen.items()) + "\n}\n")
