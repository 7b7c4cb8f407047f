import math

import numpy as np
import pytest
from neurotron import reference
from scipy import stats

from robustnn_core import streams

COUNT = 400_000


@pytest.fixture(scope="module")
def normals():
    x = np.empty(COUNT)
    streams.fill_normal(streams.states(11, 1)[0], x, 1.0)
    return x


# --- seeds --------------------------------------------------------------------------------------------


def test_generator_depends_on_the_seed_only():
    assert streams.generator(3).random() == streams.generator(3).random() != streams.generator(4).random()
    assert streams.generator((3, 1)).random() == streams.generator([3, 1]).random() != streams.generator(3).random()
    sequence = np.random.SeedSequence(3)
    assert streams.generator(sequence).random() == streams.generator(3).random()
    rng = np.random.default_rng(0)
    assert streams.generator(rng) is rng


@pytest.mark.parametrize("seed", [None, 1.5, "0", True, -1, (1, -2), (0, None)])
def test_generator_refuses_what_cannot_be_repeated(seed):
    for make in (streams.generator, lambda s: streams.spawn(s, 2), lambda s: streams.states(s, 2)):
        with pytest.raises(ValueError, match=r"^seed = .* must be"):
            make(seed)


def test_spawn_leaves_its_argument_alone():
    parent = np.random.SeedSequence(5)
    first = [s.generate_state(2).tolist() for s in streams.spawn(parent, 3)]
    again = [s.generate_state(2).tolist() for s in streams.spawn(parent, 5)]
    assert again[:3] == first and len({tuple(s) for s in again}) == 5
    assert parent.n_children_spawned == 0
    # nested: no child of a child meets a child
    nested = [s.generate_state(2).tolist() for child in streams.spawn(parent, 5) for s in streams.spawn(child, 5)]
    assert len({tuple(s) for s in again + nested}) == 30


def test_counts_are_checked():
    for make in (streams.spawn, streams.states):
        with pytest.raises(ValueError, match=r"^count = -1.* must be >= 0"):
            make(0, -1)
    assert streams.spawn(0, 0) == [] and streams.states(0, 0).shape == (0, 4)


def test_states_are_splitmix_of_the_seed():
    key = int(np.random.SeedSequence(9).generate_state(1, np.uint64)[0])
    plain = [[reference.splitmix64(key, 4 * i + j + 1) for j in range(4)] for i in range(50)]
    assert streams.states(9, 50).tolist() == plain
    assert streams.states(9, 7).tolist() == plain[:7]


# --- the generator ------------------------------------------------------------------------------------


def test_uniform_is_xoshiro256pp():
    state = streams.states(1, 1)[0]
    words = [int(v) for v in state]
    assert [streams.uniform(state) for _ in range(300)] == [reference.uniform(words) for _ in range(300)]
    assert state.tolist() == words


def test_xoshiro_against_its_published_first_outputs():
    # the first outputs of the authors' C code from the state 1, 2, 3, 4
    words = [1, 2, 3, 4]
    assert [reference.xoshiro256pp(words) for _ in range(4)] == [41943041, 58720359, 3588806011781223, 3591011842654386]


def test_fill_uniform_is_the_same_sequence():
    state = streams.states(2, 1)[0]
    words, x = [int(v) for v in state], np.empty(64)
    streams.fill_uniform(state, x, -3.0, 5.0)
    assert x.tolist() == [-3.0 + 8.0 * reference.uniform(words) for _ in range(64)]
    assert state.tolist() == words


@pytest.mark.parametrize("cut", [1, 17, 63, 64])
def test_a_fill_in_two_parts_is_one_fill(cut):
    whole, parts = np.empty(64), np.empty(64)
    for fill in (lambda s, x: streams.fill_normal(s, x, 2.0), lambda s, x: streams.fill_uniform(s, x, 0.0, 1.0)):
        one, two = streams.states(3, 1)[0], streams.states(3, 1)[0]
        fill(one, whole)
        fill(two, parts[:cut])
        fill(two, parts[cut:])
        assert np.array_equal(whole, parts) and np.array_equal(one, two)


# --- distributions ------------------------------------------------------------------------------------


def test_uniform_distribution():
    x = np.empty(COUNT)
    streams.fill_uniform(streams.states(12, 1)[0], x, 0.0, 1.0)
    assert 0.0 <= x.min() and x.max() < 1.0
    assert stats.kstest(x, "uniform").pvalue > 1e-3
    assert stats.chisquare(np.histogram2d(x[::2], x[1::2], bins=16, range=[[0, 1]] * 2)[0].ravel()).pvalue > 1e-3


def test_normal_moments(normals):
    for j, (value, variance) in enumerate([(0, 1), (1, 2), (0, 15), (3, 96), (0, 945), (15, 10170)], start=1):
        assert abs(np.mean(normals**j) - value) < 5 * math.sqrt(variance / COUNT), j


def test_normal_distribution(normals):
    assert stats.kstest(normals, "norm").pvalue > 1e-3
    edges = stats.norm.ppf(np.linspace(0, 1, 1025)[1:-1])
    counts = np.bincount(np.searchsorted(edges, normals), minlength=1024)
    assert stats.chisquare(counts).pvalue > 1e-3
    sides = np.histogram2d(normals[::2] > 0, normals[1::2] > 0, bins=2)[0].ravel()
    assert stats.chisquare(sides).pvalue > 1e-3


def test_normal_tails():
    """Beyond the last layer of the ziggurat (3.654) another method takes over: both sides, and their shape."""
    x = np.empty(4_000_000)
    streams.fill_normal(streams.states(13, 1)[0], x, 1.0)
    for level in (2.5, 3.0, 3.5, streams._TAIL, 4.0, 4.5):
        for count in (np.sum(x > level), np.sum(x < -level)):
            expected = len(x) * stats.norm.sf(level)
            assert abs(count - expected) < 5 * math.sqrt(expected) + 1, level
    beyond = np.abs(x[np.abs(x) > streams._TAIL])
    assert stats.kstest(stats.norm.sf(beyond) / stats.norm.sf(streams._TAIL), "uniform").pvalue > 1e-3


def test_the_ziggurat_closes():
    scale, sure, height, right = streams._ziggurat_tables()
    assert len(scale) == len(sure) == 256 and len(height) == 257
    edges = scale * 2.0**52
    areas = edges[1:] * np.diff(height[1:])
    np.testing.assert_allclose(areas, edges[0] * math.exp(-(right**2) / 2), rtol=1e-9)
    assert height[-1] == 1.0 and (np.diff(edges) < 0).all()


def test_scale_and_neighbouring_streams(normals):
    x = np.empty(1000)
    streams.fill_normal(streams.states(11, 1)[0], x, 2.0)
    assert np.array_equal(x, 2.0 * normals[:1000])
    rows = np.empty((300, 200))
    for state, row in zip(streams.states(0, 300), rows):
        streams.fill_normal(state, row, 1.0)
    correlations = np.corrcoef(rows)[np.triu_indices(300, 1)]
    assert stats.kstest(correlations * math.sqrt(200), "norm").pvalue > 1e-3
