"""Takes a picture of the upper part of a page: picture.py PAGE PICTURE.png"""

import os
import pathlib
import sys

from playwright.sync_api import sync_playwright

WIDTH, HEIGHT = 1000, 1750

page_file, picture = map(pathlib.Path, sys.argv[1:])
arguments = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
arguments += ["--disable-background-networking", "--disable-component-update"]
arguments += ["--no-sandbox"] if os.geteuid() == 0 else []
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(
        executable_path=os.environ["FRAMEHAUL_CHROMIUM"], args=arguments
    )
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, offline=True)
    page = context.new_page()
    page.goto(page_file.resolve().as_uri())
    page.screenshot(path=picture)
    browser.close()
