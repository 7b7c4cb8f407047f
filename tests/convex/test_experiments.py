"""What the pages call for one figure."""

import numpy as np
import pytest

from robustnn_core import convex
from robustnn_core.convex import datasets, experiments


def test_stored_run_says_where_it_comes_from():
    stored = experiments.stored("measured")
    assert {"numpy", "cvxpy", "clarabel", "scs"} <= set(stored["about"]["versions"]) and stored["about"]["cores"] >= 1
    for row in stored["rows"]:
        assert row["seconds"] > 0 and ("gap" in row) == (row["solver"] in ("fit", "admm"))


def test_what_is_not_stored():
    with pytest.raises(ValueError, match="name = 'other' must be one of"):
        experiments.stored("other")
    study = experiments.stored("study")
    with pytest.raises(ValueError, match="is not stored"):
        experiments.spread(study, ("digits", 41, 0.1), "pgd", "convex")
    with pytest.raises(ValueError, match="data = 'iris'"):
        experiments.curve(study, "iris", "pgd", "convex")


def test_the_timings_are_those_of_the_rows():
    measured = experiments.stored("measured")
    columns = experiments.timings(measured)
    assert len({len(column) for column in columns.values()}) == 1 and len(columns["fit"]) >= 4
    fastest = np.nanmin([columns["Clarabel"], columns["SCS"]], axis=0)
    np.testing.assert_allclose(columns["fastest / fit"], fastest / columns["fit"])
    assert columns["fit"][0] in [row["cpu_seconds"] for row in measured["rows"] if row["solver"] == "fit"]


def test_the_spread_is_that_of_the_table():
    study = experiments.stored("study")
    case = experiments.cases(study)[0]
    rows = [row for row in study["table"] if (row["data"], row["n"], row["radius"]) == case]
    np.testing.assert_array_equal(experiments.spread(study, case, "pgd", "gd"), [row["pgd"]["gd"] for row in rows])


def test_gates_through_middles_make_their_patterns():
    X, _ = datasets.plane("ring", 20, 0)
    made = experiments.gates(X, 30, 0, bias=-1)
    assert ((X @ made.gates >= 0) == made.active).all() and made.active.all(axis=0).any()
    with pytest.raises(ValueError, match="not a column of ones"):
        experiments.gates(X, 30, 0, bias=0)


def test_the_bracket_of_a_fit():
    X, y, patterns = datasets.problem(20, 3, 5, seed=0)
    f = convex.fit(X, y, patterns, beta=0.5)
    upper, lower = experiments.bracket(f, 60)
    assert 1.0 <= upper[-1] <= 1.0 + 1e-4 and (np.diff(upper) <= 0.0).all() and lower[-1] <= 1.0
