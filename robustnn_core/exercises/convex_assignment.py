"""Public checks of the assignment of the part."""

import numpy as np

from robustnn_core.course import call, compare, fail

EXERCISES = {
    "as-cx-regions": "regions",
    "as-cx-patterns": "patterns",
    "as-cx-objective": "objective",
}


def regions(answer):
    for n in (1, 2, 5):
        compare(call(answer, n, n, name="regions"), 2**n, name=f"regions({n}, {n})", hint="With as many dimensions as points every pattern occurs.")
    compare(call(answer, 6, 1, name="regions"), call(answer, 9, 1, name="regions"), name="regions with rank 1", hint="On a line only the sign of the weight counts.")


def patterns(answer):
    X, G = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 2.0, -1.0], [1.0, 3.0, 1.0]])
    found = call(answer, X, G, name="patterns")
    compare(np.shape(found), (2, 2), name="the shape of patterns", hint="Points are rows; equal columns count once.")
    compare(np.asarray(found).sum(axis=0).min(), 1, name="the number of active points of the sparser pattern")
    compare(np.asarray(found).sum(axis=0).max(), 2, name="the number of active points of the fuller pattern")


def objective(answer):
    rng = np.random.default_rng(3)
    X, y, D = rng.standard_normal((5, 2)), rng.standard_normal(5), rng.random((5, 3)) > 0.5
    V, none = rng.standard_normal((2, 3)), np.zeros((2, 3))
    compare(call(answer, X, y, D, none, none, 1.0, name="objective"), (y @ y) / 2, name="objective of the zero net")
    free = call(answer, X, y, D, V, V, 0.0, name="objective")
    compare(free, (y @ y) / 2, name="objective with v = w and beta = 0", hint="They cancel.")
    once, twice = (call(answer, X, y, D, V, V, b, name="objective") for b in (1.0, 2.0))
    compare(np.asarray(twice) - once, np.asarray(once) - free, name="what beta adds", hint="It is linear in beta.")
