"""A real browser without a screen, and what may not happen in it: an error, a request that leaves the case, a dialog."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE_MS = 60_000  # of a machine that does much else; nothing is waited for longer than it takes


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.fail(
            f"These tests need Chromium at {CHROMIUM}, and it is not there. Install it: `apt-get install -y chromium`.",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"], timeout=PATIENCE_MS
        )
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page of a case in the browser, and what was heard of it."""

    case: Path
    page: Page
    heard: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.heard.append(f"error: {error}"))
        self.page.on("dialog", self._dialog)
        self.page.on("request", self._request)
        self.page.on("requestfailed", lambda request: self.heard.append(f"failed: {request.url}"))

    def _console(self, message: ConsoleMessage) -> None:
        self.heard.append(f"{message.type}: {message.text}")

    def _dialog(self, dialog: Dialog) -> None:
        self.heard.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)

    def go(self, address: str = "index.html") -> Page:
        self.page.goto(f"{self.case.as_uri()}/{address}")
        return self.page

    def check(self) -> None:
        """Nothing was said on the console, nothing failed, and every request was for a file of the case."""
        assert not self.heard
        assert self.requests
        outside = [url for url in self.requests if not url.startswith(f"{self.case.as_uri()}/")]
        assert not outside


def visits(browser: Browser, case: Path, **settings: object) -> Iterator[Visit]:
    context: BrowserContext = browser.new_context(viewport={"width": 1280, "height": 900}, **settings)  # type: ignore[arg-type]
    visit = Visit(case, context.new_page())
    yield visit
    visit.check()
    context.close()


@pytest.fixture
def visit(chromium: Browser, real_case: Path) -> Iterator[Visit]:
    """The real case in the browser; at the end of the test what was heard is checked."""
    yield from visits(chromium, real_case)


@pytest.fixture
def visit_without_script(chromium: Browser, real_case: Path) -> Iterator[Visit]:
    yield from visits(chromium, real_case, java_script_enabled=False)


@pytest.fixture
def visit_in_the_dark(chromium: Browser, real_case: Path) -> Iterator[Visit]:
    yield from visits(chromium, real_case, color_scheme="dark")
