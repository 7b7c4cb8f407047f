"""The stored comparison of convex with gradient training: written by ``python benchmarks/convex_study.py --save``."""

import json
from pathlib import Path

import numpy as np

from robustnn_core import checks
from robustnn_core.convex.experiments import METHODS

__all__ = ["PATH", "cases", "curve", "load", "spread"]

PATH = Path(__file__).parent / "study.json"


def load():
    """Return what the benchmark wrote: settings, ``table``, ``sweeps``, ``separated``.

    Examples
    --------
    >>> sorted(load())
    ['beta', 'date', 'patterns', 'separated', 'steps', 'sweeps', 'table', 'width']
    """
    return json.loads(PATH.read_text(encoding="utf-8"))


def cases(stored):
    """The settings of the table, in its order.

    Examples
    --------
    >>> cases(load())[0]
    ('digits', 40, 0.1)
    """
    return list(dict.fromkeys((row["data"], row["n"], row["radius"]) for row in stored["table"]))


def spread(stored, case, field, method):
    """Values over the seeds, shape (seeds,).

    Parameters
    ----------
    stored : dict
        Of :func:`load`.
    case : (str, int, float)
        One of :func:`cases`.
    field : {"clean", "fgsm", "pgd", "certified", "objective", "reached"}
    method : str
        One of :data:`~robustnn_core.convex.experiments.METHODS`.

    Examples
    --------
    >>> stored = load()
    >>> bool((spread(stored, cases(stored)[0], "certified", "convex") <= 1).all())
    True
    """
    checks.choice(field, "field", ("clean", "fgsm", "pgd", "certified", "objective", "reached"))
    checks.choice(method, "method", METHODS)
    return _values(stored["table"], case, field, method)


def curve(stored, data, field, method):
    """``(radii, mean over the seeds)`` of one sweep.

    Examples
    --------
    >>> radii, values = curve(load(), "digits", "pgd", "convex")
    >>> bool(radii[0] < radii[-1]), bool(values[0] > values[-1])
    (True, True)
    """
    checks.choice(method, "method", METHODS)
    radii = list(dict.fromkeys(row["radius"] for row in stored["sweeps"] if row["data"] == data))
    n = next((row["n"] for row in stored["sweeps"] if row["data"] == data), None)
    if n is None:
        raise ValueError(f"data = {data!r} must be one of {sorted({row['data'] for row in stored['sweeps']})}")
    return np.array(radii), np.array([_values(stored["sweeps"], (data, n, e), field, method).mean() for e in radii])


def _values(rows, case, field, method):
    data, n, radius = case
    found = [row[field][method] for row in rows if row["data"] == data and row["n"] == n and row["radius"] == radius]
    if not found:
        raise ValueError(f"case = {case!r} is not stored")
    return np.array(found)
