"""Good files are read; one that is damaged, cut, foreign or hostile gets no further than an error that names it."""

import gzip
import hashlib
import io
import tarfile
import urllib.error

import numpy as np
import pytest

from robustnn_core import image_files, images
from tests.made_images import OWN, PIXELS, idx, python_batch

IMAGES = np.random.default_rng(0).integers(0, 256, size=(6, 28, 28)).astype(np.uint8)
LABELS = np.array([3, 8, 3, 8, 1, 0], dtype=np.uint8)
STEMS = {"train-images-idx3-ubyte": IMAGES, "train-labels-idx1-ubyte": LABELS}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a small MNIST whose checksums are the published ones, for this test; no network, an empty cache."""
    monkeypatch.setenv("ROBUSTNN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ROBUSTNN_CACHE", str(tmp_path / "cache"))
    known = {"url": "https://example.invalid/", "gz": {}, "raw": {}}
    (tmp_path / "data" / "mnist").mkdir(parents=True)
    for stem, array in STEMS.items():
        packed = gzip.compress(idx(array))
        (tmp_path / "data" / "mnist" / f"{stem}.gz").write_bytes(packed)
        known["gz"][stem] = hashlib.sha256(packed).hexdigest()
        known["raw"][stem] = hashlib.sha256(idx(array)).hexdigest()
    monkeypatch.setitem(images._IDX, "mnist", known)
    monkeypatch.setattr(images.urllib.request, "urlopen", _offline)
    return tmp_path / "data" / "mnist"


def _offline(*_, **__):
    raise urllib.error.URLError("no network in tests")


# --- digits, and what a set can do ----------------------------------------------------------------------


def test_digits():
    data = images.load("digits")
    assert data.pixels.shape == (1797, 64) and data.X.max() == 1.0 and len(data.classes) == 10 and len(data) == 1797
    pair = images.load("digits", pair=(8, 3))
    assert pair.classes == ("8", "3") and (pair.y == np.where(data.y[(data.y == 3) | (data.y == 8)] == 8, 1, -1)).all()
    train, test = pair.split(200, seed=3)
    np.testing.assert_allclose(train.X.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_array_equal(train.mean, test.mean)
    rows = np.concatenate([train.pixels, test.pixels])
    assert sorted(map(bytes, rows)) == sorted(map(bytes, pair.pixels)) and train.y.sum() == 0
    again = pair.split(200, seed=3)[0]
    assert np.array_equal(again.pixels, train.pixels)
    assert not np.array_equal(pair.split(200, seed=4)[0].pixels, train.pixels)
    plain, _ = data.split(10, seed=0, centre=False)
    assert plain.X.min() == 0.0 and len(plain) == 10


# --- IDX files ------------------------------------------------------------------------------------------


def test_mnist_from_a_folder(place):
    data = images.load("mnist")
    np.testing.assert_array_equal(data.pixels.reshape(-1, 28, 28), IMAGES)
    np.testing.assert_array_equal(data.y, LABELS)
    assert data.shape == (28, 28) and data.source == str(place)
    pair = images.load("mnist", pair=(3, 8))
    np.testing.assert_array_equal(pair.y, [1, -1, 1, -1])
    np.testing.assert_allclose(pair.X, IMAGES[:4].reshape(4, -1) / 255)
    assert images.load("mnist", folder=place.parent).source == images.load("mnist", folder=place).source


def test_unpacked_and_repacked_files_are_known_by_what_is_inside(place):
    for stem, array in STEMS.items():
        (place / f"{stem}.gz").unlink()
        (place / stem).write_bytes(idx(array))
    assert len(images.load("mnist")) == 6
    for stem, array in STEMS.items():
        (place / stem).unlink()
        (place / f"mnist-{stem}.gz").write_bytes(gzip.compress(idx(array), 1, mtime=7))
    assert len(images.load("mnist")) == 6


def test_a_repacked_file_without_a_known_inside_is_refused(place, monkeypatch):
    monkeypatch.setitem(images._IDX["mnist"], "raw", {})
    stem = "train-labels-idx1-ubyte"
    (place / f"{stem}.gz").write_bytes(gzip.compress(idx(LABELS), 1, mtime=7))
    with pytest.raises(ValueError, match=r"train-labels.* has SHA-256 .*get the .gz as published"):
        images.load("mnist")


@pytest.mark.parametrize("where", [0, 20, 60, -1])
@pytest.mark.parametrize("how", ["cut", "flip", "append"])
def test_damaged_files_are_refused(place, where, how):
    path = place / "train-images-idx3-ubyte.gz"
    data = bytearray(path.read_bytes())
    if how == "cut":
        data = data[:where]
    elif how == "flip":
        data[where] ^= 0x55
    else:
        data += b"\0more"
    path.write_bytes(bytes(data))
    with pytest.raises(
        ValueError, match=r"train-images-idx3-ubyte.gz (is not a whole .gz|has SHA256|does not|unpacks)"
    ):
        images.load("mnist")


def test_images_and_labels_that_do_not_belong_together(place, monkeypatch):
    for array in (LABELS[:5], np.full(6, 11, dtype=np.uint8)):
        stem = "train-labels-idx1-ubyte"
        packed = gzip.compress(idx(array))
        (place / f"{stem}.gz").write_bytes(packed)
        monkeypatch.setitem(images._IDX["mnist"]["gz"], stem, hashlib.sha256(packed).hexdigest())
        with pytest.raises(ValueError, match=r"N labels are needed|labels are 0"):
            images.load("mnist")


def test_a_bomb_is_refused(place, monkeypatch):
    monkeypatch.setattr(image_files, "LIMIT", 1000)
    with pytest.raises(ValueError, match="unpacks to more than 1000 bytes"):
        images.load("mnist")


# --- what is missing, and downloads ---------------------------------------------------------------------


def test_one_clear_error_says_how_to_get_a_set(place):
    for name, part in (("cifar10", "train"), ("fashion-mnist", "train"), ("mnist", "test")):
        for download in (False, True):
            if name == "mnist":
                images._IDX["mnist"]["gz"]["t10k-images-idx3-ubyte"] = "0"
            with pytest.raises(
                images.MissingImages, match=rf"^{name} is not on this machine .*ROBUSTNN_DATA.*https://"
            ):
                images.load(name, part=part, download=download)


def test_downloads_are_checked_and_kept(place, monkeypatch):
    stem = "train-images-idx3-ubyte"
    good = (place / f"{stem}.gz").read_bytes()
    (place / f"{stem}.gz").unlink()
    served = {"data": good[:-3], "times": 0}

    def serve(url, timeout):
        served["times"] += 1
        assert url == f"https://example.invalid/{stem}.gz"
        return io.BytesIO(served["data"])

    monkeypatch.setattr(images.urllib.request, "urlopen", serve)
    with pytest.raises(ValueError, match=r"^https://example.invalid/.* has SHA-256 .* was not kept"):
        images.load("mnist")
    kept = place.parent.parent / "cache" / "images" / "mnist"
    assert not kept.exists() or not list(kept.iterdir())
    served["data"] = good
    assert len(images.load("mnist")) == 6 and len(images.load("mnist")) == 6
    assert served["times"] == 2 and [p.name for p in kept.iterdir()] == [f"{stem}.gz"]


# --- CIFAR-10 -------------------------------------------------------------------------------------------


def binary_batch():
    return b"".join(bytes([label]) + row.tobytes() for label, row in zip(OWN, PIXELS))


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    monkeypatch.setenv("ROBUSTNN_DATA", str(tmp_path))
    monkeypatch.setenv("ROBUSTNN_CACHE", str(tmp_path / "cache"))

    def put(name, data):
        (tmp_path / name).write_bytes(data)
        trust(name, data)

    def trust(name, data):
        monkeypatch.setitem(images._CIFAR, name, ("sha256", hashlib.sha256(data).hexdigest()))

    put.trust, put.folder = trust, tmp_path
    return put


def archive(name, data):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo(f"cifar-10-batches/{name}")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["binary", "python", "binary archive", "python archive"])
def test_cifar_in_its_four_forms(cifar, kind):
    name, data = ("test_batch.bin", binary_batch()) if kind.startswith("binary") else ("test_batch", python_batch())
    if kind.endswith("archive"):
        cifar.trust(name, data)
        name, data = f"cifar-10-{kind.split()[0]}.tar.gz", archive(name, data)
    cifar(name, data)
    loaded = images.load("cifar10", part="test", download=False)
    assert loaded.shape == (32, 32, 3) and loaded.y.tolist() == OWN
    np.testing.assert_array_equal(
        loaded.pixels.reshape(4, 32, 32, 3), PIXELS.reshape(4, 3, 32, 32).transpose(0, 2, 3, 1)
    )
    pair = images.load("cifar10", pair=(3, 9), part="test", download=False)
    assert pair.classes == ("cat", "truck") and pair.y.tolist() == [1.0, -1.0]


def test_a_wrong_checksum_is_refused_before_anything_is_read(cifar):
    cifar("test_batch", python_batch())
    (cifar.folder / "test_batch").write_bytes(python_batch() + b"x")
    with pytest.raises(ValueError, match=r"test_batch has SHA256 .* damaged or not the right file"):
        images.load("cifar10", part="test", download=False)
    cifar("test_batch.bin", binary_batch()[:-1])
    with pytest.raises(ValueError, match=r"not a multiple of 3073"):
        images.load("cifar10", part="test", download=False)
    (cifar.folder / "test_batch.bin").unlink()
    (cifar.folder / "test_batch").unlink()
    cifar("cifar-10-binary.tar.gz", archive("something.bin", binary_batch()))
    with pytest.raises(ValueError, match=r"does not hold \['test_batch.bin'\]"):
        images.load("cifar10", part="test", download=False)
    cifar("cifar-10-binary.tar.gz", archive("test_batch.bin", binary_batch())[:50])
    with pytest.raises(ValueError, match=r"is not a whole archive|does not hold"):
        images.load("cifar10", part="test", download=False)


# --- arguments ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("cats", {}), r"^name = 'cats' must be one of"),
        (("digits", {"pair": (3, 3)}), r"^pair = \(3, 3\) must be two different classes"),
        (("digits", {"pair": 3}), r"^pair = 3 must be two"),
        (("digits", {"pair": (3, 10)}), r"^pair = 10.* must be >= 0 and <= 9"),
        (("digits", {"part": "train"}), r"^part = 'train': the digits are not divided"),
        (("mnist", {"part": "validation"}), r"^part = 'validation' must be one of"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        images.load(arguments[0], **arguments[1])


def test_bad_splits():
    data = images.load("digits", pair=(3, 8))
    for count, message in (
        (0, "^count = 0"),
        (357, "^count = 357"),
        (356, "^count = 356 asks for more images of one class"),
    ):
        with pytest.raises(ValueError, match=message):
            data.split(count, seed=0)
    with pytest.raises(ValueError, match="^mean has shape"):
        data.centred([0.0])
