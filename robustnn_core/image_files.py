"""Files of images, read from their bytes: IDX, and the batches of CIFAR-10 in both of its forms.

Nothing in a file is trusted: every length is compared with what is there, and pickles are read by a reader that can
build lists, dicts, texts and one kind of array, and nothing else.
"""

import gzip
import io
import pickle
import zlib

import numpy as np

__all__ = ["LIMIT", "gunzip", "parse_cifar_binary", "parse_cifar_pickle", "parse_idx"]

LIMIT = 400_000_000  # bytes: no file or archive member of these sets is larger, unpacked


def gunzip(path, data):
    """The bytes inside a .gz file, at most ``LIMIT`` of them."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            raw = stream.read(LIMIT + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is not a whole .gz file ({error}); delete it and get it again") from None
    if len(raw) > LIMIT:
        raise ValueError(f"{path} unpacks to more than {LIMIT} bytes; it is not the right file")
    return raw


def parse_idx(raw, path="the file"):
    """The array of an IDX file of bytes: magic 0, 0, 8, rank; one big-endian length an axis; the data."""
    if len(raw) < 4 or raw[:3] != b"\0\0\x08" or not 1 <= raw[3] <= 4:
        raise ValueError(
            f"{path} does not begin like an IDX file of bytes (magic {raw[:4].hex() or 'missing'}); "
            "it is not the right file"
        )
    rank = raw[3]
    if len(raw) < 4 + 4 * rank:
        raise ValueError(f"{path} ends within its header; it is truncated: get it again")
    shape = tuple(int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank))
    size = 1
    for length in shape:
        size *= length
    body = len(raw) - 4 - 4 * rank
    if size == 0 or body != size:
        raise ValueError(
            f"{path} holds {body} bytes after a header that announces {shape}; it is truncated or damaged: get it again"
        )
    return np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * rank).reshape(shape)


def parse_cifar_binary(data, path="the file"):
    """``(pixels, labels)`` of records of one label and 3072 bytes."""
    if len(data) == 0 or len(data) % 3073:
        raise ValueError(f"{path} has {len(data)} bytes, not a multiple of 3073; it is truncated or not the right file")
    records = np.frombuffer(data, dtype=np.uint8).reshape(-1, 3073)
    return _check_batch(records[:, 1:], records[:, 0].astype(np.int64), path)


def _check_batch(pixels, labels, path):
    if labels.max() > 9 or labels.min() < 0:
        raise ValueError(f"{path} holds the label {labels.max()}; labels are 0, ..., 9")
    return pixels, labels


class _Array:
    """What the restricted reader makes of a pickled NumPy array: its state, looked at later."""

    def __init__(self, *_):
        self.state = None

    def __setstate__(self, state):
        self.state = state


class _Type(_Array):
    """What it makes of a dtype."""

    def __init__(self, *arguments):
        super().__init__()
        self.kind = arguments[0] if arguments else None


def _encode(text, encoding="latin1"):
    """Python 3 pickles bytes under old protocols as a call of this name."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"encoding {encoding!r}")
    return text.encode("latin1")


class _Reader(pickle.Unpickler):
    """A pickle reader that can name four things, all of them harmless stand-ins of this module."""

    _ALLOWED = {
        ("numpy.core.multiarray", "_reconstruct"): _Array,
        ("numpy._core.multiarray", "_reconstruct"): _Array,
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Type,
        ("_codecs", "encode"): _encode,
    }

    def find_class(self, module, name):
        try:
            return self._ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}") from None

    def persistent_load(self, pid):
        raise pickle.UnpicklingError("it asks for an object outside of the file")


def parse_cifar_pickle(data, path="the file"):
    """``(pixels, labels)`` of a python batch, read without ever running what the file asks for."""
    try:
        batch = _Reader(io.BytesIO(data), encoding="bytes").load()
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise ValueError(
            f"{path} is not a batch of CIFAR-10 ({type(error).__name__}: {error}); it was not loaded"
        ) from None
    try:
        batch = {key.decode() if isinstance(key, bytes) else key: value for key, value in batch.items()}
        array, labels = batch["data"], np.array([int(v) for v in batch["labels"]], dtype=np.int64)
        _, shape, kind, by_column, body = array.state
        sound = (
            isinstance(kind, _Type)
            and kind.kind in (b"u1", "u1")
            and isinstance(body, bytes)
            and not by_column
            and tuple(shape) == (len(labels), 3072)
            and len(body) == 3072 * len(labels)
            and len(labels) > 0
        )
    except Exception as error:
        raise ValueError(f"{path} is not a batch of CIFAR-10 ({type(error).__name__}: {error})") from None
    if not sound:
        raise ValueError(f"{path} is not a batch of CIFAR-10: data must be N x 3072 bytes with N labels")
    return _check_batch(np.frombuffer(body, dtype=np.uint8).reshape(-1, 3072), labels, path)
