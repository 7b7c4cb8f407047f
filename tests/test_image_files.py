"""Bytes become arrays, or an error: whatever is in them."""

import os
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import image_files
from tests.made_images import OWN, PIXELS, idx, python_batch

often = settings(max_examples=150, deadline=None, derandomize=True)


@often
@given(st.binary(max_size=64) | st.binary(max_size=30).map(lambda b: b"\0\0\x08\x01" + b))
def test_any_bytes_are_an_array_or_a_value_error(raw):
    try:
        array = image_files.parse_idx(raw)
    except ValueError:
        return
    assert idx(array) == raw


@often
@given(st.integers(0, 10**6))
def test_a_mutated_idx_file_is_an_array_or_a_value_error(seed):
    rng = np.random.default_rng(seed)
    raw = bytearray(idx(rng.integers(0, 256, size=rng.integers(1, 4, size=rng.integers(1, 5)))))
    for _ in range(rng.integers(1, 4)):
        raw[rng.integers(len(raw))] = rng.integers(256)
    raw = bytes(raw[: rng.integers(len(raw) + 1)]) if rng.random() < 0.3 else bytes(raw)
    try:
        assert idx(image_files.parse_idx(raw)) == raw
    except ValueError:
        pass


class Hostile:
    def __reduce__(self):
        return os.system, ("exit 1",)


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(Hostile()),
        pickle.dumps({"data": Hostile(), "labels": [1]}),
        b"cbuiltins\neval\n(S'1/0'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.core.multiarray\nscalar\n.",
        pickle.dumps({"data": PIXELS.astype(float), "labels": OWN}),
        pickle.dumps({"data": PIXELS[:, :5], "labels": OWN}),
        pickle.dumps({"data": PIXELS, "labels": OWN[:3]}),
        pickle.dumps({"data": np.asfortranarray(PIXELS), "labels": OWN}),
        pickle.dumps({"data": np.array([object, None]), "labels": [1, 2]}),
        pickle.dumps({"data": PIXELS, "labels": [3, 9, 0, 10]}),
        pickle.dumps({"data": PIXELS}),
        pickle.dumps([1, 2]),
        pickle.dumps({"data": PIXELS[:0], "labels": []}),
        b"",
        b"\x80",
    ],
)
def test_hostile_and_foreign_pickles_are_refused(data):
    with pytest.raises(ValueError, match=r"the file (is not a batch of CIFAR-10|holds the label)"):
        image_files.parse_cifar_pickle(data)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_every_protocol_of_a_true_batch(protocol):
    pixels, labels = image_files.parse_cifar_pickle(python_batch(protocol=protocol))
    np.testing.assert_array_equal(pixels, PIXELS)
    assert labels.tolist() == OWN


@often
@given(st.integers(0, 10**6))
def test_a_mutated_batch_is_read_or_refused(seed):
    rng = np.random.default_rng(seed)
    data = bytearray(python_batch(PIXELS[:1], OWN[:1]))
    places = np.concatenate([np.arange(200), np.arange(len(data) - 100, len(data))])
    for _ in range(rng.integers(1, 4)):
        where = int(rng.choice(places))
        data[where] = data[where] ^ (1 << int(rng.integers(8)))
    if b"r" in data[:200] and _memo(data):  # a huge memo index only asks for memory
        return
    try:
        pixels, labels = image_files.parse_cifar_pickle(bytes(data))
    except ValueError:
        return
    assert pixels.shape == (len(labels), 3072)


def _memo(data):
    return any(
        op in (ord("r"), ord("j")) and int.from_bytes(data[i + 1 : i + 5], "little") > 10**6
        for i, op in enumerate(data)
    )


@often
@given(st.binary(max_size=200))
def test_any_bytes_are_a_batch_or_a_value_error(data):
    for parse in (image_files.parse_cifar_pickle, image_files.parse_cifar_binary):
        with pytest.raises(ValueError):
            parse(data)
