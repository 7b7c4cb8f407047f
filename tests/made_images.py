"""Small files in the formats of MNIST and CIFAR-10."""

import pickle

import numpy as np

PIXELS = np.random.default_rng(1).integers(0, 256, size=(4, 3072)).astype(np.uint8)
OWN = [3, 9, 0, 1]


def idx(array):
    return (
        b"\0\0\x08"
        + bytes([array.ndim])
        + b"".join(n.to_bytes(4, "big") for n in array.shape)
        + array.astype(np.uint8).tobytes()
    )


def python_batch(data=PIXELS, labels=OWN, protocol=2):
    return pickle.dumps(
        {b"batch_label": b"test", b"labels": labels, b"data": data, b"filenames": [b"a.png"] * len(labels)},
        protocol=protocol,
    )
