"""The notebooks of ``make course``: their numbers are the site's, and the students' run where only Jupyter is."""

import os
import re
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
