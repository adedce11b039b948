"""Build drawn comics of which nothing is known, and compare the rates of two checkouts, which take turns.

    python benchmarks/whole_builds.py WORK [--other OTHER] [--pages 1000] [--rounds 1] [--json]

WORK is a folder for comics and indexes, OTHER the folder of another checkout. The comics are CBZ files of 25 pages with
drawn panels and lettered balloons; they are made once. Each build runs in a process of its own, with this Python and
default options. Meanwhile the newest generation is looked at twice a second. The table has, for each checkout:

- end: pages a second until the build ends, words included.
- pictures: pages a second until every panel is found by its picture.
- first: seconds until the first panel is found.
- publishing: share of the build in which generations are written, the last one included.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from figures.rows import Figures
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
SIZE = (1000, 1500)
PAGES_PER_BOOK = 25
LEAST_PAGES = 1000
"""Pages from which the rates are compared with their targets."""

_POLL_SECONDS = 0.5
_TEXT = (
    "the lantern went out before anyone came down to the harbour and a sailor asked who had turned the key in that old "
    "door because winter never waits for a bear with a ticket so tell them we were never here at all my friend"
)


@dataclass(frozen=True, slots=True)
class Build:
    """One build.

    seconds, pictures, first: until its end, until all panels and until the first panel were searchable by picture.
    publishing: share of the seconds, None if the report of the build has none.
    """

    seconds: float
    pictures: float
    first: float
    panels: int
    publishing: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--other", type=Path, help="root of the other checkout")
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    given = parser.parse_args()
    small = f"{given.pages:,} pages only" if given.pages < LEAST_PAGES else ""
    figures = Figures("whole_builds", given.json, small)
    comics = draw_comics(given.work / f"comics-{given.pages}", given.pages)
    roots = {"this": ROOT, **({"other": given.other.resolve()} if given.other else {})}
    found: dict[str, list[Build]] = {name: [] for name in roots}
    for _ in range(given.rounds):
        for name, root in roots.items():
            found[name].append(build(root, comics, given.work / f"{name}.index"))
            print(name, found[name][-1], flush=True)
    best = {name: min(builds, key=lambda one: one.seconds) for name, builds in found.items()}
    report(figures, given.pages, best["this"], best.get("other"))
    print_table(given.pages, figures)


def report(figures: Figures, pages: int, this: Build, other: Build | None) -> None:
    """Add the rates and times of both checkouts."""
    name = "the other checkout"
    for title, what in (
        ("pages until the end of a build", "seconds"),
        ("pages until all pictures are searchable", "pictures"),
    ):
        theirs = None if other is None else pages / getattr(other, what)
        figures.add(title, pages / getattr(this, what), "pages/s", theirs, name)
    figures.add("first panel searchable", this.first, "s", None if other is None else other.first, name)
    if this.publishing is None:
        figures.not_run("publishing, share of a build", "the build reported no seconds of its stages")
    else:
        figures.add("publishing, share of a build", this.publishing, "", other and other.publishing, name)


def print_table(pages: int, figures: Figures) -> None:
    """Print the figures as Markdown."""
    print(f"\n| {pages:,} pages | this checkout | the other | ratio |\n|---|---|---|---|")
    for row in figures.rows:
        cells = ("" if value is None else f"{value:.3g}" for value in (row.ours, row.baseline, row.ratio))
        print(f"| {row.name}, {row.unit} | {' | '.join(cells)} |")


# ------------------------------------------------------------------------ builds


def build(root: Path, comics: Path, index: Path) -> Build:
    """Build an index with the code of a checkout, and look at it meanwhile."""
    shutil.rmtree(index, ignore_errors=True)
    command = [sys.executable, "-m", "ui.cli", "build", str(comics), "--index", str(index)]
    options = ["--encoder", "small", "--quiet", "--json"]
    began, seen = time.monotonic(), list[tuple[float, int]]()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*command, *options], cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, stdout=output
        )
        while process.poll() is None:
            time.sleep(_POLL_SECONDS)
            note(seen, time.monotonic() - began, index)
        seconds = time.monotonic() - began
        output.seek(0)
        written = output.read()
    if process.returncode:
        raise SystemExit(f"the build with {root} failed")
    note(seen, seconds, index)
    panels = seen[-1][1]
    pictures = next(when for when, count in seen if count == panels)
    return Build(round(seconds, 1), round(pictures, 1), round(seen[0][0], 1), panels, publishing(written))


def publishing(written: bytes) -> float | None:
    """Return the share of a build that wrote generations, from the JSON that it printed."""
    try:
        seconds = json.loads(written)["seconds"]
        return round(seconds["index"] / seconds["total"], 4)
    except (ValueError, KeyError, TypeError):  # an older version reports something else
        return None


def note(seen: list[tuple[float, int]], when: float, index: Path) -> None:
    """Add the time and the number of panels found by picture, if it has changed."""
    counts = []
    for path in (index / "generations").glob("[0-9]*/manifest.json"):
        try:
            counts.append(int(json.loads(path.read_text())["views"]["picture"]["panels"]))
        except (OSError, ValueError, KeyError):  # being replaced
            continue
    if counts and (not seen or max(counts) != seen[-1][1]):
        seen.append((when, max(counts)))


# ------------------------------------------------------------------------ comics


def draw_comics(folder: Path, pages: int) -> Path:
    """Write the comics, unless they are there."""
    if folder.exists():
        return folder
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for start in range(0, pages, PAGES_PER_BOOK):
        with zipfile.ZipFile(partial / f"Drawn {start // PAGES_PER_BOOK + 1:03}.cbz", "w") as archive:
            for number in range(start, min(pages, start + PAGES_PER_BOOK)):
                archive.writestr(f"{number - start + 1:03}.jpg", draw_page(number))
    partial.rename(folder)
    return folder


def draw_page(number: int) -> bytes:
    """Return a page of two columns and three rows as JPEG: shapes in each panel, a balloon in most."""
    dice = random.Random(number)
    page = Image.new("RGB", SIZE, "white")
    drawing, font = ImageDraw.Draw(page), ImageFont.load_default(24)
    for row in range(3):
        for column in range(2):
            x, y = 30 + 480 * column, 30 + 490 * row
            box = (x, y, x + 460, y + 460)
            drawing.rectangle(box, fill=_colour(dice), outline="black", width=5)
            for _ in range(12):
                points = [(dice.randint(x + 10, x + 450), dice.randint(y + 140, y + 450)) for _ in range(4)]
                drawing.polygon(points, fill=_colour(dice), outline="black")
            if dice.random() < 0.75:
                _balloon(drawing, font, x, y, dice)
    out = io.BytesIO()
    page.save(out, "JPEG", quality=90)
    return out.getvalue()


def _balloon(drawing: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont, x: int, y: int, dice: random.Random) -> None:
    lines = [" ".join(dice.choices(_TEXT.split(), k=5)) for _ in range(dice.randint(1, 3))]
    drawing.ellipse((x + 15, y + 12, x + 445, y + 62 + 34 * len(lines)), fill="white", outline="black", width=3)
    for place, line in enumerate(lines):
        drawing.text((x + 230, y + 52 + 30 * place), line, fill="black", font=font, anchor="mm")


def _colour(dice: random.Random) -> tuple[int, int, int]:
    return dice.randint(60, 250), dice.randint(60, 250), dice.randint(60, 250)


if __name__ == "__main__":
    main()
