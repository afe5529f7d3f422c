"""Pictures of the site's kinds of pages: four widths, light and dark; `make pictures` takes them.

They are for people to look at, so nothing compares them. The picture of the README is one of them.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

from .conftest import FLAGS, ROOT, _Quiet, chromium

PAGES = {
    "home": "",
    "entry": "glossary/optimizer-state/",
    "ledger": "claims/",
    "statements": "claims/statements/",
}
SIZES = {1280: 800, 768: 1024, 390: 844, 360: 740}
SCHEMES = ("light", "dark")
SHOWN = ("entry", 1280, "light")
"""What the README shows."""


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve the files of *site*, and give the address."""
    handler = functools.partial(_Quiet, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


def take(site: Path, folder: Path, readme: Path | None) -> int:
    """Take the pictures of *site* into *folder*; return their number."""
    folder.mkdir(parents=True, exist_ok=True)
    with served(site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        for scheme in SCHEMES:
            for width, height in SIZES.items():
                page = browser.new_page(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                )
                for name, path in PAGES.items():
                    page.goto(address + path)
                    page.wait_for_load_state("networkidle")
                    page.screenshot(path=folder / f"{name}-{width}-{scheme}.png")
                    if readme and (name, width, scheme) == SHOWN:
                        page.screenshot(path=readme)
                page.close()
        browser.close()
    return len(PAGES) * len(SIZES) * len(SCHEMES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--site", type=Path, default=ROOT / "site", help="a site that is built")
    parser.add_argument("--readme", type=Path, help="where the picture of the README goes")
    asked = parser.parse_args()
    print(f"{take(asked.site, asked.folder, asked.readme)} pictures in {asked.folder}")


if __name__ == "__main__":
    main()
