import concurrent.futures
import functools
import io
import json
import multiprocessing
import sys

import numpy as np
import pytest
from scipy import stats

from robustnn_core import streams, sweeps

GRID = {"scale": [1.0, 2.0, 3.0], "kind": ["mean", "max"]}
CALLS = []


def task(seed, scale, kind):
    CALLS.append((scale, kind))
    draws = scale * streams.generator(seed).standard_normal(5)
    return float(getattr(np, kind)(draws))


def several(seed, scale):
    draws = scale * streams.generator(seed).standard_normal(4)
    return {"mean": draws.mean(), "all": draws}


def failing(seed, scale):
    raise ZeroDivisionError("by design")


def ragged(seed, scale):
    return np.zeros(int(scale))


class Interrupting:
    """Stops, as by Ctrl-C, at the n-th call."""

    __qualname__ = "Interrupting"

    def __init__(self, at):
        self.left = at

    def __call__(self, seed, scale, kind):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return task(seed, scale, kind)


@pytest.fixture(autouse=True)
def no_calls():
    CALLS.clear()


def test_executors_chunks_and_order_do_not_matter():
    plain = sweeps.run(task, GRID, trials=5, seed=3)
    assert plain.values.shape == (3, 2, 5)
    assert np.unique(plain.values).size == 30
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        assert np.array_equal(sweeps.run(task, GRID, trials=5, seed=3, executor=pool, chunk=2).values, plain.values)
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        assert np.array_equal(sweeps.run(task, GRID, trials=5, seed=3, executor=pool, chunk=3).values, plain.values)
    assert not np.array_equal(sweeps.run(task, GRID, trials=5, seed=4).values, plain.values)


def test_more_trials_keep_the_first():
    few, many = (sweeps.run(task, GRID, trials=n, seed=3).values for n in (2, 5))
    assert np.array_equal(few, many[..., :2])


def test_results_can_be_dicts_of_arrays():
    sweep = sweeps.run(several, {"scale": [1.0, 2.0]}, trials=3, seed=0)
    assert sweep.values["mean"].shape == (2, 3) and sweep.values["all"].shape == (2, 3, 4)
    assert np.allclose(sweep.mean("mean"), sweep.values["all"].mean(axis=(1, 2)))
    assert np.allclose(sweep.standard_error("mean"), sweep.values["mean"].std(axis=1, ddof=1) / np.sqrt(3))
    assert np.array_equal(sweep.at("all", scale=2.0), sweep.values["all"][1])
    with pytest.raises(ValueError, match="key"):
        sweep.mean("median")
    with pytest.raises(ValueError, match="not in the grid"):
        sweep.at("mean", scale=5.0)


@pytest.mark.parametrize("threads", [0, 2])
def test_an_interrupted_sweep_resumes_and_recomputes_nothing(tmp_path, threads, monkeypatch):
    whole = sweeps.run(task, GRID, trials=4, seed=1)
    CALLS.clear()
    path = tmp_path / "sweep.jsonl"
    # the same name, so that the checkpoint belongs to both
    stopping = Interrupting(11)
    monkeypatch.setattr(sweeps, "_fingerprint", lambda *a: {"task": "task"})
    pool = concurrent.futures.ThreadPoolExecutor(threads) if threads else None
    with pytest.raises(KeyboardInterrupt):
        sweeps.run(stopping, GRID, trials=4, seed=1, checkpoint=path, chunk=2, executor=pool)
    if pool:
        pool.shutdown()
    done = sum(len(json.loads(line)[1]) for line in path.read_text().splitlines()[1:])
    assert (done == 10) if not threads else (done <= 11)
    CALLS.clear()
    again = sweeps.run(task, GRID, trials=4, seed=1, checkpoint=path, chunk=3)
    assert len(CALLS) == 24 - done
    assert np.array_equal(again.values, whole.values)
    CALLS.clear()
    assert np.array_equal(sweeps.run(task, GRID, trials=4, seed=1, checkpoint=path).values, whole.values)
    assert not CALLS


@pytest.mark.parametrize("cut", [1, 5])
def test_a_truncated_record_is_recovered(tmp_path, cut):
    path = tmp_path / "sweep.jsonl"
    whole = sweeps.run(task, GRID, trials=2, seed=1, checkpoint=path)
    path.write_bytes(path.read_bytes()[:-cut])
    CALLS.clear()
    again = sweeps.run(task, GRID, trials=2, seed=1, checkpoint=path)
    assert len(CALLS) == 2 and np.array_equal(again.values, whole.values)
    for line in path.read_text().splitlines():
        json.loads(line)
    path.write_bytes(b'{"swe')  # killed within the very first line
    assert np.array_equal(sweeps.run(task, GRID, trials=2, seed=1, checkpoint=path).values, whole.values)


def test_a_checkpoint_of_another_sweep_is_refused(tmp_path):
    path = tmp_path / "sweep.jsonl"
    sweeps.run(task, GRID, trials=2, seed=1, checkpoint=path)
    for changed in ({"trials": 3}, {"seed": 2}, {"grid": {**GRID, "scale": [1.0]}}, {"task": functools.partial(task)}):
        arguments = {"task": task, "grid": GRID, "trials": 2, "seed": 1, **changed}
        if "task" in changed:
            arguments["task"] = several
            arguments["grid"] = {"scale": [1.0]}
        with pytest.raises(ValueError, match="another sweep"):
            sweeps.run(**arguments, checkpoint=path)
    path.write_text("something else\n")
    with pytest.raises(ValueError, match="not a file of a sweep"):
        sweeps.run(task, GRID, trials=2, seed=1, checkpoint=path)


def test_partial_arguments_count_in_the_fingerprint(tmp_path):
    path = tmp_path / "sweep.jsonl"
    bound = functools.partial(task, kind="mean")
    sweeps.run(bound, {"scale": [1.0]}, trials=2, seed=1, checkpoint=path)
    with pytest.raises(ValueError, match=r"state of .*test_sweeps.CALLS\)"):  # what the task has changed itself
        sweeps.run(bound, {"scale": [1.0]}, trials=2, seed=1, checkpoint=path)
    CALLS.clear()
    assert sweeps.run(bound, {"scale": [1.0]}, trials=2, seed=1, checkpoint=path).values.shape == (1, 2)
    with pytest.raises(ValueError, match="code or state of task"):
        sweeps.run(functools.partial(task, kind="max"), {"scale": [1.0]}, trials=2, seed=1, checkpoint=path)


def test_nan_survives_a_checkpoint(tmp_path):
    path = tmp_path / "sweep.jsonl"
    nothing = functools.partial(task, kind="mean")
    grid = {"scale": [float("inf")]}
    with np.errstate(invalid="ignore"):
        one = sweeps.run(nothing, grid, trials=3, seed=0, checkpoint=path).values
    CALLS.clear()
    assert np.array_equal(sweeps.run(nothing, grid, trials=3, seed=0, checkpoint=path).values, one, equal_nan=True)


def test_a_failing_task_says_where():
    with pytest.raises(ZeroDivisionError) as caught:
        sweeps.run(failing, {"scale": [1.0]}, trials=1, seed=0)
    assert "scale" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"grid": {}}, "grid"),
        ({"grid": {"scale": []}}, "no values"),
        ({"grid": {"seed": [1]}}, "seed"),
        ({"grid": {"scale": [object()]}}, "texts"),
        ({"trials": 0}, "trials"),
        ({"seed": None}, "seed"),
        ({"chunk": 0}, "chunk"),
        ({"task": ragged, "grid": {"scale": [1, 2]}}, "shape"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        sweeps.run(**{"task": task, "grid": GRID, "trials": 1, "seed": 0, **arguments})


@pytest.mark.parametrize("k, n, level", [(0, 10, 0.95), (10, 10, 0.9), (3, 17, 0.99), (500, 1000, 0.95)])
def test_binomial_interval_against_scipy(k, n, level):
    expected = stats.binomtest(k, n).proportion_ci(level, "exact")
    assert np.allclose(sweeps.binomial_interval(k, n, level), (expected.low, expected.high))
    low, high = sweeps.binomial_interval([k, k], n, level)
    assert low.shape == (2,) and low[0] == pytest.approx(expected.low)


def test_bad_intervals():
    for arguments in ((-1, 5), (6, 5), (1.5, 5), (1, 0), (1, 5, 1.0)):
        with pytest.raises(ValueError):
            sweeps.binomial_interval(*arguments)
    with pytest.raises(ValueError, match="spread"):
        sweeps.mean_interval([1.0])


def test_mean_interval_against_scipy():
    samples = np.random.default_rng(0).standard_normal((3, 20))
    mean, low, high = sweeps.mean_interval(samples, 0.9)
    expected = stats.t.interval(0.9, 19, samples.mean(1), stats.sem(samples, axis=1))
    assert np.allclose((low, high), expected) and np.allclose(mean, samples.mean(1))


def test_progress_is_silent_unless_somebody_looks(monkeypatch, capfd):
    assert list(sweeps.progress(range(3))) == [0, 1, 2]
    assert capfd.readouterr() == ("", "")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    bar = sweeps.progress(range(3), label="x")
    assert hasattr(bar, "set_description") and list(bar) == [0, 1, 2]
    assert not hasattr(sweeps.progress(range(3), show=False), "set_description")
