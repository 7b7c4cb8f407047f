"""Caches keyed by what they depend on.

Numba's cache on disk notices an edit of the file a kernel stands in, but not of another file whose
kernels it calls; executed pages do not notice edits of the package at all. Both are therefore keyed by
one hash of the package's sources: here for Numba, in ``tools/fresh.py`` for the book.
"""

import hashlib
import os
from pathlib import Path

import numba
import platformdirs

PACKAGE = Path(__file__).resolve().parent


def source_hash(folder=PACKAGE):
    """Return a hexadecimal digest of every source and data file (.py, .js, .css, .json) under ``folder``.

    Checks of exercises do not count: no page and no kernel depends on them.

    Examples
    --------
    >>> from robustnn_core._cache import source_hash
    >>> len(source_hash())
    16
    """
    digest = hashlib.sha256()
    for path in sorted(Path(folder).rglob("*")):
        course = path.relative_to(folder).parts[0] == "course"
        if path.suffix in {".py", ".js", ".css", ".json"} and not course:
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def cache_folder():
    """Return the folder for caches: ``ROBUSTNN_CACHE`` if set, else the user's cache folder."""
    chosen = os.environ.get("ROBUSTNN_CACHE")
    return Path(chosen).resolve() if chosen else Path(platformdirs.user_cache_dir("robustnn_core"))


def use_keyed_numba_cache():
    """Point Numba at a cache folder named by :func:`source_hash`, unless the user has chosen one."""
    if not os.environ.get("NUMBA_CACHE_DIR"):
        numba.config.CACHE_DIR = str(cache_folder() / "numba" / source_hash())
