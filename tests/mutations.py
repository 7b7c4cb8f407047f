"""Ledgers that can fail: every row of every ledger, with the change of its statement that kills it.

A catalogue (``tests/<wing>/test_mutations.py``) says for each ledger how to build it on the page's own data, or on a
second snapshot where the step is nearly tight, and for each of its rows one of

* :func:`tighter`: the inequality with its larger side divided by a stated factor fails;
* :func:`shifted`: the equality with one side moved by a stated relative amount fails (for sides that come from two
  separate computations);
* :func:`patched`: with a function or a constant of the package replaced by a wrong one (halved, doubled) it fails;
* :func:`edited`: with a constant or a term of the ledger's own formula changed it fails;
* :func:`spoilt`: on data that break a hypothesis, or with a wrong solution, it fails;
* :func:`elsewhere`: it holds on a second snapshot, and fails there under one of the above;
* :data:`BY_CONSTRUCTION`: it cannot fail, the ledger says so, and it is not counted.

:func:`cases` makes one test a row and refuses a catalogue that leaves out a row or names one that is not there.
"""

import inspect
import pkgutil
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

import numpy as np
import pytest

from robustnn_core.ledger import Ledger

BY_CONSTRUCTION = "by construction"


@dataclass(frozen=True)
class Mutation:
    """How a row is changed, in words (``name``), and what to do (``kind`` and ``argument``)."""

    name: str
    kind: str
    argument: object


def tighter(factor=2.0):
    """The inequality between ``lhs`` and ``rhs``, the larger in absolute value made smaller by ``factor``."""
    assert 1.0 < factor <= 100.0, "a row that is not within 100 of its bound checks little: build a snapshot"
    return Mutation(f"tighter by {factor:g}", "sides", lambda lhs, rhs: _tightened(lhs, rhs, factor))


def shifted(relative=1e-3):
    """The equality with its left side moved by ``relative`` of its size."""
    assert 0.0 < relative <= 1e-1
    return Mutation(f"shifted by {relative:g}", "sides", lambda lhs, rhs: (lhs + relative * np.abs(lhs).max(), rhs))


def patched(target, wrong, name="wrong"):
    """``target`` ("robustnn_core.convex.theory.price", or a method) replaced by what ``wrong`` makes of it."""
    return Mutation(f"{target.removeprefix('robustnn_core.')} {name}", "patch", (target, wrong))


def edit(function, old, new):
    """``function`` with ``old``, which its source has exactly once, replaced by ``new``."""
    source = inspect.getsource(function)
    assert source.count(old) == 1, f"{function.__name__} has {old!r} {source.count(old)} times"
    names = dict(function.__globals__)
    exec(source.replace(old, new), names)
    return names[function.__name__]


def edited(target, old, new):
    """``target`` with ``old`` in its source replaced by ``new``: a wrong constant, a term left out."""
    return Mutation(f"{old} becomes {new}", "patch", (target, lambda function: edit(function, old, new)))


def elsewhere(snapshot, build, mutation):
    """``mutation`` on a second snapshot, which ``build`` makes and ``snapshot`` names; the row must hold there."""
    return Mutation(f"{mutation.name}, on {snapshot}", "elsewhere", (snapshot, build, mutation))


def spoilt(name, build):
    """``build()`` makes the ledger from data that break what the row needs: ``name`` says what."""
    return Mutation(name, "build", build)


def _tightened(lhs, rhs, factor):
    lhs, rhs = np.broadcast_arrays(np.asarray(lhs, float), np.asarray(rhs, float))
    return np.where(rhs <= 0.0, lhs / factor, lhs), np.where(rhs > 0.0, rhs / factor, rhs)


@contextmanager
def _recorded():
    """Collect, for every row that is added, what it was added with."""
    calls, add = [], Ledger._add

    def record(self, relation, label, statement, lhs, rhs, tol, scale, by_construction):
        calls.append((relation, label, statement, lhs, rhs, tol, scale, by_construction))
        return add(self, relation, label, statement, lhs, rhs, tol, scale, by_construction)

    with mock.patch.object(Ledger, "_add", record):
        yield calls


def keys(rows):
    """Names of rows: the label, and ``"label #2"`` for its second row."""
    seen, names = {}, []
    for row in rows:
        seen[row.label] = seen.get(row.label, 0) + 1
        names.append(row.label if seen[row.label] == 1 else f"{row.label} #{seen[row.label]}")
    return names


def cases(ledgers):
    """Parametrise a test by (ledger name, row, mutation); ``ledgers``: name -> (build, {row: mutation})."""
    every = [(name, build, row, how) for name, (build, rows) in ledgers.items() for row, how in rows.items()]
    ids = [f"{name} {row}: {how if isinstance(how, str) else how.name}" for name, _, row, how in every]
    return pytest.mark.parametrize("name, build, row, how", every, ids=ids)


def assert_listed(module, ledgers, *, helpers=()):
    """Every public function of ``module`` that makes a ledger is in the catalogue (``"name"`` or ``"name, case"``)."""
    made = {name for name in module.__all__ if inspect.isfunction(getattr(module, name))} - set(helpers)
    listed = {name.partition(",")[0] for name in ledgers}
    assert made == listed, f"not in the catalogue: {sorted(made - listed)}; not in the module: {sorted(listed - made)}"


_base = {}


def _run(build):
    if build not in _base:
        with _recorded() as calls:
            ledger = build()
        _base[build] = ledger, calls
    return _base[build]


def assert_complete(ledgers):
    """Every ledger holds on its data and has exactly the rows that the catalogue names."""
    for name, (build, rows) in ledgers.items():
        ledger, _ = _run(build)
        ledger.assert_holds()
        assert keys(ledger.rows) == list(rows), f"{name}: rows {keys(ledger.rows)}, in the catalogue {list(rows)}"


def assert_killed(name, build, row, how):
    """The row holds on the data and fails under its mutation; one by construction says that it is."""
    if not isinstance(how, str) and how.kind == "elsewhere":
        snapshot, build, how = how.argument
        name = f"{name} on {snapshot}"
    ledger, calls = _run(build)
    at = keys(ledger.rows).index(row)
    assert ledger.rows[at].holds
    if how == BY_CONSTRUCTION:
        assert ledger.rows[at].by_construction
        return
    assert not ledger.rows[at].by_construction
    if how.kind == "sides":
        relation, label, statement, lhs, rhs, tol, scale, _ = calls[at]
        changed = how.argument(lhs, rhs)
        mutant = getattr(Ledger("mutant"), relation)(label, statement, *changed, tol=tol, scale=scale).rows[0]
    else:
        if how.kind == "patch":
            target, wrong = how.argument
            with mock.patch(target, wrong(pkgutil.resolve_name(target))):
                other = build()
        else:
            other = how.argument()
        found = [r for key, r in zip(keys(other.rows), other.rows) if key == row]
        assert found, f"the mutant of {name} has no row {row}"
        mutant = found[0]
    assert not mutant.holds, f"{name} {row} survives: {mutant}"
