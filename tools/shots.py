"""Save full-page pictures of built pages, to look at: desktop, phone and dark.

.venv/bin/python tools/shots.py FOLDER [PAGE ...]     # PAGE as in chapters/index; all pages if none
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "site"))
import site_browser as browser  # noqa: E402

VIEWS = {"desktop": ((1280, 900), "light"), "phone": ((390, 844), "light"), "dark": ((1280, 900), "dark")}


def main(folder, pages):
    folder.mkdir(parents=True, exist_ok=True)
    with browser.chromium() as chromium:
        for name, (size, scheme) in VIEWS.items():
            context = browser.context(chromium, size=size, scheme=scheme)
            for page in pages or browser.pages():
                tab = browser.visit(context, (browser.HTML / page).with_suffix(".html").as_uri())
                tab.screenshot(
                    path=folder / f"{page.replace('/', '-')}-{name}.png", full_page=True, animations="disabled"
                )
                tab.close()
            context.close()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
