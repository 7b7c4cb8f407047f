"""Images: scikit-learn's digits, and MNIST, Fashion-MNIST and CIFAR-10 from files that are checked first.

Where files are looked for: the ``folder`` given, else the folder that the environment variable ``ROBUSTNN_DATA``
names, then the user's cache folder; in each of them and in its subfolder of the set's name. What is not there is
downloaded to the cache folder (unless ``download=False``) and kept only if its SHA-256 is the published one.

Nothing is trusted: a file is read only if its checksum is right, then its header has to fit, and pickles are read by
a reader that can build lists, dicts, texts and one kind of array, and nothing else.
"""

import hashlib
import io
import os
import tarfile
import urllib.request
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from robustnn_core import _cache, checks, image_files, streams

__all__ = ["ImageSet", "MissingImages", "NAMES", "load"]

NAMES = ("digits", "mnist", "fashion-mnist", "cifar10")

_CLASSES = {
    "fashion-mnist": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    "cifar10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
}

# SHA-256 of the IDX files as published (.gz), and of what is inside where it is known.
_IDX = {
    "mnist": {
        "url": "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "gz": {
            "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
        "raw": {
            "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    },
    "fashion-mnist": {
        "url": "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "gz": {
            "train-images-idx3-ubyte": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train-labels-idx1-ubyte": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "t10k-images-idx3-ubyte": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "t10k-labels-idx1-ubyte": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
        "raw": {},
    },
}
_CIFAR_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
_CIFAR = {  # archives and the batches in them: (algorithm, digest)
    "cifar-10-binary.tar.gz": ("sha256", "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
    "cifar-10-python.tar.gz": ("sha256", "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"),
    "data_batch_1.bin": ("sha256", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
    "data_batch_2.bin": ("sha256", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
    "data_batch_3.bin": ("sha256", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
    "data_batch_4.bin": ("sha256", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
    "data_batch_5.bin": ("sha256", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
    "test_batch.bin": ("sha256", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
    "data_batch_1": ("md5", "c99cafc152244af753f735de768cd75f"),
    "data_batch_2": ("md5", "d4bba439e000b95fd0a9bffe97cbabec"),
    "data_batch_3": ("md5", "54ebc095f3ab1f0389bbae665268c751"),
    "data_batch_4": ("md5", "634d18415352ddfa80567beed471001a"),
    "data_batch_5": ("md5", "482c414d41f54cd18b22e5b47cb7c3cb"),
    "test_batch": ("md5", "40351d587109b95175f43aff81a1287e"),
}


class MissingImages(ValueError):
    """A set of images that is not on this machine; the message says how to get it."""


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images as rows of numbers.

    Attributes
    ----------
    name : str
    pixels : ndarray of uint8, shape (N, d)
        As stored: 0, ..., ``scale``.
    y : ndarray, shape (N,)
        +1 for the first class of the pair and -1 for the second (float64); without a pair the class (int64).
    shape : tuple
        Of one image: (height, width) or (height, width, 3).
    scale : int
    classes : tuple of str
        Names of the classes, or of the two of the pair.
    mean : ndarray, shape (d,), or 0.0
        Subtracted from the pixels in ``X``.
    source : str
        Where the files came from.
    """

    name: str
    pixels: np.ndarray
    y: np.ndarray
    shape: tuple
    scale: int
    classes: tuple
    mean: np.ndarray | float
    source: str

    def __len__(self):
        return len(self.y)

    @cached_property
    def X(self):
        """Pixels in [0, 1] less ``mean``: float64, shape (N, d)."""
        return self.pixels / self.scale - self.mean

    def take(self, index):
        """Return the images of the given rows, in that order."""
        index = np.asarray(index, dtype=np.int64)
        return replace(self, pixels=self.pixels[index], y=self.y[index])

    def centred(self, mean=None):
        """Return the set with ``mean`` (d,) subtracted: its own mean image when not given."""
        d = self.pixels.shape[1]
        return replace(
            self, mean=self.pixels.mean(axis=0) / self.scale if mean is None else checks.array(mean, "mean", shape=(d,))
        )

    def split(self, count, *, seed, centre=True):
        """Return ``(train, test)``: ``count`` random images, half of each class of a pair, and all the others.

        With ``centre`` the mean image of the training part is subtracted from both.

        Examples
        --------
        >>> from robustnn_core.images import load
        >>> train, test = load("digits", pair=(3, 8)).split(200, seed=0)
        >>> len(train), len(test), train.y.sum()
        (200, 157, np.float64(0.0))
        """
        count = checks.integer(
            count, "count", at_least=1, at_most=len(self) - 1, remedy=f"the set has {len(self)} images"
        )
        order = streams.generator(seed).permutation(len(self))
        if set(np.unique(self.y)) == {-1.0, 1.0}:
            sides = [order[self.y[order] == side] for side in (1.0, -1.0)]
            wanted = [count - count // 2, count // 2]
            if any(len(side) < want for side, want in zip(sides, wanted)):
                raise ValueError(
                    f"count = {count} asks for more images of one class than the {[len(s) for s in sides]} there are"
                )
            chosen = np.sort(np.concatenate([side[:want] for side, want in zip(sides, wanted)]))
        else:
            chosen = np.sort(order[:count])
        train, test = self.take(chosen), self.take(np.setdiff1d(np.arange(len(self)), chosen))
        if centre:
            train = train.centred()
            test = test.centred(train.mean)
        return train, test


def load(name, *, pair=None, part=None, folder=None, download=True):
    """Load a set of images.

    Parameters
    ----------
    name : {"digits", "mnist", "fashion-mnist", "cifar10"}
        ``"digits"`` comes with scikit-learn and needs no file.
    pair : (int, int), optional
        Two classes: only their images, with labels +1 and -1.
    part : {"train", "test"}, optional
        "train" when not given; the digits have one part only.
    folder : path, optional
        Where the files are, instead of ``ROBUSTNN_DATA``.
    download : bool
        Download what is missing (to the cache folder).

    Returns
    -------
    ImageSet

    Raises
    ------
    MissingImages (a ValueError)
        The files are nowhere, and could not be downloaded.
    ValueError
        A file with a wrong checksum or header, or bad arguments.

    Examples
    --------
    >>> from robustnn_core.images import load
    >>> digits = load("digits", pair=(3, 8))
    >>> digits.X.shape, digits.shape, digits.y[:3]
    ((357, 64), (8, 8), array([ 1., -1.,  1.]))
    """
    checks.choice(name, "name", NAMES)
    if part is not None:
        checks.choice(part, "part", ("train", "test"))
    if pair is not None:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or pair[0] == pair[1]:
            raise ValueError(f"pair = {pair!r} must be two different classes, for instance (3, 8)")
        pair = tuple(checks.integer(c, "pair", at_least=0, at_most=9) for c in pair)
    if name == "digits":
        if part is not None:
            raise ValueError(f"part = {part!r}: the digits are not divided; use load('digits').split(count, seed=...)")
        data = load_digits()
        pixels, labels = data.data.astype(np.uint8), data.target.astype(np.int64)
        shape, scale, source = (8, 8), 16, "scikit-learn"
    else:
        folders = _folders(name, folder)
        reader = _load_cifar if name == "cifar10" else _load_idx
        pixels, labels, shape, source = reader(name, part or "train", folders, download)
        scale = 255
    classes = _CLASSES.get(name, tuple("0123456789"))
    if pair is not None:
        keep = np.flatnonzero((labels == pair[0]) | (labels == pair[1]))
        pixels, labels = pixels[keep], np.where(labels[keep] == pair[0], 1.0, -1.0)
        classes = (classes[pair[0]], classes[pair[1]])
    return ImageSet(name, np.ascontiguousarray(pixels), labels, shape, scale, classes, 0.0, source)


# --- where the files are --------------------------------------------------------------------------------


def _folders(name, folder):
    chosen = folder if folder is not None else os.environ.get("ROBUSTNN_DATA")
    roots = [Path(chosen).expanduser()] if chosen else []
    if folder is None:
        roots.append(_cache.cache_folder() / "images")
    inner = {"cifar10": ("cifar10", "cifar-10-batches-bin", "cifar-10-batches-py")}.get(name, (name,))
    return [place for root in roots for place in (*(root / n for n in inner), root)]


def _find(names, folders):
    for folder in folders:
        for name in names:
            if (folder / name).is_file():
                return folder / name
    return None


def _fetch(name, url, digest, wanted, download):
    """Download ``url`` to the cache folder, or explain how to get the set."""
    target = _cache.cache_folder() / "images" / name / url.rsplit("/", 1)[1]
    advice = (
        f"{name} is not on this machine ({wanted} was not found). "
        "Put its files into a folder and set the environment variable "
        f"ROBUSTNN_DATA to it (a subfolder {name}/ is fine), or download {url} to {target.parent}; "
        "load('digits') needs no files"
    )
    if not download:
        raise MissingImages(advice)
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            data = answer.read(image_files.LIMIT + 1)
    except (OSError, ValueError) as error:
        raise MissingImages(f"{advice}. The download failed: {error}") from None
    found = hashlib.sha256(data).hexdigest()
    if found != digest:
        raise ValueError(
            f"{url} has SHA-256 {found}, not {digest}; the download is damaged or not the right file, and was not kept"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(target)
    return target


def _verify(path, data, algorithm, digest):
    found = hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()
    if found != digest:
        raise ValueError(
            f"{path} has {algorithm.upper()} {found}, not {digest}; "
            "it is damaged or not the right file: delete it and get it again"
        )


# --- MNIST and Fashion-MNIST ----------------------------------------------------------------------------


def _load_idx(name, part, folders, download):
    stem = "train" if part == "train" else "t10k"
    images, path = _idx_file(name, f"{stem}-images-idx3-ubyte", folders, download)
    labels, _ = _idx_file(name, f"{stem}-labels-idx1-ubyte", folders, download)
    if images.ndim != 3 or images.shape[1:] != (28, 28) or labels.shape != images.shape[:1]:
        raise ValueError(
            f"{path} holds images {images.shape} and labels {labels.shape}; N images of 28 x 28 and N labels are needed"
        )
    if labels.max() > 9:
        raise ValueError(f"{path} comes with the label {labels.max()}; labels are 0, ..., 9")
    return images.reshape(len(images), -1), labels.astype(np.int64), (28, 28), str(path.parent)


def _idx_file(name, stem, folders, download):
    known = _IDX[name]
    names = [f"{prefix}{stem}{suffix}" for prefix in ("", f"{name}-") for suffix in (".gz", "")]
    path = _find(names, folders)
    if path is None:
        path = _fetch(name, f"{known['url']}{stem}.gz", known["gz"][stem], f"{stem}.gz", download)
    data = path.read_bytes()
    packed = hashlib.sha256(data).hexdigest()
    if path.suffix == ".gz":
        raw = image_files.gunzip(path, data)
    else:
        raw = data
    if packed != known["gz"][stem]:  # packed anew, or not packed: what counts is what is inside
        if stem not in known["raw"]:
            raise ValueError(
                f"{path} has SHA-256 {packed}, not {known['gz'][stem]}; "
                "it is damaged, unpacked or not the right file: get the .gz as published"
            )
        _verify(path, raw, "sha256", known["raw"][stem])
    return image_files.parse_idx(raw, path), path


# --- CIFAR-10 -------------------------------------------------------------------------------------------


def _load_cifar(name, part, folders, download):
    stems = [f"data_batch_{i}" for i in range(1, 6)] if part == "train" else ["test_batch"]
    for suffix, parse in ((".bin", image_files.parse_cifar_binary), ("", image_files.parse_cifar_pickle)):
        paths = [_find([stem + suffix], folders) for stem in stems]
        if all(paths):
            batches = [(path, path.read_bytes(), *_CIFAR[path.name], parse) for path in paths]
            break
    else:
        archive = _find(["cifar-10-binary.tar.gz", "cifar-10-python.tar.gz"], folders)
        if archive is None:
            archive = _fetch(name, _CIFAR_URL, _CIFAR["cifar-10-binary.tar.gz"][1], f"{stems[0]}.bin", download)
        batches = _unpack(archive, stems)
    pixels, labels = [], []
    for path, data, algorithm, digest, parse in batches:
        _verify(path, data, algorithm, digest)
        batch, own = parse(data, path)
        pixels.append(batch)
        labels.append(own)
    pixels = np.concatenate(pixels).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).reshape(-1, 3072)
    return pixels, np.concatenate(labels), (32, 32, 3), str(batches[0][0].parent)


def _unpack(archive, stems):
    """The batches inside an archive, read in memory: nothing is extracted, so no name in it can point anywhere."""
    data = archive.read_bytes()
    _verify(archive, data, *_CIFAR[archive.name])
    binary = archive.name == "cifar-10-binary.tar.gz"
    wanted = {stem + (".bin" if binary else "") for stem in stems}
    found = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
            for member in tar:
                short = member.name.rsplit("/", 1)[-1]
                if short in wanted and member.isfile() and member.size <= image_files.LIMIT:
                    found[short] = tar.extractfile(member).read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{archive} is not a whole archive ({error}); delete it and get it again") from None
    if set(found) != wanted:
        raise ValueError(f"{archive} does not hold {sorted(wanted - set(found))}; it is not the right file")
    parse = image_files.parse_cifar_binary if binary else image_files.parse_cifar_pickle
    return [(archive, found[short], *_CIFAR[short], parse) for short in sorted(wanted)]
