"""The notebooks of ``make course``: their numbers are the site's, and the students' run where only Jupyter is."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbclient
import nbformat
import pytest
import site_browser as browser

COURSE = Path(os.environ.get("BOOK_COURSE", browser.ROOT / "_build" / "course"))
NOTEBOOKS = sorted(path for path in (COURSE / "student").rglob("*.ipynb"))
PAGES = [path for path in NOTEBOOKS if path.parent.name != "assignments"]
FIRST = sorted(path for path in NOTEBOOKS if re.match(r"1-", path.name))
RUN = NOTEBOOKS if os.environ.get("ALL_NOTEBOOKS") else FIRST  # all of them take as long as the book


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 10, "run `make course` first"
    assert list((COURSE / "student").glob("robustnn_core-*.whl"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_numbers_are_those_of_the_site(path):
    page = browser.HTML / "chapters" / path.relative_to(COURSE / "student").with_suffix(".html")
    site = re.findall(r'<span class="caption-number">(\w+\.? [\d.]+)', page.read_text())
    text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown")
    ours = re.findall(
        r"^(?:\*\*|### |\*)((?:Figure|Algorithm|Assumption|Definition|Lemma|Proposition|Remark|Theorem|Corollary|Example) [\d.]*\d)\.?(?: \(|\.?\*)",
        text,
        flags=re.M,
    )
    wanted = [number.replace("Fig. ", "Figure ").strip() for number in site if not number.startswith("Solution")]
    assert set(ours) - {n for n in ours if n.startswith("Exercise")} == {
        n for n in wanted if not n.startswith("Exercise")
    }


@pytest.mark.parametrize("path", RUN, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_student_notebook_runs_from_top_to_bottom(path, tmp_path):
    said = tmp_path / "kernel.txt"
    for attempt in range(2):  # a kernel can lose its sockets (ZMQError: not a socket) through no fault of the notebook
        notebook = nbformat.read(path, as_version=4)
        client = nbclient.NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
        )
        with open(said, "w") as stderr:
            try:
                client.execute(stderr=stderr)
                return
            except nbclient.exceptions.DeadKernelError:
                print(f"attempt {attempt}: the kernel died; its last words: {said.read_text()[-2000:]}")
    pytest.fail("the kernel died twice")


def test_nothing_hidden_is_given_to_students():
    names = re.findall(
        r"^def (hidden_\w+)",
        "\n".join(p.read_text() for p in (browser.ROOT / "course" / "answers").glob("*.py")),
        flags=re.M,
    )
    assert len(names) >= 12
    given = [*NOTEBOOKS, *browser.HTML.rglob("*.html"), *(COURSE / "slides").glob("*.html")]
    given += [path for path in browser.HTML.rglob("*") if path.suffix in (".md", ".ipynb", ".js", ".txt")]
    said = [
        (path, name) for path in given for text in [path.read_text(errors="ignore")] for name in names if name in text
    ]
    assert said == []
    (wheel,) = (COURSE / "student").glob("robustnn_core-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        assert any(name.startswith("robustnn_core/course/checks/") for name in packed.namelist())
        assert not [
            file
            for file in packed.namelist()
            if "answers" in file or any(name.encode() in packed.read(file) for name in names)
        ]


def test_archive_is_graded_by_otter_in_a_bare_environment(tmp_path):
    """Nothing but the archive, and a notebook whose kernel is called something else."""
    with zipfile.ZipFile(COURSE / "instructor" / "grading" / "breakdown_assignment.zip") as packed:
        packed.extractall(tmp_path / "archive")
    assert "answers" not in "".join(path.name for path in (tmp_path / "archive").rglob("*"))
    python = tmp_path / "bare" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "bare")], check=True)
    needed = ["-r", tmp_path / "archive" / "requirements.txt", *(tmp_path / "archive" / "files").glob("*.whl")]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *needed], check=True)
    notebook = nbformat.read(COURSE / "instructor" / "assignments" / "breakdown.ipynb", as_version=4)
    notebook.metadata.kernelspec = {"name": "myenv", "display_name": "my own", "language": "python"}
    nbformat.write(notebook, tmp_path / "handed-in.ipynb")
    archive = COURSE / "instructor" / "grading" / "breakdown_assignment.zip"
    run = [python.parent / "otter", "run", "-a", archive, "-o", tmp_path, tmp_path / "handed-in.ipynb"]
    subprocess.run(run, check=True, cwd=tmp_path, env={"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": str(tmp_path)})
    scores = {test["name"]: test.get("score") for test in json.loads((tmp_path / "results.json").read_text())["tests"]}
    assert {name: scores[name] for name in ("trimmed_loss", "survived", "attack", "votes")} == {
        "trimmed_loss": 2, "survived": 2, "attack": 3, "votes": 2,
    }  # fmt: skip


def test_students_get_neither_the_lecturers_page_nor_keys():
    assert not list((COURSE / "student").rglob("lecturers.ipynb"))
    for path in NOTEBOOKS:
        text = path.read_text()
        assert "- [x]" not in text and "Notes: " not in text, path.name
