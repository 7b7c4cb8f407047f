"""Who moves is said by the caller, and what survives a box does not depend on units or origin."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import ConvergenceWarning, convex, nets
from robustnn_core.convex import cells, datasets, experiments, proofs
from tests.convex import reference_patterns as reference

NET, POINT = nets.ReLUSum([[1.0, 1.0]], [1]), [[1.0, 0.3]]


def test_a_lone_column_of_ones_is_not_taken_for_a_bias():
    """The point (1, .3), the unit (x_1 + x_2)_+, label 1, radius .5: both columns move, and the worst loss is .7."""
    worst = convex.worst_case_loss(NET, POINT, [1], radius=0.5)
    assert worst.loss == pytest.approx(0.7) and worst.reached == pytest.approx(0.7) and worst.exact
    assert convex.worst_case_loss(NET, POINT, [1], radius=0.5, bias=0).loss == pytest.approx(0.2)
    assert convex.worst_case_loss(NET, POINT, [1], radius=[0.0, 0.5]).loss == pytest.approx(0.2)
    for method in ("fgsm", "pgd"):
        found = convex.attack_box(NET, POINT, [1], radius=0.5, method=method, seed=0)
        np.testing.assert_allclose(found, [[0.5, -0.2]])
        found = convex.attack_box(NET, POINT, [1], radius=0.5, bias=0, method=method, seed=0)
        np.testing.assert_allclose(found, [[1.0, -0.2]])


@pytest.mark.parametrize("columns", [[[1.0], [1.0]], [[1.0, 0.3], [1.0, 2.0]], [[1.0, 1.0], [1.0, 1.0]]])
def test_ones_are_nothing_special(columns):
    """Columns of ones, alone or two of them, move like those of twos."""
    X = np.array(columns)
    for scale in (1.0, 2.0):
        np.testing.assert_array_equal(convex.box(scale * X, 0.5), np.full(X.shape[1], 0.5))
    some = convex.Patterns(np.ones((2, 1), dtype=bool), np.ones((X.shape[1], 1)))
    np.testing.assert_allclose(convex.robust_margins(2.0 * X, some, 0.5), 2.0 * convex.robust_margins(X, some, 0.5))


def test_a_vector_is_taken_literally():
    X = np.c_[[0.0, 2.0], np.ones(2)]
    np.testing.assert_array_equal(convex.box(X, [0.1, 0.2]), [0.1, 0.2])
    np.testing.assert_array_equal(convex.box(X, [0.1, 0.0], bias=1), [0.1, 0.0])
    np.testing.assert_array_equal(convex.box(X, 0.1, bias=0), [0.0, 0.1])  # any column, of ones or not
    np.testing.assert_array_equal(convex.box(X, 0.1, bias=np.int64(-1)), [0.1, 0.0])


def everywhere(X, y, **options):
    """Every public function with a box."""
    patterns = experiments.gates(X, 8, 0, bias=-1)
    net = nets.ReLUSum(np.ones((1, X.shape[1])), [1])
    radius = options.pop("radius", 0.01)
    return {
        "box": lambda: convex.box(X, radius, **options),
        "sample_patterns": lambda: convex.sample_patterns(X, 5, seed=0, radius=radius, **options),
        "robust_margins": lambda: convex.robust_margins(X, patterns, radius, **options),
        "screen_patterns": lambda: convex.screen_patterns(X, patterns, radius, **options),
        "fit_robust": lambda: convex.fit_robust(X, y, patterns, beta=0.1, radius=radius, **options),
        "fit_robust_linear": lambda: convex.fit_robust_linear(X, y, beta=0.1, radius=radius, **options),
        "worst_case_loss": lambda: convex.worst_case_loss(net, X, y, radius=radius, **options),
        "attack_box": lambda: convex.attack_box(net, X, y, radius=radius, seed=0, **options),
        "train_gradient": lambda: convex.train_gradient(
            X, y, width=2, beta=0.1, radius=radius, steps=2, seed=0, **options
        ),
        "worst_case": lambda: proofs.worst_case(np.ones(X.shape[1]), X, y, radius=radius, **options),
        "gates": lambda: experiments.gates(X, 8, 0, **options),
        "robust_compare": lambda: experiments.robust_compare(
            X, y, X, y, radius=radius, beta=0.1, patterns=8, width=2, steps=2, seed=0, **options
        ),
    }


NAMES = list(everywhere(np.c_[[0.0, 1.0], np.ones(2)], [1, -1]))


@pytest.mark.parametrize("name", NAMES)
def test_a_bias_that_is_none_is_refused_everywhere(name):
    X, y = np.c_[[0.0, 0.4, 1.0], np.ones(3)], np.array([1.0, -1.0, 1.0])
    for bias, message in (
        (True, "^bias = True must be an integer"),
        (2, "^bias = 2.0 must be .* or None$"),
        (-3, "^bias = -3"),
    ):
        with pytest.raises(ValueError, match=message):
            everywhere(X, y, bias=bias)[name]()
    if name != "gates":
        with pytest.raises(ValueError, match=r"^radius\[1\] = 0.1 moves column 1, the bias; make it 0"):
            everywhere(X, y, bias=-1, radius=[0.1, 0.1])[name]()


def test_gates_through_the_middle_need_a_column_of_ones():
    X, _ = datasets.plane("ring", 12, 0)
    with pytest.raises(ValueError, match="^bias = 0 is not a column of ones"):
        experiments.gates(X, 8, 0, bias=0)
    middle = experiments.gates(X, 8, 0, bias=2).gates[:, 0]
    scores = np.abs(X @ middle)
    assert (np.isclose(scores[:, None], scores) & ~np.eye(12, dtype=bool)).any()  # as far from two points


def test_the_linear_control_without_a_bias():
    """Points in a half-plane: a unit sees them all, though no column is a bias; at the edge it is refused."""
    X = np.array([[1.0, 0.5], [2.0, -0.3], [1.5, 0.1]])
    f = convex.fit_robust_linear(X, [1.0, -1.0, 1.0], beta=0.01, radius=0.1)
    assert f.converged and (f.radius == 0.1).all()
    with pytest.raises(ValueError, match=r"^no unit sees every box of radius = 1.1: their robust margin is 0.909"):
        convex.fit_robust_linear(X, [1.0, -1.0, 1.0], beta=0.01, radius=1.1)


# The pattern of x > 1 on the points 0, 1, 2, 4 has the margin .5 / .4, that of x > 3 the margin 1 / .4.
LINE = np.array([0.0, 1.0, 2.0, 4.0])
CUTS = {0.5: 1.25, 1.5: 1.25, 3.0: 2.5}


def line(unit, shift):
    X = np.c_[unit * (shift + LINE), np.ones(4)]
    gates = np.array([[1.0, -unit * (shift + cut)] for cut in CUTS]).T
    return X, convex.Patterns(LINE[:, None] > np.array(list(CUTS)), gates)


@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("shift", [0.0, 1e4, 1e8])
def test_what_survives_does_not_depend_on_units_or_origin(unit, shift):
    X, patterns = line(unit, shift)
    margins = convex.robust_margins(X, patterns, 0.4 * unit, bias=1)
    np.testing.assert_allclose(margins, list(CUTS.values()), rtol=1e-7)
    for radius, left in ((0.49, 3), (0.51, 1), (0.99, 1)):
        assert convex.screen_patterns(X, patterns, radius * unit, bias=1).count == left
        with warnings.catch_warnings():  # the solver may stop short far from the origin, and says so
            warnings.simplefilter("ignore", ConvergenceWarning)
            f = convex.fit_robust(X, [-1, 1, 1, -1], patterns, beta=1e-3, radius=radius * unit, bias=1)
        assert (~f.screened).sum() == left and f.lower_bound <= f.objective
    with pytest.raises(
        ValueError, match="^radius leaves none of the 3 patterns: every block is 0; below the scale 0.98"
    ):
        convex.fit_robust(X, [-1, 1, 1, -1], patterns, beta=1e-3, radius=1.02 * unit, bias=1)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_without_a_radius_every_open_cell_is_open(unit):
    X, patterns = line(unit, 1e4)
    assert np.isinf(convex.robust_margins(X, patterns, 0.0)).all()


def test_a_still_column_that_is_not_ones_keeps_its_blocks():
    """t* = 0 for D = I, and yet v = (0, .995) is feasible: naming the column as bias must not screen it."""
    X = np.array([[0.1, 0.0], [-0.1, 0.0], [0.3, 1.0], [0.2, 1.0]])
    all_on = convex.Patterns(np.ones((4, 1), dtype=bool), [[0.0], [1.0]])
    assert convex.robust_margins(X, all_on, 0.05, bias=1)[0] == 0.0
    assert convex.screen_patterns(X, all_on, 0.05, bias=1).count == 1
    with pytest.raises(ValueError, match="strictly inside its robust cone"):
        convex.fit_robust(X, [1.0, 1.0, 1.0, 1.0], all_on, beta=0.01, radius=0.05, bias=1)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from([1e-6, 1.0, 1e6]), st.sampled_from([0.0, 1e3]), st.integers(1, 2))
def test_margins_against_every_corner(seed, unit, shift, still):
    """t* >= 1 or a block on the still columns: a nonzero block keeps its pattern at all corners of all boxes."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(1, 7)), int(rng.integers(still + 1, 5))
    Z = rng.integers(-3, 4, (n, d)).astype(float)  # ties, repeated and zero points
    e = np.r_[rng.choice([0.25, 0.5], d - still), np.zeros(still)]
    active = rng.random(n) < 0.5
    t, v = cells.robust_margin(Z, active, e)
    flat = cells.flat_block(Z, active, e)
    if abs(t - 1.0) > 1e-6:
        assert (t > 1.0 or flat) == reference.survives(Z, active, e)
    Z[:, -1] = 1.0
    t, v = cells.robust_margin(Z, active, e)
    moved = Z.copy()
    moved[:, : d - still] = unit * (Z[:, : d - still] + shift)
    scaled, w = cells.robust_margin(moved, active, np.r_[unit * e[: d - still], e[d - still :]])
    assert scaled == pytest.approx(t, rel=1e-6, abs=1e-9)
    if v is not None and np.isfinite(t):
        sign = np.where(active, 1.0, -1.0)
        assert (sign * (Z @ v)).min() == pytest.approx(t * (e @ np.abs(v)), rel=1e-6)
