"""Drop what would be stale in the book's caches; ``make book`` calls it before and after a build.

Executed pages are cached by their own cells and Sphinx's pages by their own text: neither notices an
edit of ``robustnn_core`` or other versions in ``requirements.lock``. When one of these has changed,
both caches go. After a change of the table of contents, of the configuration or of ``tools/bookext``, and after a
build that failed, only Sphinx's go: it would leave pages that no longer belong to the book, and not repeat the
warnings of pages that have not changed since.
"""

import hashlib
import importlib.util
import shutil
import sys
from pathlib import Path


def keys(root):
    """Return what the executed cells depend on, and what the pages depend on (beside their own text)."""
    spec = importlib.util.spec_from_file_location("_cache", root / "robustnn_core" / "_cache.py")
    cache = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cache)
    package = cache.source_hash(root / "robustnn_core")
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    cells = f"{package} {python} {_digest(root, 'requirements.lock')}"
    extension = sorted(
        p.relative_to(root) for p in (root / "tools" / "bookext").rglob("*") if p.suffix != ".pyc" and p.is_file()
    )
    return {"cells": cells, "pages": f"{cells} {_digest(root, '_config.yml', '_toc.yml', *extension)}"}


def before(root):
    """Remove stale caches and mark the build as unfinished; return what was removed."""
    stamps = root / ".cache" / "book"
    stamps.mkdir(parents=True, exist_ok=True)
    removed = []
    for name, folder in (("cells", ".jupyter_cache"), ("pages", "_build")):
        stamp, key = stamps / name, keys(root)[name]
        if not stamp.exists() or stamp.read_text() != key or (name == "pages" and (stamps / "unfinished").exists()):
            if (root / folder).exists():
                shutil.rmtree(root / folder)
                removed.append(folder)
            stamp.write_text(key)
    (stamps / "unfinished").touch()
    return removed


def done(root):
    """Mark the build as finished."""
    (root / ".cache" / "book" / "unfinished").unlink()


def _digest(root, *names):
    return hashlib.sha256(b"\0".join((root / name).read_bytes() for name in names)).hexdigest()[:16]


if __name__ == "__main__":
    here = Path.cwd()
    if sys.argv[1:] == ["--done"]:
        done(here)
    else:
        for folder in before(here):
            print(f"removed {folder}: what it was made from has changed, or its last build failed")
