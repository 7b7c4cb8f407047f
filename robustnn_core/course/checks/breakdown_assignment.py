"""Public checks of assignment 1, *How many wrong labels?*"""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers, parts

EXERCISES = {
    "as-bd-trimmed-loss": "trimmed_loss",
    "as-bd-survived": "survived",
    "as-bd-attack": "attack",
    "as-bd-votes": "votes",
}


def trimmed_loss(answer):
    r = np.array([3.0, -2.0, 1.0])
    everything, one = (call(answer, r, h, name="trimmed_loss") for h in (3, 1))
    compare(everything, r @ r, name="trimmed_loss with h = n", hint="All are kept.")
    compare(one, 1.0, name="trimmed_loss with h = 1", hint="Smallest in modulus, not in value.")


def survived(answer):
    X = np.random.default_rng(1).standard_normal((40, 3))
    u, once = np.array([1.0, 0.0, 0.0]), np.ones(40, dtype=int)

    def at(X, counts):
        return call(answer, X, u, counts, name="survived")

    found = numbers(at(X, once), name="survived")
    if found != round(float(found)):
        fail("survived is not a whole number.")
    sleeping = np.where(X @ u < 0, 5, 1)
    compare(at(X, sleeping), found, name="survived, with sleeping points five times,", hint="They do not vote.")
    more = np.vstack([X, [[1.0, 0.3, -0.2], [1.0, -0.1, 0.4]]])
    compare(
        at(more, np.ones(42, dtype=int)),
        found + 1,
        name="survived, with two active rows added,",
        hint="Two more honest votes outvote one more lie.",
    )
    if found >= (X @ u > 0).sum() / 2:
        fail("survived is too large: with half of the active labels wrong nobody can tell.")
    heavy = once.copy()
    heavy[np.flatnonzero(X @ u > 0)[:2]] = 9
    compare(
        at(X, heavy),
        found,
        name="survived, with two active rows nine times,",
        hint="A neighbour can pass through d - 1 rows, and it takes the heaviest.",
    )


def attack(answer):
    X, u = np.random.default_rng(2).standard_normal((30, 2)), np.array([1.0, -1.0])
    clean = np.maximum(X @ u, 0)
    compare(call(answer, X, u, 0, name="attack"), clean, name="attack with m = 0", hint="Nothing may change.")
    y = numbers(call(answer, X, u, 5, name="attack"), name="attack", shape=(30,))
    if (~np.isclose(y, clean)).sum() > 5:
        fail("attack changed more labels than the budget allows.")


def votes(answer):
    clean = np.array([0.0, 1.0, 0.0, 2.0, 3.0])
    rival = np.array([0.0, 2.0, 0.0, 5.0, 4.0])

    def sides(labels):
        found = parts(
            call(answer, clean, rival, labels, name="votes"), 2, name="votes", what="the two sides, left and right"
        )
        return [numbers(side, name=f"the {which} side of votes") for side, which in zip(found, ("left", "right"))]

    left, right = sides(clean)
    compare(right, 3, name="the right side of votes with clean labels", hint="It counts what the rival misses.")
    compare(left, 3, name="the left side of votes with clean labels", hint="Then the rival misses all they differ at.")
    left, right = sides(np.where(np.arange(5) < 2, rival, clean))
    compare(left, right, name="the left side of votes where every lie is a vote for the rival")
    left, right = sides(np.array([7.0, 1.0, 0.0, 2.0, 3.0]))
    if not left < right:
        fail("The step of votes should not be met with equality where a lie helps nobody.")
