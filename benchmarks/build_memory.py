"""Measure the memory of a build for libraries of several sizes.

    python benchmarks/build_memory.py [--pages 500 4000] [--json]

Builds drawn libraries with an encoder that takes no time. Prints the peak of the building process's memory while it
encodes, without memory that it shares with other processes.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from figures.rows import Figures
from PIL import Image

from index_builder import build_index
from retrieval.encoder.protocol import PanelEmbeddings, PanelInput, QueryInput
from retrieval.encoder.spec import DIMENSION, EncoderSpec
from retrieval.progress import Progress, ProgressCallback, no_progress
from retrieval.records import View


class FreeEncoder:
    """An encoder of valid vectors without meaning."""

    name = fingerprint = "free"
    provisional = False
    spec = EncoderSpec()
    settings: dict[str, Any]

    def __init__(self) -> None:
        self.settings = {}

    def encode(
        self, panels: Sequence[PanelInput], *, batch_size: int = 32, progress: ProgressCallback = no_progress
    ) -> PanelEmbeddings:
        rows = np.zeros((len(panels), DIMENSION), np.float32)
        rows[np.arange(len(panels)), np.arange(len(panels)) % DIMENSION] = 1
        return PanelEmbeddings(rows, rows, rows, np.tile(np.array([1, 0, 0], np.float32), (len(panels), 1)))

    def encode_queries(self, queries: Sequence[QueryInput], view: View) -> Any:
        raise NotImplementedError


def draw_library(folder: Path, pages: int) -> None:
    """Write books of 100 pages with four grey panels on white each; no two files are equal."""
    for number in range(pages):
        page = np.full((900, 600), 255, np.uint8)
        for panel in range(4):
            top, left = 30 + 430 * (panel // 2), 30 + 280 * (panel % 2)
            page[top : top + 400, left : left + 250] = (number * 7 + panel * 50) % 200
        book = folder / f"book {number // 100}"
        book.mkdir(parents=True, exist_ok=True)
        out = io.BytesIO()
        Image.fromarray(page).save(out, "JPEG", quality=60)
        (book / f"{number}.jpg").write_bytes(out.getvalue() + number.to_bytes(8, "big"))


def measure(pages: int) -> None:
    """Build in this process and print the peak of its memory."""
    process, peak = psutil.Process(), 0

    def record_peak(progress: Progress) -> None:
        nonlocal peak
        if progress.stage == "encode":
            peak = max(peak, process.memory_full_info().uss)

    with tempfile.TemporaryDirectory() as name:
        draw_library(Path(name) / "comics", pages)
        report = build_index(
            [Path(name) / "comics"], Path(name) / "an.index", encoder=FreeEncoder(), progress=record_peak, ocr=False
        )
    print(f"{report.pages:7,} pages {report.panels:8,} panels: {peak / 2**20:6.1f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, nargs="+", default=[500, 4000])
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    given = parser.parse_args()
    if len(given.pages) == 1:
        measure(given.pages[0])
        return
    figures = Figures("build_memory", given.json)
    peaks: list[float] = []
    for size in given.pages:  # each in a process of its own, so that the peaks are independent
        done = subprocess.run(
            [sys.executable, __file__, "--pages", str(size)], check=True, stdout=subprocess.PIPE, text=True
        )
        print(done.stdout, end="", flush=True)
        peaks.append(float(done.stdout.split()[-2]))
        figures.add(
            f"{size:,} pages", peaks[-1], "MiB", *((peaks[0], f"{given.pages[0]:,} pages") if peaks[1:] else ())
        )


if __name__ == "__main__":
    main()
