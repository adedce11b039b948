"""Measure an encoder in every runtime and precision: panels per second, and how near its vectors are to float32.

    python benchmarks/encoder_precisions.py WEIGHTS [--panels 32] [--rounds 3] [--without-torch] [--json]

WEIGHTS is `small`, a published name, a weight file, or `random`: random weights of v1's shape, written to --work. The
panels are those of the sample comics, decoded first; only the image branch is timed. All variants run in turn in one
process, and the best round of each counts. The first one, torch in float32, is what the ratios and cosines of the
table refer to. int8 is calibrated on the panels that follow the timed ones. Times are those of the processor, over all
threads, so that other work on the machine counts less. Prints a table for docs/measured.md.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from figures.material import random_weights
from figures.rows import Figures

import sample_data
from index_builder.panels import detect_panels
from retrieval import load_encoder
from retrieval.encoder import PanelEncoder
from retrieval.encoder.inputs import normalize, resize
from retrieval.encoder.runtime.base import Floats
from retrieval.encoder.runtime.int8_calibration import LEAST_PANELS, calibrate
from retrieval.encoder.runtime.int8_ranges import FILE
from retrieval.encoder.runtime.openvino_runtime import has_vnni
from retrieval.images.decode import open_image

Variant = tuple[str, str]
"""A runtime and a precision."""

VARIANTS: tuple[Variant, ...] = (
    ("torch", "float32"),
    ("torch", "bfloat16"),
    ("openvino", "float32"),
    ("openvino", "bfloat16"),
    ("openvino", "int8"),
)
REFERENCE = ("openvino", "float32")
"""The default on a CPU without bfloat16; the ratios of the JSON rows refer to it."""


def panel_images(count: int) -> Floats:
    """Return `count` panels of the sample comics, normalised, (P, 3, S, S)."""
    pages = sorted(Path(sample_data.__file__).parent.glob("comics/*/*.jpg"))
    return normalize(np.stack(list(islice(_panels(pages), count))))


def _panels(pages: list[Path]) -> Iterator[np.ndarray]:
    for path in pages:
        page = open_image(path.read_bytes())
        for box in detect_panels(np.asarray(page)).boxes:
            yield resize(page.crop((int(box.x), int(box.y), int(box.x + box.w), int(box.y + box.h))))


def seconds(encoder: PanelEncoder, images: Floats, batch_size: int) -> float:
    """Return the seconds of the processor that the image branch takes for all images."""
    began = time.process_time()
    for start in range(0, len(images), batch_size):
        encoder.runtime.image(images[start : start + batch_size])
    return time.process_time() - began


def make_encoders(weights: str, variants: Sequence[Variant], others: Floats) -> dict[Variant, PanelEncoder]:
    """Return the encoder of each variant that the weights have. others: panels to calibrate int8 on."""
    encoders = {}
    for runtime, precision in variants:
        if precision != "int8":
            encoders[runtime, precision] = load_encoder(weights, device="cpu", runtime=runtime, precision=precision)
        elif weights != "small":
            ranges = calibrate(encoders["openvino", "float32"].runtime, others).ranges
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / FILE
                file.write_bytes(ranges.content)
                encoders[runtime, precision] = load_encoder(
                    weights, device="cpu", runtime=runtime, precision=precision, calibration=file
                )
    return encoders


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights")
    parser.add_argument("--panels", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path(), help="folder for random weights")
    parser.add_argument("--without-torch", action="store_true", help="leave torch out")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    given = parser.parse_args()
    figures = Figures("encoder_precisions", given.json, f"{given.panels} panels only" if given.panels < 32 else "")
    weights = random_weights(given.work / "random.pt") if given.weights == "random" else given.weights
    images, others = np.split(panel_images(given.panels + 2 * LEAST_PANELS), [given.panels])
    variants = [variant for variant in VARIANTS if not (given.without_torch and variant[0] == "torch")]
    encoders = make_encoders(str(weights), variants, others)
    vectors = {}
    for variant, encoder in encoders.items():  # also warms each one up
        vectors[variant] = encoder.runtime.unit(encoder.runtime.image(images[: given.batch_size]))
    best = dict.fromkeys(encoders, float("inf"))
    for _ in range(given.rounds):
        for variant, encoder in encoders.items():
            best[variant] = min(best[variant], seconds(encoder, images, given.batch_size))
    first = variants[0]
    print(f"{len(images)} panels, batches of {given.batch_size}; VNNI: {has_vnni()}\n")
    print("| runtime | precision | panels/s | ratio | least cosine |")
    print("|---|---|---|---|---|")
    for variant, encoder in encoders.items():
        cosine = float((vectors[variant] * vectors[first]).sum(axis=1).min())
        rate, ratio = len(images) / best[variant], best[first] / best[variant]
        print(f"| {variant[0]} | {encoder.precision} | {rate:.1f} | {ratio:.2f} | {cosine:.5f} |")
    rates = {variant: len(images) / best[variant] for variant, encoder in encoders.items()
             if encoder.precision == variant[1]}  # fmt: skip
    report(figures, "v1" if given.weights == "random" else given.weights, rates)


def report(figures: Figures, weights: str, rates: dict[tuple[str, str], float]) -> None:
    """Add the rates of all variants that the CPU computes in, with float32 of OpenVINO as their baseline."""
    for runtime, precision in VARIANTS:
        name = f"{weights}, {precision}" + (", torch" if runtime == "torch" else "")
        if (runtime, precision) not in rates:
            figures.not_run(name, f"this CPU does not compute in {precision}")
        elif (runtime, precision) != REFERENCE:
            figures.add(name, rates[runtime, precision], "panels/s", rates[REFERENCE], "float32 of OpenVINO")


if __name__ == "__main__":
    main()
