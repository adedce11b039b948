"""Speed, accuracy and memory of the OCR engine, compared with RapidOCR's own pipeline in ONNX Runtime.

    pip install onnxruntime
    python benchmarks/ocr_engines.py --markdown

The pages and the measure of accuracy are those of `dialogue.py`. All engines read every page in turn in one process,
with one thread each, and their seconds are CPU time of the process. `--every 8` takes every eighth page. Without
ONNX Runtime the other engine is left out.

Memory is that of a new process: what an engine adds until it has read `--memory-pages` pages. `--workers` measures
pages a second, in wall time, with one and two processes of one thread. It says little on a busy machine.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import psutil
import rapidocr
from annotated_pages import comics_folder, or_whole_page
from dialogue import Page, TextScores, compare, english_pages, run
from figures.rows import Figures
from numpy.typing import NDArray

from index_builder.dialogue.lines import Line
from index_builder.dialogue.ocr_engine import OcrEngine
from index_builder.dialogue.tiles import recognize_tiles
from index_builder.panels import detect_panels
from retrieval.images.decode import open_image

MIB = 1 << 20


class Engine(Protocol):
    """An engine that reads one page at a time."""

    def recognize(self, page: NDArray[np.uint8]) -> list[Line]: ...


class RapidOcrPipeline:
    """RapidOCR's own pipeline with ONNX Runtime: the engine of panelseek before OpenVINO."""

    def __init__(self, threads: int) -> None:
        models = Path(rapidocr.__file__).parent / "models"
        self._ocr = rapidocr.RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.use_cls": False,
                "Global.max_side_len": 1_000_000,
                "Global.text_score": 0.3,
                "Det.box_thresh": 0.4,
                "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
                "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def recognize(self, page: NDArray[np.uint8]) -> list[Line]:
        """Return the lines of a page, (H, W, 3) uint8 RGB, in page pixels."""
        return recognize_tiles(page, self._recognize)

    def _recognize(self, image: NDArray[np.uint8]) -> list[Line]:
        output: Any = self._ocr(image[:, :, ::-1])
        if not output.txts:
            return []
        rows = zip(output.boxes.tolist(), output.txts, output.scores, strict=True)
        return [Line(tuple((x, y) for x, y in corners), text, float(score)) for corners, text, score in rows]


BASELINE = "RapidOCR, ONNX Runtime"
ENGINES: dict[str, Callable[[int], Engine]] = {
    **({BASELINE: RapidOcrPipeline} if importlib.util.find_spec("onnxruntime") else {}),
    "panelseek, float32": partial(OcrEngine, precision="float32"),
    "panelseek, bfloat16": partial(OcrEngine, precision="bfloat16"),
}


@dataclass
class Measured:
    """Accuracy of one engine, and its seconds of CPU time."""

    seconds: float = 0.0
    scores: TextScores = field(default_factory=TextScores)


def read_alternately(pages: list[Page]) -> dict[str, Measured]:
    """Let all engines read every page; the engine that begins changes from page to page."""
    engines: dict[str, Engine] = {name: engine(1) for name, engine in ENGINES.items()}
    measured = {name: Measured() for name in ENGINES}
    for number, page in enumerate(pages):
        image = np.asarray(open_image(page.path))
        detected = or_whole_page(detect_panels(image).boxes, image)
        for name in list(ENGINES)[:: 1 if number % 2 else -1]:
            started = time.process_time()
            lines = engines[name].recognize(image)
            measured[name].seconds += time.process_time() - started
            stored = [Line.from_row(line.as_row()) for line in lines]  # as in the cache
            measured[name].scores.add(compare(page, stored, detected, (image.shape[1], image.shape[0])))
    return measured


def memory(name: str, pages: list[Page]) -> dict[str, float]:
    """Return the MiB that an engine adds to this process: loaded, and after reading pages."""
    images = [np.asarray(open_image(page.path)) for page in pages]
    process = psutil.Process()
    before = process.memory_info().rss
    engine: Engine = ENGINES[name](1)
    loaded = process.memory_info().rss
    for image in images:
        engine.recognize(image)
    after = process.memory_info().rss
    return {"loaded, MiB": (loaded - before) // MIB, "after reading, MiB": (after - before) // MIB}


def in_new_process(name: str, pages: list[Page]) -> dict[str, float]:
    """Return `memory` measured in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        return executor.submit(memory, name, pages).result()


def read_page(path: Path) -> None:
    """Read one page with this process's engine."""
    global _engine
    if _engine is None:
        cv2.setNumThreads(1)
        _engine = OcrEngine(1)
    _engine.recognize(np.asarray(open_image(path)))


_engine: OcrEngine | None = None


def pages_per_second(workers: int, pages: list[Page]) -> float:
    """Return pages a second of several processes, which have loaded their engines before."""
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as executor:
        list(executor.map(read_page, [pages[0].path] * 4 * workers))
        started = time.perf_counter()
        list(executor.map(read_page, [page.path for page in pages]))
        return len(pages) / (time.perf_counter() - started)


def tables(arguments: argparse.Namespace) -> dict[str, dict[str, dict[str, float]]]:
    """Return the rows of each table by name."""
    pages = list(english_pages(comics_folder().resolve(), arguments.only))[:: arguments.every]
    measured = read_alternately(pages)
    first = next(iter(measured.values())).seconds
    speed = {
        name: {
            "pages": len(pages),
            "s a page": round(each.seconds / len(pages), 3),
            "ratio": round(each.seconds / first, 3),
        }
        for name, each in measured.items()
    }
    result: dict[str, dict[str, dict[str, float]]] = {"speed": speed}
    result["words"] = {name: each.scores.as_dict() for name, each in measured.items()}
    result["memory"] = {name: in_new_process(name, pages[: arguments.memory_pages]) for name in ENGINES}
    if arguments.workers:
        rates = {f"{n} workers, pages a second": round(pages_per_second(n, pages), 2) for n in (1, 2)}
        result["workers"] = {"panelseek": rates}
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="use only pages with this in their path")
    parser.add_argument("--every", type=int, default=1, help="use only every n-th page")
    parser.add_argument("--memory-pages", type=int, default=10, help="pages to read before memory is measured")
    parser.add_argument("--workers", action="store_true", help="measure pages a second with one and two processes")
    run(parser, tables, report)


def report(arguments: argparse.Namespace, result: dict[str, dict[str, dict[str, float]]]) -> None:
    """Print the rows of the faster precision, which is the one that a build takes."""
    part = bool(arguments.only) or arguments.every > 1
    figures = Figures("ocr_engines", as_json=True, small="a part of the pages only" if part else "")
    own = {name: row["s a page"] for name, row in result["speed"].items() if name != BASELINE}
    name = min(own, key=lambda each: own[each])
    absent = "" if BASELINE in result["speed"] else "no baseline: onnxruntime is not installed"
    other = {table: result[table].get(BASELINE, {}) for table in result}
    figures.add("OCR of a page on one core", own[name], "s", other["speed"].get("s a page"), BASELINE, absent)
    for what in ("recall", "precision"):
        figures.add(f"OCR, {what} of words", result["words"][name][what], "", other["words"].get(what), BASELINE)
    added = "after reading, MiB"
    figures.add("OCR, memory that an engine adds", result["memory"][name][added], "MiB", other["memory"].get(added))


if __name__ == "__main__":
    main()
