"""A student's first hour in JupyterLab, and the lecturer's with what was handed in: in a browser, as people do it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import site_browser as browser

COURSE = Path(os.environ.get("BOOK_COURSE", browser.ROOT / "_build" / "course"))
RIGHT = "def trimmed_loss(residuals, h):\n    return sum(sorted(residuals**2)[:h])"
# Numbers beside the cells, 0 while a cell has not run; a cell whose source is hidden has none.
PROMPTS = "[...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputPrompt')].filter((p) => p.textContent).map((p) => parseInt(p.textContent.slice(1)) || 0)"
WRONG = RIGHT.replace("residuals**2", "residuals")


@pytest.fixture(scope="module")
def handed_out(tmp_path_factory):
    """The student's folder, somewhere else than the repository."""
    folder = tmp_path_factory.mktemp("student") / "course"
    shutil.copytree(COURSE / "student", folder)
    return folder


@pytest.fixture(scope="module")
def lab(handed_out):
    """JupyterLab on that folder; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = handed_out.parent / "settings"
    plugin = settings / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    plugin.parent.mkdir(parents=True)
    plugin.write_text('{"windowingMode": "none"}')  # every cell is in the page, also below the window's edge
    command = f"""{sys.executable} -m jupyter lab --no-browser --allow-root --port={port} --ServerApp.port_retries=0
        --ServerApp.root_dir={handed_out} --IdentityProvider.token= --expose-app-in-browser
        --LabApp.news_url= --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"""
    run = subprocess.Popen(
        command.split(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ
        | {
            "JUPYTER_CONFIG_DIR": str(settings),
            "JUPYTERLAB_SETTINGS_DIR": str(settings),
            "JUPYTERLAB_WORKSPACES_DIR": str(settings),
        },
    )
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api").close()
                break
            except OSError:
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        run.terminate()
        run.wait(timeout=20)


@pytest.fixture(scope="module")
def said(lab, chromium, handed_out):
    """What the notebook showed after the stub, after a wrong answer, after the right one; the notebook is saved."""
    tab = browser.context(chromium, size=(1280, 1000)).new_page()
    tab.goto(f"{lab}/lab/tree/assignments/breakdown.ipynb")
    tab.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    tab.get_by_text("| Idle").wait_for(timeout=60_000)  # the kernel is there
    found = []

    def run_all():
        done = tab.evaluate(f"Math.max(0, ...{PROMPTS})") if found else 0
        tab.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        tab.wait_for_function(f"{PROMPTS}.length > 5 && {PROMPTS}.every((n) => n > {done})", timeout=60_000)
        found.append(tab.locator(".jp-Notebook").inner_text())

    run_all()
    if folder := os.environ.get("WALK_SHOTS"):
        tab.screenshot(path=Path(folder) / "walk-0.png")
    stub = tab.locator(".jp-CodeCell", has_text="def trimmed_loss(")
    for answer in (WRONG, RIGHT):
        stub.locator(".cm-content").click()
        tab.keyboard.press("Control+a")
        tab.keyboard.press("Backspace")
        tab.keyboard.insert_text(answer)
        run_all()
    tab.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    for _ in range(50):
        if "sorted(residuals**2)" in (handed_out / "assignments" / "breakdown.ipynb").read_text():
            break
        time.sleep(0.2)
    if folder := os.environ.get("WALK_SHOTS"):
        stub.scroll_into_view_if_needed()
        tab.screenshot(path=Path(folder) / "walk.png")
    tab.context.close()
    return found


def test_stub_is_told_to_return_something(said):
    assert "trimmed_loss returned nothing; replace the dots by your code, and end it with return." in said[0]
    assert "Traceback" not in said[0]


def test_wrong_answer_is_told_why(said):
    assert "trimmed_loss with h = n is too" in said[1]
    assert "Traceback" not in said[1]


def test_right_answer_passes(said):
    assert "trimmed_loss: public checks passed." in said[2]
    assert "trimmed_loss: public checks passed." not in said[1]
    assert "survived returned nothing" in said[2]


def test_lecturer_grades_what_was_handed_in(said, handed_out, tmp_path):
    (tmp_path / "handed-in").mkdir()
    for name, path in {
        "ada": handed_out / "assignments" / "breakdown.ipynb",
        "bea": COURSE / "instructor" / "assignments" / "breakdown.ipynb",
        "cem": COURSE / "student" / "assignments" / "breakdown.ipynb",
    }.items():
        shutil.copy(path, tmp_path / "handed-in" / f"{name}.ipynb")
    assert json.loads((tmp_path / "handed-in" / "ada.ipynb").read_text())["cells"]
    run = subprocess.run(
        [
            sys.executable,
            "tools/grade.py",
            str(COURSE / "instructor" / "grading" / "breakdown_assignment.zip"),
            *sorted(map(str, (tmp_path / "handed-in").iterdir())),
        ],
        cwd=browser.ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    ada, bea, cem = sorted(run.stdout.strip().split("\n"))  # as they end, not as they were given
    assert ": 2 of 9 (" in ada and "trimmed_loss 2" in ada
    assert ": 9 of 9 (" in bea
    assert ": 0 of 9 (" in cem
