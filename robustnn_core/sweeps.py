"""Grids of Monte-Carlo runs over any ``concurrent.futures.Executor``, reproducible and resumable.

The seed of a trial depends on the seed of the sweep, on the grid point and on the trial's number, never
on the executor, the order or the chunks: one process, threads, processes, Dask
(``client.get_executor()``) and MPI (``mpi4py.futures.MPIPoolExecutor``) give the same bits.
"""

import concurrent.futures
import functools
import itertools
import json
import math
import numbers
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import special
from tqdm import tqdm

from robustnn_core import _cache, checks, fingerprint, streams

__all__ = ["Sweep", "binomial_interval", "mean_interval", "progress", "run"]


def progress(iterable, *, total=None, label="", show=None):
    """Return ``iterable`` with a progress bar, if somebody can see it move.

    By default a bar shows in a terminal only, after two seconds: in an executed page it would be noise
    in the output. ``show=True`` writes it to the standard output elsewhere too, ``show=False`` never.

    Examples
    --------
    >>> from robustnn_core.sweeps import progress
    >>> list(progress(range(3), show=False))
    [0, 1, 2]
    """
    terminal = sys.stderr is not None and sys.stderr.isatty()
    if not (terminal if show is None else show):
        return iterable
    return tqdm(iterable, total=total, desc=label, file=sys.stderr if terminal else sys.stdout, delay=2.0, leave=False)


@dataclass(frozen=True, eq=False)
class Sweep:
    """The numbers of a sweep.

    Attributes
    ----------
    grid : dict of name -> tuple
        The values of each axis, in the order of the axes of ``values``.
    trials : int
    values : ndarray, shape (len of each axis..., trials, *shape of one result)
        Or a dict of such arrays, if the task returns a dict.
    """

    grid: dict
    trials: int
    values: object

    def mean(self, key=None):
        """Mean over the trials, shape (len of each axis...)."""
        return self._of(key).mean(axis=len(self.grid))

    def standard_error(self, key=None):
        """Standard error of :meth:`mean`; needs two trials."""
        values = self._of(key)
        checks.integer(self.trials, "trials", at_least=2, remedy="one trial has no standard error")
        return values.std(axis=len(self.grid), ddof=1) / math.sqrt(self.trials)

    def at(self, key=None, **point):
        """The trials at one grid point, or along the axes that are not named.

        Examples
        --------
        >>> from robustnn_core.sweeps import _example, run
        >>> sweep = run(_example, {"scale": [1.0, 2.0]}, trials=3, seed=0)
        >>> sweep.at(scale=2.0).shape
        (3,)
        """
        where = [slice(None)] * len(self.grid)
        names = list(self.grid)
        for name, value in point.items():
            axis = names.index(checks.choice(name, "axis", names))
            if value not in self.grid[name]:
                raise ValueError(f"{name} = {value!r} is not in the grid {self.grid[name]}")
            where[axis] = self.grid[name].index(value)
        return self._of(key)[tuple(where)]

    def _of(self, key):
        if isinstance(self.values, dict):
            return self.values[checks.choice(key, "key", tuple(self.values))]
        if key is not None:
            raise ValueError(f"key = {key!r} but the task returned no dict; leave it out")
        return self.values


def run(task, grid, *, trials, seed, executor=None, checkpoint=None, chunk=None, progress=None):
    """Run ``task`` at every grid point, ``trials`` times, and return the results in one array.

    Parameters
    ----------
    task : callable
        ``task(seed=SeedSequence, **point)`` returns a number, an array of one shape, or a dict of
        those. For processes it must be importable (a function of a module).
    grid : dict of name -> values
        Numbers, texts, booleans, None, or tuples of these.
    trials : int
    seed : int >= 0, tuple of int or SeedSequence
    executor : concurrent.futures.Executor, optional
        Default: one after the other in this process.
    checkpoint : path, optional
        A file to which every finished chunk is appended. A run that was stopped goes on from there and
        computes nothing twice. A file of another sweep is refused: another grid, seed or number of trials,
        another version of Python or of this package, or a change in the code or the state of anything that
        the task reaches (:mod:`robustnn_core.fingerprint`; what the task itself changes from run to run, such
        as a global list that it appends to, counts too). Without it an interrupted sweep is lost.
    chunk : int, optional
        Trials handed to a worker at a time; default all of one grid point, at most 64.
    progress : bool, optional
        See :func:`progress`.

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError
        An empty grid, results that do not fit together; a checkpoint of another sweep, or for a task that is a
        lambda or reaches what has no key (an open file, a lock, ``eval``).

    Examples
    --------
    >>> from robustnn_core.sweeps import _example, run
    >>> sweep = run(_example, {"scale": [1.0, 2.0]}, trials=100, seed=0)
    >>> sweep.values.shape, bool(sweep.mean()[1] > sweep.mean()[0])
    ((2, 100), True)
    """
    grid = _grid(grid)
    trials = checks.integer(trials, "trials", at_least=1)
    points = [dict(zip(grid, values)) for values in itertools.product(*grid.values())]
    seeds = streams.spawn(seed, len(points))
    chunk = min(trials, 64) if chunk is None else checks.integer(chunk, "chunk", at_least=1)
    results = {}
    log = None
    if checkpoint is not None:
        log = _Checkpoint(checkpoint, _fingerprint(task, grid, trials, streams.spawn(seed, 1)[0]))
        results = log.results
    jobs = []
    for i in range(len(points)):
        left = [t for t in range(trials) if (i, t) not in results]
        jobs += [(i, left[at : at + chunk]) for at in range(0, len(left), chunk)]

    def keep(job, values):
        i, numbers_of = job
        if log is not None:
            log.append(i, numbers_of, values)
        results.update({(i, t): value for t, value in zip(numbers_of, values)})

    try:
        show = _bar(len(jobs), progress)
        if executor is None:
            for job in show(jobs):
                keep(job, _chunk(task, points[job[0]], seeds[job[0]], job[1]))
        else:
            futures = {executor.submit(_chunk, task, points[i], seeds[i], left): (i, left) for i, left in jobs}
            try:
                for future in show(concurrent.futures.as_completed(futures)):
                    keep(futures[future], future.result())
            except BaseException:
                for future in futures:
                    future.cancel()
                raise
    finally:
        if log is not None:
            log.close()
    shape = (*(len(values) for values in grid.values()), trials)
    ordered = [results[i, t] for i in range(len(points)) for t in range(trials)]
    if isinstance(ordered[0], dict):
        if any(not isinstance(o, dict) or o.keys() != ordered[0].keys() for o in ordered):
            raise ValueError("task returned different keys from run to run; return the same dict everywhere")
        values = {key: _stack([o[key] for o in ordered], shape) for key in ordered[0]}
    else:
        values = _stack(ordered, shape)
    return Sweep(grid, trials, values)


def binomial_interval(successes, trials, level=0.95):
    """Return the Clopper-Pearson interval of a success probability: exact, coverage at least ``level``.

    Parameters
    ----------
    successes : int or array_like of int
    trials : int
    level : float in (0, 1)

    Returns
    -------
    low, high : float or ndarray

    Examples
    --------
    >>> from robustnn_core.sweeps import binomial_interval
    >>> low, high = binomial_interval(0, 100)
    >>> round(float(low), 3), round(float(high), 3)
    (0.0, 0.036)
    """
    trials = checks.integer(trials, "trials", at_least=1)
    k = checks.array(successes, "successes")
    if (k != np.floor(k)).any() or (k < 0).any() or (k > trials).any():
        raise ValueError(f"successes = {successes!r} must be integers from 0 to trials = {trials}")
    tail = (1.0 - checks.number(level, "level", above=0.0, below=1.0)) / 2
    low = np.where(k == 0, 0.0, special.betaincinv(np.maximum(k, 1), trials - k + 1, tail))
    high = np.where(k == trials, 1.0, special.betaincinv(k + 1, np.maximum(trials - k, 1), 1 - tail))
    return (float(low), float(high)) if k.ndim == 0 else (low, high)


def mean_interval(samples, level=0.95, axis=-1):
    """Return mean, low and high of the Student interval for the mean along ``axis``.

    Examples
    --------
    >>> from robustnn_core.sweeps import mean_interval
    >>> mean, low, high = mean_interval([1.0, 2.0, 3.0])
    >>> round(float(low), 2), float(mean), round(float(high), 2)
    (-0.48, 2.0, 4.48)
    """
    samples = checks.array(samples, "samples")
    size = samples.shape[axis] if samples.ndim else 1
    checks.integer(size, "number of samples", at_least=2, remedy="one sample has no spread")
    level = checks.number(level, "level", above=0.0, below=1.0)
    mean = samples.mean(axis=axis)
    half = special.stdtrit(size - 1, 0.5 + level / 2) * samples.std(axis=axis, ddof=1) / math.sqrt(size)
    return mean, mean - half, mean + half


def _chunk(task, point, seed, numbers_of):
    """Some trials of one grid point; runs in the worker."""
    seeds = streams.spawn(seed, max(numbers_of) + 1)
    values = []
    for t in numbers_of:
        try:
            values.append(_plain(task(seed=seeds[t], **point)))
        except Exception as error:
            error.add_note(f"in trial {t} of the sweep's point {point}")
            raise
    return values


def _plain(value):
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    return checks.array(value, "result of the task", finite=False).tolist()


def _stack(values, shape):
    try:
        array = np.array(values, dtype=np.float64)
    except ValueError:
        raise ValueError("task returned arrays of different shapes; return one shape everywhere") from None
    return array.reshape(*shape, *array.shape[1:])


def _grid(grid):
    if not isinstance(grid, Mapping) or not grid:
        raise ValueError(f"grid = {grid!r} must be a dict of name -> values with at least one name")
    clean = {}
    for name, values in grid.items():
        values = tuple(v.item() if isinstance(v, np.generic) else v for v in values)
        if not values:
            raise ValueError(f"grid has no values for {name!r}; give at least one")
        for value in values:
            for part in value if isinstance(value, tuple) else (value,):
                if not (part is None or isinstance(part, (str, numbers.Real))):
                    raise ValueError(
                        f"grid holds {value!r} for {name!r}; "
                        "give numbers, texts or tuples of these and let the task build the rest"
                    )
        clean[str(name)] = values
    if "seed" in clean:
        raise ValueError("grid uses the name 'seed', which the sweep gives to the task; rename the axis")
    return clean


def _bar(total, show):
    def wrap(iterable):
        return _progress(iterable, total=total, label="sweep", show=show)

    return wrap


_progress = progress  # ``run`` has an argument of this name


def _fingerprint(task, grid, trials, first_seed):
    held = list(_unwrapped(task))
    for given in held:
        if getattr(given, "__name__", "") == "<lambda>":
            raise ValueError(
                f"checkpoint cannot be about {given!r}, a lambda: it has no name to be recognised by; "
                "write it with def in a module, or leave checkpoint out"
            )
    return {
        "task": f"{getattr(held[0], '__module__', '')}.{getattr(held[0], '__qualname__', type(held[0]).__qualname__)}",
        "code": fingerprint.parts(task),
        "grid": {key: repr(values) for key, values in grid.items()},
        "trials": trials,
        "seed": [int(word) for word in first_seed.generate_state(4)],
        "python": "{}.{}".format(*sys.version_info),
        "robustnn_core": _cache.source_hash(),
    }


def _unwrapped(task):
    """The task, or what a ``functools.partial`` holds: its function and its arguments, also of those inside it."""
    if isinstance(task, functools.partial):
        for value in (task.func, *task.args, *task.keywords.values()):
            yield from _unwrapped(value)
    else:
        yield task


def _changed(there, here):
    """The first few pieces of code or state that two sweeps do not share."""
    if not isinstance(there, dict):
        return "code"
    names = [name for name in {**here, **there} if here.get(name) != there.get(name)]
    kept = [name for name in names if name in here and name in there] or names  # the rest is new or gone by that
    named = [name for name in kept if name != "task"] or kept
    return "code or state of " + ", ".join(named[:5]) + (f" and {len(named) - 5} more" if len(named) > 5 else "")


class _Checkpoint:
    """A text file: a line that says which sweep, then a line for each finished chunk."""

    def __init__(self, path, fingerprint):
        self.path, self.results = Path(path), {}
        good = b""
        if self.path.exists():
            raw = self.path.read_bytes()
            lines = raw.splitlines(keepends=True)
            if lines and not lines[-1].endswith(b"\n"):  # the run was killed while it wrote
                lines.pop()
            if lines:
                self._read(lines, fingerprint)
            good = b"".join(lines)
            if len(good) < len(raw):
                with self.path.open("r+b") as file:
                    file.truncate(len(good))
        self.file = self.path.open("ab")
        if not good:
            self._write({"sweep": fingerprint})

    def _read(self, lines, fingerprint):
        try:
            head, *records = [json.loads(line) for line in lines]
            there = head["sweep"]
            results = {(i, t): value for i, left, values in records for t, value in zip(left, values)}
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"checkpoint {self.path.name} is not a file of a sweep; give another name") from None
        wrong = [key for key in fingerprint if there.get(key) != fingerprint[key]]
        if wrong:
            names = [key if key != "code" else _changed(there.get("code"), fingerprint["code"]) for key in wrong]
            raise ValueError(
                f"checkpoint {self.path.name} belongs to another sweep (it differs in {', '.join(names)}); "
                "remove the file to start anew, or give another name"
            )
        self.results = results

    def append(self, point, numbers_of, values):
        self._write([point, numbers_of, values])

    def _write(self, record):
        self.file.write(json.dumps(record).encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())

    def close(self):
        self.file.close()


def _example(seed, scale):
    return scale * streams.generator(seed).exponential()
