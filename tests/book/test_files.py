"""The repository's own files: the lock, the chapters as notebooks, the spelling."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CHAPTERS = sorted((ROOT / "chapters").rglob("*.md"))


def test_lock_holds_versions_and_no_addresses():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert len(lines) > 100
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[\w.+!]+( ; [\w .'<>=!()]+)?", line)] == []


def test_no_npm_lock_with_addresses():
    assert not list(ROOT.glob("package-lock.json"))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_chapter_survives_the_way_through_a_notebook(path):
    text = path.read_text()
    notebook = jupytext.reads(jupytext.writes(jupytext.reads(text, fmt="md:myst"), fmt="ipynb"), fmt="ipynb")
    again = jupytext.reads(jupytext.writes(notebook, fmt="md:myst"), fmt="md:myst")
    first = jupytext.reads(text, fmt="md:myst")
    assert [(c.cell_type, c.source) for c in again.cells] == [(c.cell_type, c.source) for c in first.cells]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_chapter_with_cells_opens_as_a_notebook(path):
    text = path.read_text()
    if "{code-cell}" in text:
        assert text.startswith("---\njupytext:\n"), "without this head JupyterLab opens the page as plain text"
        assert "name: python3" in text.split("---")[1]


def test_spelling():
    places = [
        "chapters",
        "robustnn_core",
        "tests",
        "tools",
        "_assets",
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "Makefile",
        "CITATION.cff",
    ]
    run = subprocess.run(
        [sys.executable, "-m", "codespell_lib", "--skip=vendor,__pycache__,.*", *places],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_chapters_hold_pages_only():
    """A page that reads a file beside it does not run as a notebook somewhere else; data belong into the package."""
    assert [
        path
        for path in (ROOT / "chapters").rglob("*")
        if path.is_file() and path.suffix != ".md" and ".ipynb_checkpoints" not in path.parts
    ] == []


def test_neither_wheel_nor_sdist_has_the_answers(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path)]
    subprocess.run(build, check=True, cwd=ROOT, capture_output=True)
    (wheel,), (sdist,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as packed, tarfile.open(sdist) as tarred:
        names = packed.namelist() + [name.split("/", 1)[-1] for name in tarred.getnames()]
    assert "robustnn_core/course/checks/convex_1.py" in names
    assert not [name for name in names if name.startswith("course/") or "answers" in name]
