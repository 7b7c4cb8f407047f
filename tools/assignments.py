"""Make the assignments with otter-grader: students' notebooks, and what the lecturer grades with.

    .venv/bin/python tools/assignments.py      # assignments/*.md -> course/assignments, course/grading
"""

import contextlib
import io
import os
import shutil
import sys
import tempfile
from pathlib import Path

import jupytext
from course import INSTALL

sys.modules["rfc3987_syntax"] = None  # seconds to import, for a format that no notebook has
from otter.assign import main as assign  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
OTTER = """
if importlib.util.find_spec("otter") is None:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "otter-grader==7.0.0"], check=True)
    importlib.invalidate_caches()"""


def build(source, target):
    """Make one assignment: ``target/assignments/NAME.ipynb`` and ``target/grading/NAME.zip`` (with hidden tests)."""
    name = source.stem
    notebook = jupytext.read(source, fmt="md:myst")
    for cell in notebook.cells:
        if cell.source == "INSTALL":
            cell.source = INSTALL + OTTER
    with tempfile.TemporaryDirectory() as folder:
        master = Path(folder) / f"{name}.ipynb"
        jupytext.write(notebook, master)
        where = Path.cwd()
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                # the tests are run on the solutions where the assignments are graded end to end
                assign(str(master), str(Path(folder) / "made"), no_pdfs=True, no_run_tests=True)
        finally:
            os.chdir(where)
        (archive,) = (Path(folder) / "made" / "autograder").glob("*.zip")
        for made, place in (
            (Path(folder) / "made" / "student" / f"{name}.ipynb", target / "assignments" / f"{name}.ipynb"),
            (Path(folder) / "made" / "autograder" / f"{name}.ipynb", target / "grading" / f"{name}-solution.ipynb"),
            (archive, target / "grading" / f"{name}.zip"),
        ):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(made, place)


def main(target=ROOT / "course"):
    for name in ("assignments", "grading"):
        shutil.rmtree(target / name, ignore_errors=True)
    for source in sorted((ROOT / "assignments").glob("*.md")):
        build(source, target)
    print("assignments for students in course/assignments; course/grading has the hidden tests: keep it to yourself")


if __name__ == "__main__":
    main()
