"""Takes a picture of a comparison page, down to the percentiles: picture.py PAGE PICTURE.png"""

import os
import pathlib
import sys

from playwright.sync_api import sync_playwright

# Sections: throughput, and latency by percentile.
WIDTH, SECTIONS = 1000, 2

page_file, picture = map(pathlib.Path, sys.argv[1:])
arguments = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
arguments += ["--disable-background-networking", "--disable-component-update"]
arguments += ["--no-sandbox"] if os.geteuid() == 0 else []
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(
        executable_path=os.environ["FRAMEHAUL_CHROMIUM"], args=arguments
    )
    context = browser.new_context(viewport={"width": WIDTH, "height": 800}, offline=True)
    page = context.new_page()
    page.goto(page_file.resolve().as_uri())
    last = page.locator("section").nth(SECTIONS - 1).bounding_box()
    height = last["y"] + last["height"]
    page.screenshot(path=picture, full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": height})
    browser.close()
