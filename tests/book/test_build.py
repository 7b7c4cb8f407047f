"""The build, through the real Makefile, on a book of two pages in a temporary folder.

The copy has the project's configuration, tools and environment, and a package of its own with the real
``_cache.py``: small, so that the test can edit it.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

PAGE = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A page

The first wording.

```{code-cell} python
from robustnn_core import outer

print(f"result {outer.double(1.0)} drawn {len(open('runs', 'a').write('x') * 'x')}")
```
"""
CONTENTS = "format: jb-book\nroot: chapters/index\nchapters:\n- file: chapters/page\n"
OUTER = """import numba

from robustnn_core import inner


@numba.njit(cache=True)
def double(x):
    return 2.0 * inner.shifted(x)
"""
INNER = """import numba


@numba.njit(cache=True)
def shifted(x):
    return x + 1.0
"""


class Book:
    def __init__(self, folder):
        self.folder = folder
        for name in (
            "Makefile",
            "_config.yml",
            "requirements.lock",
            "pyproject.toml",
            "references.bib",
            "tools",
            "_assets",
        ):
            source, target = ROOT / name, folder / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("vendor", "__pycache__"))
            else:
                shutil.copy2(source, target)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        # What the pages load is fetched from the network and changes nothing here.
        (folder / "_assets" / "vendor").mkdir()
        (folder / "_assets" / "vendor" / ".ready").touch()
        (folder / ".cache").mkdir()
        (folder / ".cache" / "mathjax").symlink_to(ROOT / ".cache" / "mathjax")
        self.write("_toc.yml", CONTENTS + "- file: chapters/gone\n")
        self.write("chapters/index.md", "# Front\n")
        self.write("chapters/gone.md", "# Gone\n")
        self.write("chapters/page.md", PAGE)
        self.write("robustnn_core/__init__.py", "from robustnn_core import _cache\n_cache.use_keyed_numba_cache()\n")
        self.write("robustnn_core/_cache.py", (ROOT / "robustnn_core" / "_cache.py").read_text())
        self.write("robustnn_core/outer.py", OUTER)
        self.write("robustnn_core/inner.py", INNER)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def edit(self, name, old, new):
        path = self.folder / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def make(self, *arguments):
        """Run make; return its exit code and what it said."""
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "NUMBA", "MFLAGS"))
        }
        environment["PYTHONPATH"] = str(self.folder)  # this copy of the package, not the installed one
        # -o: the environment is the project's and complete, whatever the copies' dates say
        run = subprocess.run(
            ["make", "-o", ".venv/.ready", "-o", "_assets/vendor/.ready", *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        return run.returncode, re.sub(r"\x1b\[[0-9;]*m", "", run.stdout + run.stderr)

    def page(self):
        return (self.folder / "_build" / "html" / "chapters" / "page.html").read_text()

    def executions(self):
        return len((self.folder / "chapters" / "runs").read_text())


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    book = Book(tmp_path_factory.mktemp("book"))
    code, said = book.make("book")
    assert code == 0, said
    assert "_build/html/index.html" in said
    assert "WARNING" not in said  # of no tool
    return book


def test_edit_of_prose_does_not_run_the_cells_again(book):
    before = book.executions()
    book.edit("chapters/page.md", "The first wording.", "The second wording.")
    code, said = book.make("book")
    assert code == 0, said
    assert "The second wording." in book.page()
    assert "result 4.0" in book.page()
    assert book.executions() == before


def test_nothing_stale_survives_an_edit_of_the_package(book):
    # The kernel that the page calls stands in another file than the edit: Numba's own cache misses it.
    book.edit("robustnn_core/inner.py", "x + 1.0", "x + 20.0")
    code, said = book.make("book")
    assert code == 0, said
    assert "result 42.0" in book.page()
    assert "result 4.0" not in book.page()


def test_other_versions_in_the_lock_run_the_cells_again(book):
    before = book.executions()
    book.edit("requirements.lock", "numpy==", "numpy==0+other.")
    code, said = book.make("book")
    assert code == 0, said
    assert book.executions() == before + 1


def test_a_page_that_left_the_book_leaves_the_site(book):
    before = book.executions()
    assert (book.folder / "_build/html/chapters/gone.html").exists()
    book.write("_toc.yml", CONTENTS)
    assert book.make("book")[0] == 0
    assert not (book.folder / "_build/html/chapters/gone.html").exists()
    assert book.executions() == before


FAULTS = {
    "warnings": (
        "The second wording.",
        "See {ref}`nowhere` and {cite}`nobody1900`.\n\n```{notadirective}\n```\n",
        ["chapters/page.md", "nowhere", "nobody1900", "notadirective"],
    ),
    "formula": (
        "The second wording.",
        "Let $x \\nosuch y$.\n",
        ["chapters/page.md", "nosuch"],
    ),
    "cell": (
        "from robustnn_core import outer\n",
        "raise RuntimeError('no such luck')\n",
        ["chapters/page.md", "raise RuntimeError('no such luck')"],
    ),
    "stderr": (
        "from robustnn_core import outer\n",
        "from robustnn_core import outer\nimport warnings; warnings.warn('look out')\n",
        ["chapters/page.md", "stderr"],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_stops_the_build_and_is_named(book, fault):
    old, new, names = FAULTS[fault]
    good = (book.folder / "chapters" / "page.md").read_text()
    book.edit("chapters/page.md", old, new)
    try:
        # Warnings twice: Sphinx remembers the page, and must not forget what it said about it.
        for _ in range(2 if fault == "warnings" else 1):
            code, said = book.make("book")
            assert code != 0
            assert "The book is built" not in said
            for name in names:
                assert name in said
    finally:
        book.write("chapters/page.md", good)


def test_make_alone_lists_the_targets(book):
    code, said = book.make()
    assert code == 0
    for target in "setup book test lab bench clean".split():
        assert f"make {target} " in said


def test_python_that_is_too_old_is_named(tmp_path):
    old = tmp_path / "python3.9"
    old.write_text('#!/usr/bin/env bash\nif [ "$1" = --version ]; then echo Python 3.9.0; else exit 1; fi\n')
    old.chmod(0o755)
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    run = subprocess.run(["make", "setup", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode != 0
    assert "Python 3.11 or newer is needed; found: Python 3.9.0" in run.stderr
    assert not (tmp_path / ".venv").exists()


def test_half_made_environment_does_not_count_as_done(tmp_path):
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    run = subprocess.run(["make", "--dry-run", "setup"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "pip install" in run.stdout
