import pickle

import numpy as np
import pytest

from robustnn_core import ConvergenceWarning
from robustnn_core.neurotron import runs
from robustnn_core.trace import Trace


def test_errors_are_a_trace_that_knows_its_averages():
    errors = np.array([[3.0, 4.0, 5.0], [0.0, 1.0, 2.0]])
    trace = runs.Errors(steps=[0, 10], errors=errors)
    assert isinstance(trace, Trace) and trace.names == ("steps", "errors") and len(trace) == 2
    np.testing.assert_allclose(trace.mean_square, [50 / 3, 5 / 3])
    np.testing.assert_allclose(trace.rms, np.sqrt([50 / 3, 5 / 3]))
    np.testing.assert_array_equal(trace.quantile(0.5), [4.0, 1.0])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(trace)).errors, errors)
    with pytest.raises(ValueError, match="read-only"):
        trace.errors[0, 0] = 1.0


@pytest.mark.parametrize(
    "steps, records, times",
    [(100, 5, [0, 25, 50, 75, 100]), (3, 60, [0, 1, 2, 3]), (0, 2, [0]), (10, 4, [0, 3, 7, 10])],
)
def test_record_times(steps, records, times):
    assert runs.record_times(steps, records).tolist() == times


def test_first_weights():
    each = np.arange(6.0).reshape(3, 2)
    assert runs.first_weights(None, 3, 2).tolist() == [[0.0, 0.0]] * 3
    assert runs.first_weights([1, 2], 3, 2).tolist() == [[1.0, 2.0]] * 3
    copy = runs.first_weights(each, 3, 2)
    copy[:] = 9.0
    assert each[0].tolist() == [0.0, 1.0]  # the caller's array is left alone
    for start in (each[:2], [1.0]):
        with pytest.raises(ValueError, match="^start has shape"):
            runs.first_weights(start, 3, 2)


def learner(errors):
    """Stands for a public function."""
    return runs.finished("learner", np.zeros((2, 1)), [0, 5, 10], errors, remedy="rest")


def test_a_run_that_ended_well():
    run = learner([[3.0, 4.0], [9.0, np.inf], [0.0, 2.0]])
    assert run.steps == 10 and run.rms == np.sqrt(2.0) and not run.diverged.any()
    assert run.errors.tolist() == [0.0, 2.0] and run.errors.flags.writeable


def test_a_run_that_diverged_says_which_repeat_and_when():
    message = "^neurotron.learner stopped short: 1 of 2 repeats diverged, by update 5, wanted finite weights; rest$"
    with pytest.warns(ConvergenceWarning, match=message) as caught:
        run = learner([[3.0, 4.0], [1.0, 1e200], [1.0, np.nan]])
    assert len(caught) == 1 and caught[0].filename == __file__
    assert run.diverged.tolist() == [False, True] and np.isnan(run.rms)
