"""Measure how much of the bare network's speed a build keeps, and what bounds it.

    python benchmarks/build_pipeline.py WEIGHTS WORK [--device cuda] [--pages 1000] [--workers 8] [--json]

WEIGHTS is `small`, a published name, a weight file, or `random`: random weights of the shape of v1, as fast. WORK is
a folder for comics and an index. The pages are those of the sample comics in CBZ files, each copied with a comment of
its own, so that none is known. In one process:

- bare: the network, image and text branch and fusion, on tensors that are on the device already.
- decoded panels: `encode`, from pixels and words in memory.
- decoding: pages to panels in the worker processes, without any encoder.
- files: pages decoded in the worker processes and encoded, nothing written.
- build: `build_index` without OCR; its stages are seconds of its main process, in which it waits for others, too.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from figures.material import random_weights
from figures.rows import Figures

import sample_data
from index_builder import build_index
from index_builder.decode.executors import make_executor
from index_builder.decode.records import DecodedPage, DecodeSettings, PageTask
from retrieval import load_encoder
from retrieval.books import DEFAULT_LIMITS
from retrieval.encoder import PanelEncoder, inputs
from retrieval.encoder.protocol import PanelInput
from retrieval.encoder.runtime.base import EncoderRuntime
from retrieval.encoder.runtime.torch_runtime import TorchRuntime, device_name

PAGES_PER_BOOK = 50
LEAST_PAGES = 100
"""Pages from which the rate from files is compared with its target: the first and last batches weigh little."""

BATCHES = 4
"""Batches in one call of `encode`."""

_SECONDS = 4.0
"""Least time of each measurement of the network alone."""


def make_comics(folder: Path, pages: int) -> list[Path]:
    """Write books of `PAGES_PER_BOOK` pages and return their paths."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    originals = [path.read_bytes() for path in sorted(Path(sample_data.__file__).parent.glob("comics/*/*.jpg"))]
    books = []
    for start in range(0, pages, PAGES_PER_BOOK):
        books.append(folder / f"book {start // PAGES_PER_BOOK:04}.cbz")
        with zipfile.ZipFile(books[-1], "w") as book:
            for number in range(start, min(pages, start + PAGES_PER_BOOK)):
                book.writestr(f"{number:06}.jpg", with_comment(originals[number % len(originals)], f"copy {number}"))
    return books


def with_comment(jpeg: bytes, comment: str) -> bytes:
    """Return a JPEG file with a comment (ITU-T T.81, B.2.4.5) after its first marker."""
    text = comment.encode()
    return jpeg[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + jpeg[2:]


def tasks(books: list[Path]) -> Iterator[tuple[None, PageTask]]:
    """Return a task for each page of the books."""
    for book in books:
        with zipfile.ZipFile(book) as members:
            for name in sorted(members.namelist()):
                yield None, PageTask(1, book.name, name, None, None, False)


def decoded(books: list[Path], workers: int) -> Iterator[list[PanelInput]]:
    """Return the panels of each page, decoded in worker processes, with words that differ from panel to panel."""
    settings = DecodeSettings({1: books[0].parent}, DEFAULT_LIMITS)
    with make_executor(workers, settings) as executor:
        for number, (_, page) in enumerate(executor.decode(tasks(books))):
            if not isinstance(page, DecodedPage):
                raise SystemExit(page.reason)
            yield [with_words(panel.input, number) for panel in page.panels or ()]


def with_words(panel: PanelInput, number: int) -> PanelInput:
    """Return a panel with some eleven words of its own, as on real pages; a third of the panels have none."""
    text = "" if number % 3 == 0 else f"she says that number {number} of panel {panel.number} was never here at all"
    return PanelInput(panel.image, text, panel.box, panel.page_width, panel.page_height, panel.number)


# --------------------------------------------------------------------------- sides


def bare_rate(encoder: PanelEncoder, panels: list[PanelInput], batch_size: int) -> float:
    """Return the panels per second of the network on tensors that are on the device."""
    runtime = encoder.runtime
    batch = [panels[i % len(panels)] for i in range(batch_size)]
    if not isinstance(runtime, TorchRuntime):
        return batch_size * calls_per_second(partial(bare_pass, runtime, *bare_input(batch)))
    model, device = runtime.model, runtime.device
    images = torch.from_numpy(inputs.normalize(np.stack([panel.image for panel in batch]))).to(device)
    ids, words = (torch.from_numpy(array).to(device) for array in inputs.tokenize([panel.text for panel in batch]))
    geometry = torch.rand(batch_size, 7, device=device)
    mask = torch.ones(batch_size, 3, device=device)

    @torch.inference_mode()
    def once() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=runtime.precision == "bfloat16"):
            image, text = model.encode_image_only(images), model.encode_text_only(ids, words)
        model.combine(image.float(), text.float(), geometry, mask).fused.sum().item()

    return batch_size * calls_per_second(once)


def bare_input(batch: list[PanelInput]) -> tuple[Any, ...]:
    """Return the arrays of a batch: images, token ids and their mask, geometry, present branches."""
    images = inputs.normalize(np.stack([panel.image for panel in batch]))
    geometry = np.random.default_rng(1).random((len(batch), 7), np.float32)
    return images, *inputs.tokenize([panel.text for panel in batch]), geometry, np.ones((len(batch), 3), np.float32)


def bare_pass(runtime: EncoderRuntime, images: Any, ids: Any, words: Any, geometry: Any, mask: Any) -> None:
    """Run all branches once, as `encode` runs them: with the regions of the images if the encoder has some."""
    picture = runtime.image_regions(images)[:, 0] if runtime.spec.regions else runtime.image(images)
    runtime.fuse(picture, runtime.text(ids, words), geometry, mask)


def calls_per_second(call: Callable[[], object]) -> float:
    """Return how often a call can be made per second; the first two are not counted."""
    for _ in range(2):
        call()
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < _SECONDS:
        call()
        count += 1
    return count / (time.perf_counter() - began)


def from_files(encoder: PanelEncoder | None, books: list[Path], workers: int, batch_size: int) -> tuple[int, float]:
    """Return the number of panels, and their rate, decoded and, with an encoder, encoded.

    As in a build, a batch is encoded while the next one is decoded. The start of the processes is not counted.
    """
    pages = decoded(books, workers)
    batch = list(next(pages))
    began, count = time.perf_counter(), 0
    for page in pages:
        batch += page
        if len(batch) >= batch_size:
            if encoder is not None:
                encoder.encode(batch, batch_size=batch_size)
            count, batch = count + len(batch), []
    return count, count / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights")
    parser.add_argument("work", type=Path)
    parser.add_argument("--device")
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--batch-sizes", default="256")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    given = parser.parse_args()
    small = f"{given.pages} pages only" if given.pages < LEAST_PAGES else ""
    figures = Figures("build_pipeline", given.json, small)
    given.work.mkdir(parents=True, exist_ok=True)
    books = make_comics(given.work / "comics", given.pages)
    weights = random_weights(given.work / "random.pt") if given.weights == "random" else given.weights
    encoder = load_encoder(weights, device=given.device, precision=given.precision)
    on_gpu = str(encoder.device).startswith("cuda")
    network = load_encoder(weights, device=given.device, precision=given.precision, runtime="torch" if on_gpu else None)
    sizes = [int(size) for size in given.batch_sizes.split(",")]
    panels = [panel for page in islice(decoded(books, given.workers), max(sizes) // 4) for panel in page]
    rows = [(f"bare, batches of {size}", bare_rate(network, panels, size)) for size in sizes]
    for size in sizes:
        some = (panels * (BATCHES * size // len(panels) + 1))[: BATCHES * size]
        rate = len(some) * calls_per_second(partial(encoder.encode, some, batch_size=size))
        rows.append((f"decoded panels, batches of {size}", rate))
    rows.append((f"decoding, {given.workers} processes", from_files(None, books, given.workers, sizes[-1])[1]))
    rows.append((f"files, batches of {sizes[-1]}", from_files(encoder, books, given.workers, sizes[-1])[1]))
    began = time.perf_counter()
    report = build_index(
        books, given.work / "index", encoder=encoder, workers=given.workers, ocr="no", batch_size=sizes[-1]
    )
    rows.append(("build", report.encoded / (time.perf_counter() - began)))
    rows.append(("build, encoding stages alone", report.panels_per_second))
    device = device_name(torch.device(str(encoder.device)))
    print(f"{encoder.name} in {encoder.precision} on {device}, {report.pages} pages, {report.panels} panels\n")
    print("| side | panels/s | ratio |\n|---|---|---|")
    for name, rate in rows:
        print(f"| {name} | {rate:,.1f} | {rate / rows[len(sizes) - 1][1]:.3f} |")
    print(f"\n{json.dumps(report.seconds)}")
    named = f"{'v1' if given.weights == 'random' else given.weights}, {encoder.precision}"
    place, bare = "on a GPU" if on_gpu else "on the CPU", rows[len(sizes) - 1][1]
    if encoder.precision != given.precision:
        figures.not_run(f"v1, {given.precision}, from files {place}", f"{device} does not compute in {given.precision}")
    for what, rate in rows[len(sizes) :]:
        side = "from files" if what.startswith("files") else what
        figures.add(f"{named}, {side} {place}", rate, "panels/s", bare, "the bare network")


if __name__ == "__main__":
    main()
