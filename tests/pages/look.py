"""Opens pages in headless Chromium with the network off and tells what there is to see, as JSON.

Usage: look.py [--shots DIRECTORY] PAGE...

FRAMEHAUL_CHROMIUM names the browser. With --shots, pictures are left behind: of each view, and of
the page as it is printed.
"""

import argparse
import json
import os
import pathlib
import sys
import tempfile

from playwright.sync_api import sync_playwright

WIDE, PHONE = 1200, 390
# As wide as what margins leave of A4.
PAPER = 680
VIEWS = [
    ("light", WIDE, True),
    ("dark", WIDE, True),
    ("light", PHONE, True),
    ("dark", PHONE, True),
    ("light", 768, True),
    ("light", WIDE, False),
    ("print", PAPER, True),
]
QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# What is seen in one view.
SEEN = """() => {
    const shown = (element) => element.getClientRects().length > 0;
    const width = document.documentElement.clientWidth;
    const overlaps = [], outside = [];
    for (const chart of document.querySelectorAll("svg")) {
        if (!shown(chart)) continue;
        const texts = [...chart.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
        const own = chart.getBoundingClientRect();
        texts.forEach(([one, a], index) => {
            if (a.left < own.left - 1 || a.right > own.right + 1 || a.top < own.top - 2 || a.bottom > own.bottom + 2)
                outside.push(one);
            for (const [other, b] of texts.slice(index + 1)) {
                const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
                const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
                if (across > 1 && down > 3) overlaps.push(`${one} | ${other}`);
            }
        });
    }
    const style = getComputedStyle(document.body);
    const figure = document.querySelector("figure");
    const named = (shape) => [...shape.classList].join(" ");
    const shapes = [...document.querySelectorAll("svg .line:not(.grid), svg .area")].filter(shown).map((shape) => {
        const { stroke, fill, fillOpacity, opacity } = getComputedStyle(shape);
        return JSON.stringify({ name: named(shape), paints: [[stroke, Number(opacity)], [fill, opacity * fillOpacity]] });
    });
    const runs = [...document.querySelectorAll("svg:not(.key) .line")].filter(shown)
        .filter((line) => [...line.classList].some((name) => /^r[0-9]$/.test(name)))
        .map((line) => JSON.stringify([named(line), getComputedStyle(line).strokeDasharray]));
    const texts = [...document.querySelectorAll("svg text")].filter(shown);
    const sizes = texts.map((text) => text.getBoundingClientRect().height);
    return {
        overflow: document.documentElement.scrollWidth - width,
        overlaps,
        outside,
        paper: style.backgroundColor,
        ink: style.color,
        charts: [...document.querySelectorAll("svg")].filter(shown).length,
        lowest_letters: sizes.length ? Math.min(...sizes) : null,
        card: figure ? getComputedStyle(figure).backgroundColor : null,
        shapes: [...new Set(shapes)].map((shape) => JSON.parse(shape)),
        dashes: [...new Set(runs)].map((line) => JSON.parse(line)),
        hidden_tables: [...document.querySelectorAll("table")].filter((table) => !table.checkVisibility()).length,
    };
}"""

# The figures, and numbers in tables that are none.
FIGURES = """() => {
    const figures = [...document.querySelectorAll("data")].map((figure) => ({
        field: figure.dataset.field ?? null,
        ratio: figure.dataset.ratio ?? null,
        run: Number(figure.closest("[data-run]")?.dataset.run ?? 0),
        value: figure.value,
        shown: figure.textContent,
    }));
    const loose = [];
    for (const cell of document.querySelectorAll("td")) {
        const copy = cell.cloneNode(true);
        copy.querySelectorAll("data").forEach((figure) => figure.remove());
        if (/[0-9]/.test(copy.textContent)) loose.push(cell.textContent);
    }
    return {
        title: document.title,
        headline: document.querySelector("h1").textContent,
        commands: [...document.querySelectorAll("pre.command code")].map((code) => code.textContent),
        figures,
        loose,
    };
}"""


def parts(colour):
    """Red, green and blue of what a style says, from 0 to 1; and how much of them there is."""
    numbers = [float(part) for part in colour[colour.index("(") + 1 : -1].split(",")]
    return [part / 255 for part in numbers[:3]], numbers[3] if len(numbers) > 3 else 1.0


def contrast(one, other, share=1.0):
    """The ratio of two colours' brightness, as the guidelines for accessible pages define it; of the
    first there is such a share, over the other."""

    def brightness(colour):
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    (one, own), (other, _) = parts(one), parts(other)
    share *= own
    mixed = [share * a + (1 - share) * b for a, b in zip(one, other)]
    light, dark = sorted((brightness(mixed), brightness(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def palest(shapes, card):
    """The shape that is least seen on the card, and how well: by its surface or by its edge."""

    def seen(shape):
        paints = [(colour, share) for colour, share in shape["paints"] if colour.startswith("rgb")]
        return max((contrast(colour, card, share) for colour, share in paints), default=1.0)

    return min(([seen(shape), shape["name"]] for shape in shapes), default=None)


def choose(page):
    """Chooses the other of two views, and tells what is shown before and after."""
    switches = page.locator("input.pick.b")
    told = []
    for index in range(switches.count()):
        switch = switches.nth(index)
        name = switch.get_attribute("name")
        views = page.locator(f"figure:has(input[name={name}]) > .view")
        before = [views.nth(n).is_visible() for n in range(2)]
        page.locator(f"label[for={switch.get_attribute('id')}]").click()
        after = [views.nth(n).is_visible() for n in range(2)]
        told.append({"name": name, "before": before, "after": after})
    return told


def point(page):
    """Points at a chart, and tells what appears."""
    hits = page.locator("svg.wide .hit:visible")
    if hits.count() == 0:
        return None
    hit = hits.nth(hits.count() // 2)
    hit.scroll_into_view_if_needed()
    # The page hides what it tells when it is scrolled, of which it hears a frame later.
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    box = hit.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tip = page.locator(".tip")
    return tip.text_content() if tip.is_visible() else None


def look(browser, path, shots):
    url = path.resolve().as_uri()
    told = {"views": []}
    for scheme, width, script in VIEWS:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="light" if scheme == "print" else scheme,
            offline=True,
            java_script_enabled=script,
        )
        page = context.new_page()
        if scheme == "print":
            page.emulate_media(media="print")
        console, requests = [], []
        page.on("console", lambda message: console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: console.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(url)
        seen = page.evaluate(SEEN)
        name = f"{scheme}-{width}{'' if script else '-plain'}"
        if shots:
            page.screenshot(path=shots / f"{path.stem}-{name}.png", full_page=True)
        seen["contrast"] = contrast(seen["paper"], seen["ink"])
        seen["palest"] = palest(seen.pop("shapes"), seen.pop("card"))
        seen["name"] = name
        if script and width == WIDE and scheme == "light":
            told.update(page.evaluate(FIGURES))
            told["pointed"] = point(page)
            told["switches"] = choose(page)
            if shots:
                page.pdf(path=shots / f"{path.stem}.pdf", format="A4", margin=dict.fromkeys(
                    ("top", "bottom", "left", "right"), "15mm"))
        if not script and width == WIDE:
            told["switches_without_script"] = choose(page)
        seen["console"] = console
        seen["requests"] = [url_of for url_of in requests if url_of != url]
        told["views"].append(seen)
        context.close()
    return told


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shots", type=pathlib.Path)
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    asked = parser.parse_args()
    if asked.shots:
        asked.shots.mkdir(parents=True, exist_ok=True)
    arguments = QUIET + (["--no-sandbox"] if os.geteuid() == 0 else [])
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        browser = playwright.chromium.launch(
            executable_path=os.environ["FRAMEHAUL_CHROMIUM"],
            args=[*arguments, f"--crash-dumps-dir={profile}"],
        )
        told = {str(path): look(browser, path, asked.shots) for path in asked.pages}
        browser.close()
    json.dump(told, sys.stdout)


main()
