import importlib
import inspect
import pkgutil
from types import SimpleNamespace

import numpy as np
import pytest

from robustnn_core.ledger import Ledger
from tests import mutations as m


def build(c=1.0):
    a = np.array([1.0, 2.0])
    return Ledger("t").leq("(1)", "x", a, c * a).eq("(2)", "y", a, c * a).eq("(2)", "z", 1.0, 1.0, by_construction=True)


def test_a_complete_catalogue_kills_every_row():
    rows = {"(1)": m.tighter(1.5), "(2)": m.spoilt("halved", lambda: build(0.5)), "(2) #2": m.BY_CONSTRUCTION}
    m.assert_complete({"t": (build, rows)})
    for row, how in rows.items():
        m.assert_killed("t", build, row, how)


def test_a_row_that_is_left_out_or_survives_is_found():
    with pytest.raises(AssertionError, match="in the catalogue"):
        m.assert_complete({"t": (build, {"(1)": m.tighter()})})
    with pytest.raises(AssertionError, match="survives"):
        m.assert_killed("t", build, "(1)", m.spoilt("looser", lambda: build(1.5)))
    with pytest.raises(AssertionError):
        m.assert_killed("t", build, "(1)", m.BY_CONSTRUCTION)


def test_a_ledger_that_is_not_listed_is_found():
    module = SimpleNamespace(__all__=["build"], build=build)
    m.assert_listed(module, {"build, one case": ..., "build, another": ...})
    m.assert_listed(module, {}, helpers=("build",))
    for ledgers in ({}, {"build": ..., "gone": ...}):
        with pytest.raises(AssertionError, match="not in the"):
            m.assert_listed(module, ledgers)


@pytest.mark.parametrize("name", ["breakdown.proofs", "neurotron.proofs", "perturbations.proofs", "convex.proofs"])
def test_every_public_function_of_the_proofs_is_in_all(name):
    proofs = importlib.import_module(f"robustnn_core.{name}")
    pages = [found.name for found in pkgutil.iter_modules(getattr(proofs, "__path__", ())) if found.name[0] != "_"]
    modules = [proofs, *(importlib.import_module(f"{proofs.__name__}.{page}") for page in pages)]
    public = {
        key for m in modules for key, f in vars(m).items() if inspect.isfunction(f) and f.__module__ == m.__name__
    }
    assert public
    assert {key for key in public if not key.startswith("_")} <= set(proofs.__all__)


def test_an_edit_and_a_second_snapshot():
    assert m.edit(m.keys, " #{", " no. {")([SimpleNamespace(label="a")] * 2) == ["a", "a no. 2"]
    m.assert_killed("t", build, "(1)", m.elsewhere("twice", lambda: build(2.0), m.tighter(2.5)))
    with pytest.raises(AssertionError, match="survives"):
        m.assert_killed("t", build, "(1)", m.elsewhere("twice", lambda: build(2.0), m.tighter(1.5)))
