"""The browser of the site's checks: Debian's Chromium, driven by Playwright, and the pages to open in it."""

import contextlib
import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
HTML = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html"))
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


def pages():
    """Return the name of every built page, as in ``chapters/index``."""
    found = sorted(path.relative_to(HTML).with_suffix("").as_posix() for path in HTML.rglob("*.html"))
    # the top page only forwards to the landing page, 404 stands alone; _static holds the theme's fragments
    return [name for name in found if not name.startswith("_") and name not in ("index", "404")]


@contextlib.contextmanager
def chromium():
    """Yield a running Chromium."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise RuntimeError("the browser checks need Chromium on the PATH (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def context(browser, *, size=(1280, 900), scheme="light"):
    """Return a fresh profile with a window of ``size`` whose reader prefers ``scheme``."""
    return browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        reduced_motion="reduce",
        is_mobile=size[0] < 600,
        has_touch=size[0] < 600,
    )


# Every interactive figure drawn.
SETTLED = """async () => {
  window.rnnLoadAll?.();
  const places = document.querySelectorAll('.rnn-place').length;
  const until = Date.now() + 15000;
  while (Date.now() < until && document.querySelectorAll('.rnn-explorer-view > *').length < places)
    await new Promise((done) => setTimeout(done, 50));
  await document.fonts.ready;
}"""


def visit(context, url, listen=None):
    """Open ``url`` in a new tab and wait until it has settled; ``listen(tab)`` is called before."""
    tab = context.new_page()
    if listen:
        listen(tab)
    tab.goto(url, wait_until="load")
    tab.evaluate(SETTLED)
    return tab


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def server():
    """Serve the built site on this machine; yield its address."""
    handler = functools.partial(_Quiet, directory=str(HTML))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
