import pickle

import numpy as np
import pytest

from robustnn_core.trace import Trace


def test_a_trace_is_frozen_and_copies_what_it_is_given():
    values = np.zeros(3)
    trace = Trace(objective=values)
    values[0] = 1.0
    assert trace.objective[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        trace.objective[0] = 2.0
    with pytest.raises(AttributeError, match="frozen"):
        trace.objective = values


def test_columns_have_one_length():
    with pytest.raises(ValueError, match="'a': 2, 'b': 1"):
        Trace(a=[1.0, 2.0], b=[1.0])
    with pytest.raises(ValueError, match="at least one column"):
        Trace()


def test_an_empty_trace_and_one_of_rows_have_a_repr_and_can_be_pickled():
    assert repr(Trace(a=[], b=[])) == "Trace of 0 steps (a, b)"
    trace = pickle.loads(pickle.dumps(Trace(U=np.ones((2, 3)), objective=[1.0, 0.5])))
    assert repr(trace) == "Trace of 2 steps; the last: objective 0.5" and trace.names == ("U", "objective")
