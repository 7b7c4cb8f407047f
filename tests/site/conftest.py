import pytest
import site_browser as browser


@pytest.fixture(scope="session")
def chromium():
    with browser.chromium() as running:
        yield running


@pytest.fixture(scope="session")
def address():
    with browser.server() as url:
        yield url


# One page at a time: every check of a page runs on the same three tabs before the next page is opened.
@pytest.fixture(scope="module", params=browser.pages())
def page(request):
    return request.param


class Heard:
    """What a tab asked for and complained about while it loaded."""

    def __init__(self, own):
        self.own, self.foreign, self.failed, self.errors = own, [], [], []

    def __call__(self, tab):
        tab.on("request", self.request)
        tab.on("requestfailed", lambda request: self.failed.append(request.url))
        tab.on("response", lambda answer: answer.status < 400 or self.failed.append(answer.url))
        tab.on("console", lambda line: line.type != "error" or self.errors.append(line.text))
        tab.on("pageerror", lambda error: self.errors.append(str(error)))

    def request(self, request):
        if not request.url.startswith((self.own, "data:", "blob:")):
            self.foreign.append(request.url)


def _tab(chromium, url, own, **options):
    context = browser.context(chromium, **options)
    heard = Heard(own)
    tab = browser.visit(context, url, heard)
    tab.heard = heard
    yield tab
    context.close()


@pytest.fixture(scope="module")
def served(chromium, address, page):
    yield from _tab(chromium, f"{address}/{page}.html", address)


@pytest.fixture(scope="module")
def opened(chromium, page):
    yield from _tab(chromium, (browser.HTML / f"{page}.html").as_uri(), browser.HTML.as_uri())


@pytest.fixture(scope="module")
def phone(chromium, address, page):
    yield from _tab(chromium, f"{address}/{page}.html", address, size=(390, 844))


WEIGHTS = {}


@pytest.fixture(scope="session")
def weights():
    """Bytes, requests and seconds of every page, for the summary at the end."""
    return WEIGHTS


def pytest_terminal_summary(terminalreporter):
    if not WEIGHTS:
        return
    terminalreporter.section("weight of a first visit, and seconds until it answers at a quarter of the speed")
    for page, seen in sorted(WEIGHTS.items(), key=lambda item: -item[1]["bytes"]):
        terminalreporter.write_line(
            f"{page:45} {seen['bytes'] / 1e6:6.2f} MB {seen['requests']:4d} requests {seen['seconds']:6.2f} s"
        )
