import numpy as np
import pytest

from robustnn_core import checks


def test_array_gives_what_kernels_want():
    X = checks.array(np.arange(6, dtype=np.int32).reshape(2, 3).T, "X", shape=("n", 2))
    assert X.dtype == np.float64 and X.flags.c_contiguous and X.shape == (3, 2)
    assert checks.array(3, "x").shape == ()


@pytest.mark.parametrize(
    "value, options, message",
    [
        ([[1, 2], [3]], {}, r"^X is ragged .* same length"),
        (["a"], {}, r"^X has dtype <U1; give real numbers"),
        ([1j], {}, r"^X has dtype complex128; give real numbers"),
        ([None], {}, r"^X has dtype object; give real numbers"),
        ([1.0, 2.0], {"shape": ("n", 2)}, r"^X has shape \(2,\); it must have shape \(n, 2\)"),
        ([1.0, 2.0], {"shape": (3,)}, r"^X has shape \(2,\); it must have shape \(3,\)"),
        ([], {}, r"^X is empty \(shape \(0,\)\); give at least one"),
        ([1.0], {"min_rows": 2}, r"^X has 1 rows; at least 2"),
        ([1.0, np.nan], {}, r"^X contains nan at index \(1,\); remove or impute"),
        ([[1.0, -np.inf]], {}, r"^X contains -inf at index \(0, 1\)"),
        (np.nan, {}, r"^X contains nan at index \(\)"),
    ],
)
def test_array_refuses(value, options, message):
    with pytest.raises(ValueError, match=message):
        checks.array(value, "X", **options)


def test_array_lets_nan_through_when_asked():
    assert np.isnan(checks.array([np.nan], "y", finite=False)[0])


def test_boolean_array():
    assert checks.boolean_array([0, 1.0, True], "active").dtype == np.bool_
    with pytest.raises(ValueError, match=r"^active contains 2.0; its entries must be booleans"):
        checks.boolean_array([0, 2], "active")


def test_signs():
    assert checks.signs((1, -1), "signs", length=2).tolist() == [1.0, -1.0]
    with pytest.raises(ValueError, match=r"^signs contains 0.5; every entry must be \+1 or -1"):
        checks.signs([1, 0.5], "signs")
    with pytest.raises(ValueError, match=r"^signs has shape \(2,\); it must have shape \(3,\)"):
        checks.signs([1, 1], "signs", length=3)


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int64(2), np.array(2.0)])
def test_number_takes_every_real(value):
    assert checks.number(value, "eta") == 2.0 and type(checks.number(value, "eta")) is float


@pytest.mark.parametrize(
    "value, bounds, message",
    [
        (True, {}, r"^eta = True must be a real number"),
        ("1", {}, r"^eta = '1' must be a real number"),
        (None, {}, r"^eta = None must be a real number"),
        (1j, {}, r"^eta = 1j must be a real number"),
        ([1.0], {}, r"^eta = \[1.0\] must be a real number"),
        (np.array([1.0]), {}, r"^eta must be one real number, not an array of shape \(1,\)"),
        (np.nan, {}, r"^eta = nan must be a finite number"),
        (np.inf, {"above": 0}, r"^eta = inf must be a finite number"),
        (0, {"above": 0}, r"^eta = 0.0 must be > 0"),
        (1, {"above": 0, "below": 1, "remedy": "halve it"}, r"^eta = 1.0 must be > 0 and < 1; halve it"),
        (-1, {"at_least": 0}, r"^eta = -1.0 must be >= 0"),
        (2, {"at_most": 1.5}, r"^eta = 2.0 must be <= 1.5"),
    ],
)
def test_number_refuses(value, bounds, message):
    with pytest.raises(ValueError, match=message):
        checks.number(value, "eta", **bounds)


def test_number_keeps_the_ends_it_should():
    assert checks.number(0, "x", at_least=0) == 0.0
    assert checks.fraction(1, "delta") == 1.0
    with pytest.raises(ValueError, match=r"^delta = 1.5 must be >= 0 and <= 1"):
        checks.fraction(1.5, "delta")


def test_integer():
    assert type(checks.integer(np.int64(3), "steps")) is int
    for bad in (3.0, True, "3", None, np.array([3])):
        with pytest.raises(ValueError, match=r"^steps = .* must be an integer"):
            checks.integer(bad, "steps")
    with pytest.raises(ValueError, match=r"^steps = 0.* must be >= 1; one at least"):
        checks.integer(0, "steps", at_least=1, remedy="one at least")
    with pytest.raises(ValueError, match=r"^steps = 9.* must be >= 1 and <= 5"):
        checks.integer(9, "steps", at_least=1, at_most=5)


def test_choice():
    assert checks.choice("l2", "norm", ("l2", "linf")) == "l2"
    for bad in ("l1", 2, None):
        with pytest.raises(ValueError, match=r"^norm = .* must be one of 'l2', 'linf'"):
            checks.choice(bad, "norm", ("l2", "linf"))


@pytest.mark.parametrize(
    "value, axis, fine",
    [
        ([0.0, 0.0], None, True),
        ([1e-300, 1.0], None, True),
        ([1e-101], None, False),
        ([[1.0, 1e-101]], 0, False),
        ([[1.0, 0.0]], 0, True),
        ([-1e101], None, False),
    ],
)
def test_squarable(value, axis, fine):
    value = np.array(value)
    if fine:
        assert checks.squarable(value, "y", axis=axis) is value
    else:
        with pytest.raises(ValueError, match="^y has entries of size 1e[+-]101, whose squares"):
            checks.squarable(value, "y", axis=axis)


@pytest.mark.parametrize(
    "value, n, result", [(3, 10, 3), (0.25, 10, 3), (1.0, 10, 10), (np.int64(1), 10, 1), (0.55, 60, 33), (0.7, 10, 7)]
)
def test_a_count_or_a_share(value, n, result):
    assert checks.count(value, "keep", of=n) == result and type(checks.count(value, "keep", of=n)) is int


@pytest.mark.parametrize(
    "value, says",
    [
        (11, "keep = 11.0 must be >= 2 and <= 10; keep more"),
        (1, "keep = 1.0 must be >= 2 and <= 10; keep more"),
        (1.5, "keep = 1.5 must be > 0 and <= 1; give a whole number, or a share"),
        (0.1, "keep = 0.1 means 1 of 10, which must be between 2 and 10; keep more"),
        (True, "keep = True must be an integer"),
        ("all", "keep = 'all' must be a real number"),
    ],
)
def test_a_count_that_is_none(value, says):
    with pytest.raises(ValueError, match=f"^{says}"):
        checks.count(value, "keep", of=10, at_least=2, remedy="keep more")
