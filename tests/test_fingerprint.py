"""The key of a function changes with everything its answer depends on, and with nothing else."""

import enum
import fractions
import functools
import importlib
import itertools
import os
import re
import subprocess
import sys
import threading
import types
from pathlib import Path

import numba
import numpy as np
import pytest

from robustnn_core import breakdown, checks, fingerprint, sweeps
from robustnn_core.breakdown import adversaries, curves

SCALE = 1.0
TABLE = {"a": [1, 2]}


def key(value):
    return fingerprint.parts(value)


def helper(x):
    return x * SCALE


def calls_helper(x):
    return helper(x)


def ping(n):
    return 0 if n == 0 else pong(n - 1)


def pong(n):
    return ping(n - 1) + TABLE["a"][0]


def make(value):
    def inner(x):
        return x + value

    return inner


class Model:
    factor = 2.0

    def __init__(self, level):
        self.level = level

    def __call__(self, x):
        return x * self.level

    def method(self, x):
        return self(x) * self.factor

    @functools.cached_property
    def derived(self):
        return self.level**2


class Slotted:
    __slots__ = ("level",)

    def __init__(self, level):
        self.level = level


class Wrapping:
    """A decorator made of a class, with state of its own."""

    def __init__(self, function, level):
        functools.update_wrapper(self, function)
        self.level = level

    def __call__(self, x):
        return self.__wrapped__(x) * self.level


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Bag(set):
    pass


def write(folder, name, text):
    (folder / f"{name}.py").write_text(text)
    importlib.invalidate_caches()


@pytest.fixture
def module(tmp_path, monkeypatch):
    """``module(text)``: write a user's module, load it (again) and return it."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def load(text, name="users_own"):
        write(tmp_path, name, text)
        return importlib.reload(sys.modules[name]) if name in sys.modules else importlib.import_module(name)

    yield load
    for name in [name for name in sys.modules if name.startswith("users_")]:
        del sys.modules[name]


# ---------------------------------------------------------------- values


DIFFERENT = {
    "closure": (make(1.0), make(2.0)),
    "array in a closure": (make(np.zeros(3)), make(np.array([0.0, 0.0, 1e-300]))),
    "dtype of an array": (np.zeros(2), np.zeros(2, np.int64)),
    "shape of an array": (np.zeros((2, 3)), np.zeros((3, 2))),
    "sign of a zero": (0.0, -0.0),
    "type of a number": (1, 1.0),
    "truth and one": (True, 1),
    "objects in an array": (np.array([1, None], object), np.array([2, None], object)),
    "mask of an array": (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0])),
    "state of a callable": (Model(1.0), Model(2.0)),
    "object of a method": (Model(1.0).method, Model(2.0).method),
    "slots": (Slotted(1.0), Slotted(2.0)),
    "decorator made of a class": (Wrapping(helper, 1.0), Wrapping(helper, 2.0)),
    "partial, positional": (functools.partial(helper, 1.0), functools.partial(helper, 2.0)),
    "partial, named": (functools.partial(helper, x=1.0), functools.partial(helper, x=2.0)),
    "partial of another": (functools.partial(helper), functools.partial(calls_helper)),
    "object of a built-in method": ({"a": 1}.get, {"a": 2}.get),
    "generator": (np.random.default_rng(0), np.random.default_rng(1)),
    "seed sequence": (np.random.SeedSequence(0), np.random.SeedSequence(1)),
    "enum": (Colour.RED, Colour.BLUE),
    "fraction": (fractions.Fraction(1, 3), fractions.Fraction(1, 4)),
    "range": (range(3), range(4)),
    "pattern": (re.compile("a"), re.compile("b")),
    "count": (itertools.count(1), itertools.count(2)),
    "set": ({"a", "b"}, {"a", "c"}),
    "subclass of set": (Bag({"a", "b"}), Bag({"a", "c"})),
    "order of a dict": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "numpy's vectorize": (np.vectorize(helper), np.vectorize(calls_helper)),
    "lru_cache": (functools.lru_cache(helper), functools.lru_cache(calls_helper)),
    "functions of numpy": (np.sort, np.argsort),
    "ufuncs": (np.sin, np.cos),
    "where pieces end": (["ab", "c"], ["a", "bc"]),
    "nesting": ([[1], [2]], [[1, 2]]),
    "classes": (Model, Slotted),
    "numba's options": (numba.njit(helper), numba.njit(fastmath=True)(helper)),
    "numba's functions": (numba.njit(helper), numba.njit(calls_helper)),
    "numba's vectorize": (numba.vectorize(helper), numba.vectorize(calls_helper)),
    "numba and Python": (numba.njit(helper), helper),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_what_differs_has_different_keys(case):
    one, two = DIFFERENT[case]
    assert key(one) != key(two)
    assert key(one) == key(one) and key(two) == key(two)


SAME = {
    "closure": lambda: make(np.arange(3.0)),
    "instance": lambda: Model({"a": [1.0, None]}),
    "method": lambda: Model(1.0).method,
    "partial": lambda: functools.partial(Model(1.0), np.eye(2), x="b"),
    "set": lambda: {"a", "b", "c", ("d", 1)},
    "numba": lambda: numba.njit(make(3.0)),
    "estimator": lambda: breakdown.Estimator("lts", keep="oracle", options={"starts": 60}),
    "huge number": lambda: 10**5000,
    "lone surrogate": lambda: "\ud800",
}


@pytest.mark.parametrize("case", SAME)
def test_equal_things_made_twice_have_one_key(case):
    assert key(SAME[case]()) == key(SAME[case]())


def test_cycles_end():
    ring = [1, {}]
    ring[1]["ring"] = ring
    other = [1, {}]
    other[1]["ring"] = other
    assert key(ring) == key(other)
    other[0] = 2
    assert key(ring) != key(other)
    assert key(ping) == key(ping) != key(pong)


def test_a_cached_property_and_a_filled_cache_are_no_state():
    model = Model(3.0)
    before = key(model)
    assert model.derived == 9.0 and key(model) == before
    cached = functools.lru_cache(helper)
    before = key(cached)
    cached(1.0)
    assert key(cached) == before


# ---------------------------------------------------------------- what a function reaches


@pytest.mark.parametrize("where", ["SCALE", "TABLE"])
def test_globals_count_wherever_they_are_read(monkeypatch, where):
    reader = {"SCALE": calls_helper, "TABLE": ping}[where]
    before = key(reader)
    monkeypatch.setitem(globals(), where, {"SCALE": 2.0, "TABLE": {"a": [1, 3]}}[where])
    after = key(reader)
    assert [name for name in before if before[name] != after[name]] == [f"{__name__}.{where}"]


def test_class_attributes_defaults_and_attributes_of_functions_count(monkeypatch):
    model = Model(1.0)
    before = key(model)
    monkeypatch.setattr(Model, "factor", 3.0)
    assert key(model) != before

    def one(x, scale=2.0, *, shift=0.0):
        return x * scale + shift

    before = key(one)
    one.note = "another"
    noted = key(one)
    one.__kwdefaults__ = {"shift": 1.0}
    shifted = key(one)
    one.__defaults__ = (3.0,)
    assert len({str(k) for k in (before, noted, shifted, key(one))}) == 4


EDITS = {
    "the function itself": (
        "from robustnn_core import breakdown\ndef f(X, y, **_):\n    return breakdown.ols(X, y)\n",
        "from robustnn_core import breakdown\ndef f(X, y, **_):\n    return breakdown.lad(X, y)\n",
    ),
    "a constant": ("def f(x):\n    return x + 1\n", "def f(x):\n    return x + 2\n"),
    "a global": ("C = 1\ndef f(x):\n    return x + C\n", "C = 2\ndef f(x):\n    return x + C\n"),
    "a helper": (
        "def g(x):\n    return x\ndef f(x):\n    return g(x)\n",
        "def g(x):\n    return -x\ndef f(x):\n    return g(x)\n",
    ),
    "the helper of a helper": (
        "def h(x):\n    return x\ndef g(x):\n    return h(x)\ndef f(x):\n    return g(x)\n",
        "def h(x):\n    return -x\ndef g(x):\n    return h(x)\ndef f(x):\n    return g(x)\n",
    ),
    "a nested function": (
        "def f(x):\n    def g(y):\n        return y\n    return g(x)\n",
        "def f(x):\n    def g(y):\n        return -y\n    return g(x)\n",
    ),
    "a global of a nested function": (
        "C = 1\ndef f(x):\n    return [C * y for y in x]\n",
        "C = 2\ndef f(x):\n    return [C * y for y in x]\n",
    ),
    "a nested class": (
        "def f(x):\n    class A:\n        level = 1\n    return A.level\n",
        "def f(x):\n    class A:\n        level = 2\n    return A.level\n",
    ),
    "a default": ("def f(x, a=1):\n    return x + a\n", "def f(x, a=2):\n    return x + a\n"),
    "the name of a method": ("def f(x):\n    return x.min()\n", "def f(x):\n    return x.max()\n"),
    "a method": (
        "class A:\n    def go(self):\n        return 1\ndef f(x):\n    return A().go()\n",
        "class A:\n    def go(self):\n        return 2\ndef f(x):\n    return A().go()\n",
    ),
    "a method of a base": (
        "class B:\n    def go(self):\n        return 1\nclass A(B):\n    pass\ndef f(x):\n    return A().go()\n",
        "class B:\n    def go(self):\n        return 2\nclass A(B):\n    pass\ndef f(x):\n    return A().go()\n",
    ),
    "a property": (
        "class A:\n    @property\n    def go(self):\n        return 1\ndef f(x):\n    return A().go\n",
        "class A:\n    @property\n    def go(self):\n        return 2\ndef f(x):\n    return A().go\n",
    ),
    "a static method": (
        "class A:\n    @staticmethod\n    def go():\n        return 1\ndef f(x):\n    return A.go()\n",
        "class A:\n    @staticmethod\n    def go():\n        return 2\ndef f(x):\n    return A.go()\n",
    ),
    "a helper behind lru_cache": (
        "import functools\n@functools.lru_cache\ndef g(x):\n    return x\ndef f(x):\n    return g(x)\n",
        "import functools\n@functools.lru_cache\ndef g(x):\n    return -x\ndef f(x):\n    return g(x)\n",
    ),
    "a helper behind a decorator": (
        "import functools\ndef d(g):\n    @functools.wraps(g)\n    def w(x):\n        return g(x)\n    return w\n"
        "@d\ndef f(x):\n    return x\n",
        "import functools\ndef d(g):\n    @functools.wraps(g)\n    def w(x):\n        return g(x)\n    return w\n"
        "@d\ndef f(x):\n    return -x\n",
    ),
    "a helper of singledispatch": (
        "import functools\n@functools.singledispatch\ndef g(x):\n    return 0\n"
        "@g.register\ndef _(x: int):\n    return 1\n"
        "def f(x):\n    return g(x)\n",
        "import functools\n@functools.singledispatch\ndef g(x):\n    return 0\n"
        "@g.register\ndef _(x: int):\n    return 2\n"
        "def f(x):\n    return g(x)\n",
    ),
    "a lambda": ("g = lambda x: x\ndef f(x):\n    return g(x)\n", "g = lambda x: -x\ndef f(x):\n    return g(x)\n"),
    "a table of functions": (
        "def g(x):\n    return x\nT = {'a': g}\ndef f(x):\n    return T['a'](x)\n",
        "def g(x):\n    return -x\nT = {'a': g}\ndef f(x):\n    return T['a'](x)\n",
    ),
    "a field of a dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    level: float = 1.0\n"
        "def f(x):\n    return A().level\n",
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    level: float = 2.0\n"
        "def f(x):\n    return A().level\n",
    ),
    "what a Numba function calls": (
        "import numba\n@numba.njit\ndef g(x):\n    return x\n@numba.njit\ndef f(x):\n    return g(x)\n",
        "import numba\n@numba.njit\ndef g(x):\n    return -x\n@numba.njit\ndef f(x):\n    return g(x)\n",
    ),
    "a generator": ("def f(x):\n    yield 1\n", "def f(x):\n    yield 2\n"),
    "what is caught": (
        "def f(x):\n    try:\n        return x()\n    except ValueError:\n        return 0\n",
        "def f(x):\n    try:\n        return x()\n    except KeyError:\n        return 0\n",
    ),
}


@pytest.mark.parametrize("case", EDITS)
def test_an_edit_and_a_reload_change_the_key(module, case):
    before, after = EDITS[case]
    first = key(module(before).f)
    assert key(module(before).f) == first
    assert key(module("# a comment and a line\n\n" + before).f) == first
    assert key(module(after).f) != first


READS = {
    "by attribute": "import users_helpers\ndef f(x):\n    return users_helpers.g(x)\n",
    "by name": "from users_helpers import g\ndef f(x):\n    return g(x)\n",
    "by a local import": "def f(x):\n    import users_helpers\n    return users_helpers.g(x)\n",
    "by a local import of a name": "def f(x):\n    from users_helpers import g\n    return g(x)\n",
    "by getattr": "import users_helpers\ndef f(x):\n    return getattr(users_helpers, 'g')(x)\n",
    "by handing the module on": "import users_helpers\nT = [users_helpers]\ndef f(x):\n    return T[0].g(x)\n",
    "by another name": "import users_helpers\ndef f(x):\n    m = users_helpers\n    return m.g(x)\n",
}


@pytest.mark.parametrize("case", READS)
def test_helpers_in_another_module_count(module, case):
    module("def g(x):\n    return x\n", "users_helpers")
    first = key(module(READS[case]).f)
    module("def g(x):\n    return x\n", "users_helpers")
    assert key(module(READS[case]).f) == first
    module("def g(x):\n    return -x\n", "users_helpers")
    assert key(module(READS[case]).f) != first


def test_what_a_module_holds_besides_does_not_count(module):
    text = "import users_helpers\ndef f(x):\n    return users_helpers.g(x)\n"
    module("def g(x):\n    return x\n", "users_helpers")
    first = key(module(text).f)
    module("import threading\nlock = threading.Lock()\ndef g(x):\n    return x\n", "users_helpers")
    assert key(module(text + "other = 3\n").f) == first


def test_a_replaced_function_of_a_library_counts(monkeypatch):
    def uses(x):
        return np.linalg.norm(x)

    before = key(uses)
    monkeypatch.setattr(np.linalg, "norm", helper)
    assert key(uses) != before


def test_a_replaced_function_of_this_package_counts(monkeypatch):
    estimator = breakdown.Estimator("ols")
    before = key(estimator)
    monkeypatch.setitem(curves.WHOLE, "ols", breakdown.lad)
    assert key(estimator) != before


def test_keys_do_not_depend_on_the_process(tmp_path):
    script = tmp_path / "users_script.py"
    script.write_text(
        "import functools, json, numpy as np\n"
        "from robustnn_core import fingerprint\n"
        "from robustnn_core.breakdown import adversaries, curves as e\n"
        "NAMES = {'a', 'b', 'c', 'd'}\n"
        "class Own:\n"
        "    def __call__(self, x):\n"
        "        return x in NAMES or x in {'p', 'q', 'r'}\n"
        "task = functools.partial(e._trial, e.Estimator('partition'), e.NetProblem(), adversaries.ActiveHalf())\n"
        "print(json.dumps([fingerprint.parts(task), fingerprint.parts(Own()), fingerprint.parts({Own, 'a', 1.5})]))\n"
    )
    runs = [
        subprocess.run(
            [sys.executable, script], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1] and len(runs[0]) > 1000


# ---------------------------------------------------------------- refusals


def evaluates(x):
    return eval("x + 1")  # noqa: S307


def imports(x):
    return importlib.import_module(x)


REFUSED = {
    "a lock": (make(threading.Lock()), r"_thread.lock \(value in the closure of .*make.<locals>.inner\)"),
    "an open file": (make(sys.stderr), "closure"),
    "a running generator": (make(x for x in "ab"), "generator"),
    "eval": (evaluates, r"eval\(\)"),
    "import_module": (imports, "import_module"),
    "a hidden function": (np.frompyfunc(helper, 1, 1), "ufunc"),
    "state in an object": (Model(threading.Lock()), "lock"),
    "a lock in a list": (functools.partial(helper, [threading.Lock()]), "lock"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_key_is_refused_with_the_way_to_it_and_the_remedy(case):
    value, message = REFUSED[case]
    with pytest.raises(ValueError, match=message) as caught:
        fingerprint.parts(value)
    assert "leave checkpoint out" in str(caught.value)


def test_nesting_without_end_is_refused():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested too deeply"):
        key(deep)
    while deep:  # taking it apart one by one
        deep = deep[0]


# ---------------------------------------------------------------- curves


def curve(estimator, path, **change):
    case = dict(fractions=[0.1, 0.2], trials=2, seed=0)
    return breakdown.breakdown_curve(
        estimator, breakdown.LinearProblem(30, 2), adversaries.GrossOutliers(), **{**case, **change}, checkpoint=path
    )


def test_a_curve_of_an_edited_estimator_is_refused_not_returned(module, tmp_path):
    before, after = EDITS["the function itself"]
    path = tmp_path / "curve"
    first = curve(module(before).f, path)
    assert (curve(module(before).f, path).errors == first.errors).all()
    with pytest.raises(
        ValueError, match=r"another sweep \(it differs in code or state of users_own.f\); remove the file"
    ):
        curve(module(after).f, path)
    os.remove(path)
    assert (curve(module(after).f, path).errors != first.errors).any()


class Shrunk:
    """A callable estimator with state."""

    def __init__(self, by):
        self.by = by

    def __call__(self, X, y, **_):
        fit = breakdown.ols(X, y)
        return types.SimpleNamespace(predict=functools.partial(self.scaled, fit))

    def scaled(self, fit, X):
        return self.by * fit.predict(X)

    def estimate(self, X, y, **_):
        return self(X, y)


def shrunk(by):
    def estimator(X, y, **_):
        return Shrunk(by)(X, y)

    return estimator


STATES = {
    "a closure": shrunk,
    "an instance": Shrunk,
    "a method": lambda by: Shrunk(by).estimate,
    "a partial": lambda by: functools.partial(Shrunk.estimate, Shrunk(by)),
}


@pytest.mark.parametrize("case", STATES)
def test_a_curve_of_an_estimator_in_another_state_is_refused(tmp_path, case):
    path = tmp_path / "curve"
    first = curve(STATES[case](1.0), path)
    assert (curve(STATES[case](1.0), path).errors == first.errors).all()
    with pytest.raises(ValueError, match="another sweep"):
        curve(STATES[case](0.5), path)


def test_a_curve_of_another_problem_or_attack_is_refused(tmp_path):
    path = tmp_path / "curve"
    curve("ols", path)
    for problem, attack in (
        (breakdown.LinearProblem(31, 2), adversaries.GrossOutliers()),
        (breakdown.LinearProblem(30, 2), adversaries.GrossOutliers(11.0)),
    ):
        with pytest.raises(ValueError, match="another sweep"):
            breakdown.breakdown_curve("ols", problem, attack, fractions=[0.1, 0.2], trials=2, seed=0, checkpoint=path)


def test_a_lambda_is_refused_with_the_remedy(tmp_path):
    for estimator in (lambda X, y, **_: breakdown.ols(X, y), functools.partial(lambda X, y, **_: breakdown.ols(X, y))):
        with pytest.raises(ValueError, match="a lambda.*write it with def"):
            curve(estimator, tmp_path / "curve")
        assert not (tmp_path / "curve").exists()
        assert curve(estimator, None).errors.shape == (2, 2)  # without a checkpoint it is welcome


def test_a_checkpoint_of_an_earlier_kind_is_refused(tmp_path):
    path = tmp_path / "curve"
    path.write_text('{"sweep": {"task": "functools._trial", "source": "00"}}\n')
    with pytest.raises(ValueError, match="another sweep"):
        curve("ols", path)


def test_every_part_is_named_once():
    task = functools.partial(curves._trial, breakdown.Estimator("dc"), breakdown.NetProblem(), adversaries.ActiveHalf())
    found = key(task)
    assert f"{checks.__name__}.array" in found and len(found) > 100
    assert all(re.fullmatch("[0-9a-f]{16}", own) for own in found.values())
    assert sweeps.__name__ not in " ".join(found)


def measured(*_):
    return 1


def measured_otherwise(*_):
    return 2


def test_a_stored_study_of_other_settings_is_not_gone_on_with(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent.parent / "tools")
    study = importlib.import_module("mnist_study")
    monkeypatch.setattr(study, "two_layer", measured)
    monkeypatch.setattr(study, "convolutional", measured)
    file = tmp_path / "study.json"
    study.main(file)
    before = file.read_text()
    study.main(file)
    for name, change in (("SETTINGS", {"pgd_steps": 11}), ("PAIR", {"leak": 0.4})):
        with monkeypatch.context() as patch:
            patch.setattr(study, name, {**getattr(study, name), **change})
            with pytest.raises(SystemExit, match=f"another {name.lower()}"):
                study.main(file)
    monkeypatch.setattr(study, "two_layer", measured_otherwise)
    with pytest.raises(SystemExit, match="another code; delete it"):
        study.main(file)
    assert file.read_text() == before
