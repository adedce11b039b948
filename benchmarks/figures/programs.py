"""All benchmarks of speed, and the programs of this folder that measure something else."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .targets import TARGETS, Target

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Material:
    """The material of a run. work: folder for libraries and comics. other: root of another checkout, or None."""

    work: Path
    other: Path | None
    quick: bool


Need = Callable[[Material], str]
"""Returns why a benchmark cannot run, "" if it can."""


def _other(material: Material) -> str:
    if material.other is None:
        return "needs another checkout: name it with --other"
    return "" if (material.other / "ui").is_dir() else f"{material.other} is no checkout of Panelseek"


def _comics(_: Material) -> str:
    folder = Path(os.environ.get("PANELSEEK_COMICS", ROOT.parent / "shared" / "data" / "comics"))
    if not folder.is_dir() or next(folder.rglob("*.json"), None) is None:
        return f"no annotated comics in {folder}: set PANELSEEK_COMICS"
    return ""


def _gpu(_: Material) -> str:
    import torch

    return "" if torch.cuda.is_available() else "no GPU that torch can use"


def _browser(_: Material) -> str:
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed"
    return "" if shutil.which("chromium") else "chromium is not installed"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One run of a program.

    - name: on the command line. title: what it measures. program: its file, without the extension.
    - arguments, quick: of the program, for the targets' sizes and for a try of at most some minutes. `{work}` is the
      work folder, `{other}` the other checkout. An argument with `{other}` is left out without one.
    - figures: names of its figures with a target, for the rows of a run that cannot begin or fails.
    - needs: what must be there. threads: OMP_NUM_THREADS of the program, None if a user's commands are
      measured, which choose for themselves. minutes: roughly, of a full run on two cores.
    """

    name: str
    title: str
    program: str
    minutes: float
    arguments: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    threads: int | None = 2

    def command(self, material: Material) -> list[str]:
        """Return the path of the program and its arguments."""
        values = {"work": str(material.work), "other": str(material.other)}
        chosen = self.quick if material.quick else self.arguments
        given = [each.format(**values) for each in chosen if material.other or "{other}" not in each]
        return [str(self.path), *given, "--json"]

    @property
    def path(self) -> Path:
        """Return the file of the program."""
        return ROOT / "benchmarks" / f"{self.program}.py"

    @property
    def targets(self) -> dict[str, Target]:
        """Return the targets of the program, by figure."""
        return TARGETS.get(self.program, {})

    def obstacle(self, material: Material) -> str:
        """Return why it cannot run, "" if it can."""
        return next((reason for need in self.needs if (reason := need(material))), "")


def _figures(program: str, without: str = "") -> tuple[str, ...]:
    return tuple(name for name in TARGETS[program] if not without or without not in name)


_OF_14 = tuple(name for name in TARGETS["large_library"] if "14 vectors" in name)
_TINY = ("--panels", "20000", "--queries", "60")

BENCHMARKS = (
    Benchmark(
        "command-line", "commands, each in a new process", "command_line", 1,
        ("{other}", "--rounds", "5"), ("{other}", "--rounds", "1"), _figures("command_line"), threads=None,
    ),
    Benchmark(
        "small", "the encoder small, with and without words", "encoder_speed", 1,
        ("--panels", "640"), ("--panels", "64", "--rounds", "1"), _figures("encoder_speed"),
    ),
    Benchmark(
        "precisions", "the image branch of v1's shape in every runtime and precision", "encoder_precisions", 3,
        ("random", "--panels", "32", "--work", "{work}"),
        ("random", "--panels", "8", "--batch-size", "8", "--rounds", "1", "--work", "{work}"),
        _figures("encoder_precisions"),
    ),
    Benchmark(
        "v1-cpu", "v1's shape in bfloat16, from files, on the CPU", "build_pipeline", 8,
        ("random", "{work}/pipeline", "--device", "cpu", "--pages", "200", "--workers", "2", "--batch-sizes", "32"),
        ("random", "{work}/pipeline", "--device", "cpu", "--pages", "16", "--workers", "2", "--batch-sizes", "8"),
        (_figures("build_pipeline")[0],),
    ),
    Benchmark(
        "v1-gpu", "v1's shape in bfloat16, from files, on a GPU", "build_pipeline", 5,
        ("random", "{work}/pipeline", "--device", "cuda", "--pages", "2000", "--workers", "15"),
        ("random", "{work}/pipeline", "--device", "cuda", "--pages", "200", "--workers", "15"),
        (_figures("build_pipeline")[1],), (_gpu,), threads=1,
    ),
    Benchmark(
        "ocr", "OCR of annotated pages, compared with RapidOCR", "ocr_engines", 10,
        (), ("--every", "32", "--memory-pages", "2"), _figures("ocr_engines"), (_comics,), threads=1,
    ),
    Benchmark(
        "panel-detection", "panel detection on annotated pages", "panel_detector", 1,
        (), ("--only", "buster"), needs=(_comics,), threads=1,
    ),
    Benchmark(
        "vectors", "the index part of a search, FAISS, LanceDB and an exhaustive search", "vector_search", 5,
        (), ("--vectors", "20000", "--queries", "100"),
    ),
    Benchmark("facets", "facets of 100,000 panels", "facets", 2, (), ("--panels", "10000")),
    Benchmark(
        "words", "words and facets with any filter, in a catalog of a million panels", "words_and_filters", 20,
        ("{work}/catalogs",), ("{work}/catalogs", "--panels", "2000", "--questions", "4", "--plain", "1"),
        _figures("words_and_filters"),
    ),
    Benchmark("memory", "memory of a build", "build_memory", 10, (), ("--pages", "100", "200")),
    Benchmark(
        "unchanged", "builds of 100,000 pages again", "unchanged_pages", 12,
        ("--keep", "{work}/unchanged-100000"), ("--pages", "500", "--keep", "{work}/unchanged-500"),
    ),
    Benchmark(
        "served", "picture queries and many clients, over 100,000 panels", "served_library", 12,
        ("{work}/served-100000.index",),
        ("{work}/served-2000.index", "--panels", "2000", "--seconds", "4"), _figures("served_library"), threads=None,
    ),
    Benchmark(
        "growing", "64 clients while books are added", "clients", 12,
        ("{work}/growing", "--again", "--questions", "60"),
        ("{work}/growing", "--again", "--questions", "12", "--seconds", "5", "--clients", "8"), threads=None,
    ),
    Benchmark(
        "web-app", "the web app in a browser, over 100,000 panels", "page_speed", 6,
        ("{work}/served-100000.index",),
        ("{work}/served-2000.index", "--panels", "2000", "--repeat", "2", "--load", "30"), needs=(_browser,),
        threads=None,
    ),
    Benchmark(
        "map-frames", "frames of the map in a browser", "map_frames", 4,
        ("{work}/map-50000.index",), ("{work}/map-2000.index", "--panels", "2000", "--seconds", "1"), needs=(_browser,),
        threads=None,
    ),
    Benchmark(
        "builds", "whole builds of 1,000 drawn pages, compared with another checkout", "whole_builds", 60,
        ("{work}/builds", "--other={other}"), ("{work}/builds", "--other={other}", "--pages", "25"),
        _figures("whole_builds"), threads=None,
    ),
    Benchmark(
        "checkouts", "searches, compared with another checkout", "compare_checkouts", 5,
        ("{other}",), ("{other}", "--rounds", "1"), needs=(_other,), threads=1,
    ),
    Benchmark(
        "library-1m", "a library of a million panels with 1 vector each", "large_library", 60,
        ("{work}", "--lancedb"), ("{work}", *_TINY, "--lancedb"), _figures("large_library", without="14 vectors"),
    ),
    Benchmark(
        "library-100k-14", "a library of 100,000 panels with 14 vectors each", "large_library", 30,
        ("{work}", "--panels", "100000", "--vectors", "14", "--lancedb"), ("{work}", *_TINY, "--vectors", "14"),
    ),
    Benchmark(
        "library-1m-14", "a library of a million panels with 14 vectors each", "large_library", 300,
        ("{work}", "--vectors", "14"), ("{work}", *_TINY, "--vectors", "14"), _OF_14,
    ),
)  # fmt: skip
"""All benchmarks, the quick ones first."""

OTHER_PROGRAMS = {
    "all": "runs the benchmarks",
    "annotated_pages": "module of the programs over annotated pages",
    "attacks": "attacks on the server",
    "crash_states": "power cuts",
    "damaged_index": "damaged indexes",
    "dialogue": "accuracy of OCR text",
    "disk_errors": "errors of the disk",
    "image_search": "parts of a search by image",
    "kills": "killed commands",
    "many_people": "answers to many people at once",
    "mutated_files": "damaged books",
    "mutated_questions": "odd questions",
    "page_variants": "module of `panel_detector.py`",
    "relevance": "weights of the relevance, and how well they hold",
}
"""Programs and modules of the folder that measure no speed, and what they are for."""
