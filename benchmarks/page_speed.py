"""Measure the web app in a browser over a large library: time until it is usable and until the first result, and load.

    python benchmarks/page_speed.py FOLDER [--panels 100000] [--regions 13] [--repeat 7] [--load 1000] [--json]

FOLDER gets a synthetic library, kept for the next run: clustered vectors, dialogues of five words, and thumbnails.
`panelseek serve` serves it with the encoder `small`, which really encodes the queries. Three times are measured from
the key press or the upload: until the request leaves the browser, until its response arrives, and until the first
result is on screen with its thumbnail. `search` is the time of the search itself, reported by the server. Then 8
clients search at once, and memory, threads and files of the server are compared before and after.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from figures.rows import Figures
from web_app.browser import measure_browser
from web_app.library import make_library
from web_app.load import measure_load
from web_app.server import served


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--panels", type=int, default=100_000)
    parser.add_argument("--regions", type=int, default=13)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--load", type=int, default=1_000)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    arguments = parser.parse_args()
    figures = Figures("page_speed", arguments.json)
    make_library(arguments.folder, arguments.panels, arguments.regions)
    with served(arguments.folder) as (url, process):
        results: dict[str, Any] = {"panels": arguments.panels, "regions": arguments.regions}
        results |= measure_browser(url, arguments.repeat)
        results["load"] = measure_load(url, process, arguments.load)
    print(json.dumps(results, indent=1))
    figures.add("usable after opening", min(results["usable after s"]), "s")
    for name, kind in (("words", "text"), ("a picture", "image")):
        times = results[kind]["median ms"]
        shown, searched = times["first result"], times["search"]
        figures.add(f"first result on screen, {name}", shown, "ms", searched, "the search alone")
    figures.add("queries answered, eight at a time", results["load"]["per second"], "answers/s")


if __name__ == "__main__":
    main()
