"""Public checks of assignment 4, *A network without a landscape*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers, parts

EXERCISES = {
    "as-cx-points": "most_points",
    "as-cx-patterns": "patterns",
    "as-cx-objective": "objective",
    "as-cx-decay": "decay",
}


def most_points(answer):
    def at(budget, r):
        return numbers(call(answer, budget, r, name="most_points"), name="most_points")

    for r in (2, 3, 5):
        compare(at(2**r, r), r, name=f"most_points({2**r}, {r})", hint="With n = r every pattern occurs.")
    compare(at(31, 2), 15, name="most_points(31, 2)", hint="In the plane a further line adds two regions.")
    if not _whole(at, 500, 5) <= _whole(at, 500, 3) < _whole(at, 500, 2):
        fail("most_points(500, r) must fall with r: the more dimensions, the more patterns.")


def _whole(at, budget, r):
    found = at(budget, r)
    if found != round(float(found)) or found < r:
        fail(f"most_points({budget}, {r}) is not a whole number from r on.")
    return found


def patterns(answer):
    X, G = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 2.0, -1.0], [1.0, 3.0, 1.0]])
    found = call(answer, X, G, name="patterns")
    found = numbers(found, name="patterns", shape=np.shape(found))
    if found.shape != (2, 2):
        fail(
            f"patterns has shape {found.shape} for two points and three gates, two of which make one pattern; "
            "points are rows, and equal columns count once."
        )
    if not np.isin(found, (0, 1)).all():
        fail("patterns must hold True and False.")
    compare(found.sum(axis=0).min(), 1, name="the number of active points of the sparser pattern")
    compare(found.sum(axis=0).max(), 2, name="the number of active points of the fuller pattern")
    edge = numbers(call(answer, X, np.array([[0.0], [-1.0]]), name="patterns"), name="patterns", shape=(2, 1))
    compare(edge[0, 0], 1, name="patterns at a point on the hyperplane of the gate", hint="It counts as seen.")


def objective(answer):
    rng = np.random.default_rng(3)
    X, y, D = rng.standard_normal((5, 2)), rng.standard_normal(5), rng.random((5, 3)) > 0.5
    V, none = rng.standard_normal((2, 3)), np.zeros((2, 3))

    def value(*arguments):
        return numbers(call(answer, X, y, D, *arguments, name="objective"), name="objective")

    compare(
        value(none, none, 1.0),
        (y @ y) / 2,
        name="objective of the zero net",
        hint="The loss is half a sum, not a mean.",
    )
    free, once, twice = (value(V, V, beta) for beta in (0.0, 1.0, 2.0))
    compare(free, (y @ y) / 2, name="objective with v = w and beta = 0", hint="They cancel.")
    compare(twice - once, once - free, name="what beta adds", hint="It is linear in beta.")
    compare(
        value(3 * V, 3 * V, 1.0) - free,
        3 * (once - free),
        name="what beta adds when all blocks are three times as long",
        hint="Norms are not squared.",
    )
    compare(value(V, none, 1.0) - value(V, none, 0.0), (once - free) / 2, name="what beta adds when all w are zero")


def decay(answer):
    U, alpha = np.array([[3.0, 0.0, 1.0], [4.0, 1.0, 0.0]]), np.array([2.0, -1.0, 0.5])

    def sides(U, alpha, beta):
        found = parts(call(answer, U, alpha, beta, name="decay"), 2, name="decay", what="the two sides, left and right")
        return [numbers(side, name=f"the {which} side of decay") for side, which in zip(found, ("left", "right"))]

    left, right = sides(U, alpha, 2.0)
    compare(right, (U**2).sum() + (alpha**2).sum(), name="the right side of decay with beta = 2")
    if not left < right:
        fail("The step of decay does not hold for units that are not balanced, or is an equality there.")
    scale = np.array([2.0, 0.25, 3.0])
    compare(sides(U * scale, alpha / scale, 2.0)[0], left, name="the left side of decay with units rescaled")
    balanced = np.array([5.0, -1.0, 1.0])
    left, right = sides(U, balanced, 0.3)
    compare(left, right, name="the left side of decay for balanced units", hint="There it is an equality.")
