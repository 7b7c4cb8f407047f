"""Measure what the last perturbations page tells about MNIST, and store it in the package.

    .venv/bin/python tools/mnist_study.py [FILE]          # about half an hour; default: the tracked file

Two studies: the two-layer net on 3 against 8, and a convolutional net on all ten classes. MNIST is looked for as
``images.load`` says (``ROBUSTNN_DATA``, the cache folder, else a download). The file is written after every seed, and
a second call goes on where the first one stopped, if nothing that the numbers depend on has changed since; delete the
file to start again.
"""

import hashlib
import json
import sys
from pathlib import Path

from robustnn_core import fingerprint, images
from robustnn_core.perturbations import convnet, convolution, experiments

TARGET = Path(__file__).resolve().parent.parent / "robustnn_core" / "perturbations" / "data" / "mnist.json"
SETTINGS = {
    "first_images": 60000,
    "first_epochs": 3,
    "perturbed_images": 30000,
    "second_epochs": 6,
    "pgd_steps": 10,
    "seeds": [0, 1, 2],
    "budgets": {"l2": 2.0, "linf": 0.3},
    "range": [0, 1],
}
PAIR = {"classes": [3, 8], "count": 500, "leak": 0.5, "steps": 300, "seeds": [0, 1, 2, 3, 4]}
CASES = {
    **{f"random, eps {eps:g}": {"eps": eps} for eps in (0.5, 1.0, 2.0, 3.0)},
    **{f"deterministic, eps {eps:g}": {"eps": eps, "labels": "deterministic"} for eps in (1.0, 2.0, 3.0)},
    **{f"noise (100), eps {eps:g}": {"eps": eps, "base": "noise", "n": 100} for eps in (1.0, 2.0)},
    "random, PGD, eps 2": {"eps": 2.0, "attack": "pgd"},
}


def two_layer(centre, seed):
    """Accuracies on the test images of MNIST of all cases, one seed."""
    train, _ = images.load("mnist", pair=(3, 8), part="train").split(PAIR["count"], seed=seed, centre=centre)
    test = images.load("mnist", pair=(3, 8), part="test")
    test = test.centred(train.mean) if centre else test
    found = {}
    for name, options in CASES.items():
        r = experiments.learn(
            train.X,
            train.y,
            test=(test.X, test.y),
            leak=PAIR["leak"],
            steps=PAIR["steps"],
            seed=seed,
            control=name == "random, eps 2",
            **options,
        )
        found[name] = r.second
        if name == "random, eps 2":
            found["first net"], found["no perturbation"] = r.first, r.control
    return found


def convolutional(seed):
    """First accuracy, attack successes and the second net's accuracy after every epoch, one seed."""
    train, test = (images.load("mnist", part=part) for part in ("train", "test"))
    net = convnet.train(train.X, train.y, epochs=SETTINGS["first_epochs"], seed=(seed, 0)).net
    found = {"first": convolution.score(net, test.X, test.y), "second": []}
    X, y = train.X[: SETTINGS["perturbed_images"]], train.y[: SETTINGS["perturbed_images"]]
    for rule in convolution.RULES:
        labels = convolution.false_labels(y, rule, seed=(seed, 1))
        for norm, eps in SETTINGS["budgets"].items():
            attack = convolution.perturb_images(net, X, y, labels, norm=norm, eps=eps, steps=SETTINGS["pgd_steps"])
            found["second"].append(
                _lesson(rule, norm, attack.X, labels, test, seed) | {"success": float(attack.success.mean())}
            )
            print(seed, found["second"][-1], flush=True)
        found["second"].append(_lesson(rule, "none", X, labels, test, seed))
    return found


def _lesson(rule, norm, X, labels, test, seed):
    lesson = convolution.learn_images(X, labels, (test.X, test.y), epochs=SETTINGS["second_epochs"], seed=(seed, 2))
    return {
        "labels": rule,
        "norm": norm,
        "clean": [round(v, 4) for v in lesson.clean.tolist()],
        "fitted": round(lesson.fitted, 4),
    }


def main(target):
    results = {
        "made_by": "tools/mnist_study.py",
        "data": "MNIST",
        "settings": SETTINGS,
        "pair": PAIR,
        "code": hashlib.sha256(json.dumps(fingerprint.parts([two_layer, convolutional])).encode()).hexdigest()[:16],
        "two_layer": {},
        "convolutional": {},
    }
    if target.exists():
        there = json.loads(target.read_text())
        changed = [name for name in ("settings", "pair", "code") if there.get(name) != results[name]]
        if changed:
            raise SystemExit(
                f"{target.name} was measured with another {', '.join(changed)}; delete it or name another file"
            )
        results |= there
    for name in ("centred", "uncentred"):
        for seed in PAIR["seeds"]:
            part = results["two_layer"].setdefault(name, {})
            if str(seed) not in part:
                part[str(seed)] = two_layer(name == "centred", seed)
                target.write_text(json.dumps(results, indent=1) + "\n")
                print(name, seed, part[str(seed)], flush=True)
    for seed in SETTINGS["seeds"]:
        if str(seed) not in results["convolutional"]:
            results["convolutional"][str(seed)] = convolutional(seed)
            target.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
