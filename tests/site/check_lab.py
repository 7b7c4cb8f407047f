"""``make lab``: every page opens as a notebook with every formula typeset. (Saving: tests/book.)"""

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
import site_browser as browser

CHAPTERS = sorted((browser.ROOT / "chapters").rglob("*.md"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on copies of the chapters, since it saves what it has opened, as ``make lab`` starts it; its address."""
    desk = tmp_path_factory.mktemp("lab")
    shutil.copytree(browser.ROOT / "chapters", desk / "chapters")
    for name in ("Makefile", "_config.yml", "tools", ".venv"):
        (desk / name).symlink_to(browser.ROOT / name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = tmp_path_factory.mktemp("settings")
    plugin = settings / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    plugin.parent.mkdir(parents=True)
    plugin.write_text('{"windowingMode": "none"}')  # every cell is in the page, also below the window's edge
    options = f"""ARGS=--no-browser --allow-root --port={port} --ServerApp.port_retries=0 --IdentityProvider.token=
        --expose-app-in-browser --LabApp.news_url= --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"""
    run = subprocess.Popen(
        ["make", "-o", ".venv/.ready", "lab", " ".join(options.split())],
        cwd=desk,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"JUPYTERLAB_SETTINGS_DIR": str(settings), "JUPYTERLAB_WORKSPACES_DIR": str(settings)},
        start_new_session=True,
    )
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api").close()
                break
            except OSError:
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(run.pid, 15)
        run.wait(timeout=30)


@pytest.fixture(scope="module")
def desk(lab, chromium):
    tab = browser.context(chromium, size=(1280, 1000)).new_page()
    tab.goto(f"{lab}/lab")
    tab.wait_for_function("!!window.jupyterapp", timeout=120_000)
    tab.evaluate("window.jupyterapp.restored")
    yield tab
    tab.context.close()


@pytest.mark.parametrize(
    "path", CHAPTERS, ids=lambda path: path.relative_to(browser.ROOT / "chapters").with_suffix("").as_posix()
)
def test_every_formula_is_typeset(desk, path):
    text = path.read_text()
    factory = "Notebook" if text.startswith("---\njupytext:") else "Markdown Preview"
    here = Path(path).relative_to(browser.ROOT).as_posix()
    if factory != "Notebook" or "$" not in text:
        pytest.skip("a page without cells opens as text; one without formulas has nothing to typeset")
    desk.evaluate(
        "([path, factory]) => window.jupyterapp.commands.execute('docmanager:open', { path, factory, kernel: { shouldStart: false } }).then(() => null)",
        [here, factory],
    )
    view = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook"
    desk.wait_for_selector(f"{view} .jp-MarkdownCell .katex", timeout=120_000)
    desk.wait_for_function(  # until no more comes
        f"""() => {{ const now = document.querySelectorAll('{view} .katex').length, same = now === window.before;
            window.before = now; return same && now > 3; }}""",
        polling=1500,
        timeout=120_000,
    )
    wrong = desk.evaluate(
        f'[...document.querySelectorAll(\'{view} .katex-error, {view} .jp-MarkdownCell .text-red-500, {view} [style*="color:#cc0000"], {view} [style*="rgb(204, 0, 0)"]\')].map((e) => e.textContent.slice(0, 90))'
    )
    if folder := os.environ.get("WALK_SHOTS"):
        desk.screenshot(path=Path(folder) / f"lab-{path.stem}.png")
    desk.evaluate("window.jupyterapp.commands.execute('application:close-all').then(() => null)")
    assert wrong == []
