"""How long the pages of a case take to write, how much memory, and how soon a browser lets people filter them.

    python benchmarks/report_pages.py 1000 10000

Needs Chromium at /usr/bin/chromium. The records are made up; no picture is read or written.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from mesorch_cli.report.report import PdfRule, write_report
from tests.report import made


def browse(case: Path) -> tuple[float, float]:
    """Return seconds until the overview can be filtered, and seconds that one filter takes."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(60_000)
        started = time.perf_counter()
        page.goto(f"{case.as_uri()}/index.html")
        page.wait_for_selector("#filter:not([hidden])")
        opened = time.perf_counter() - started
        started = time.perf_counter()
        page.locator("#filter-text").fill("photo 0000")
        expect(page.locator("#filter-count")).not_to_be_empty(timeout=60_000)
        filtered = time.perf_counter() - started
        browser.close()
    return opened, filtered


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="+", type=int, help="files of a case")
    print(f"{'files':>8} {'wall s':>8} {'CPU s':>8} {'MiB more':>8} {'index kB':>8} {'opens s':>8} {'filters s':>9}")
    for count in parser.parse_args().counts:
        with tempfile.TemporaryDirectory() as folder:
            case = Path(folder)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            wall, cpu = time.perf_counter(), time.process_time()
            write_report(case, made.FACTS, made.entries(count), pdf=PdfRule(pictures=0))
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
            size = (case / "index.html").stat().st_size // 1000
            opened, filtered = browse(case)
            print(f"{count:>8} {wall:>8.1f} {cpu:>8.1f} {more:>8} {size:>8} {opened:>8.2f} {filtered:>9.2f}")


if __name__ == "__main__":
    main()
