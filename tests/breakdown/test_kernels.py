import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import streams
from robustnn_core.breakdown import _kernels
from tests.breakdown import reference


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(5, 60), bits=st.integers(-45, 2))
def test_consensus_is_the_formula(seed, n, bits):
    rng = streams.generator(seed)
    r = rng.standard_normal(n) * np.where(rng.random(n) < 0.4, 2.0**bits, 1.0)
    fast = _kernels.consensus(r.copy(), 1.7, np.empty(_kernels.LEVELS + 1))[0]
    assert fast == pytest.approx(reference.consensus(r, 1.7), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.sampled_from([0.0, 1.0, 2.5, -1.0, 7.0]), min_size=1, max_size=40), data=st.data())
def test_selection(values, data):
    values = np.array(values)
    h = data.draw(st.integers(1, len(values)))
    assert _kernels.kth_smallest(values, h - 1, np.empty_like(values)) == np.sort(values)[h - 1]
    kept = np.zeros(len(values), np.bool_)
    total = _kernels.keep_smallest(values, h, np.empty_like(values), kept)
    assert kept.sum() == h and total == pytest.approx(np.sort(values)[:h].sum())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 30), p=st.integers(1, 3))
def test_distinct_draws(seed, n, p):
    picks = np.empty(p, np.int64)
    _kernels.distinct(streams.generator(seed).random(p), n, picks)
    assert len(set(picks.tolist())) == p and picks.min() >= 0 and picks.max() < n
