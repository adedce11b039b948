"""Measure the panels per second of an encoder, from decoded crops, with and without dialogue.

    python benchmarks/encoder_speed.py [INDEX] [--encoder small] [--panels 640] [--batch-size 32] [--rounds 3]

Reads panels evenly from all books of an index (default: one of the sample comics, with each panel several times if
there are too few), decodes and crops them first, and times only `encode`. The variants run
in turns in one process. The best round of each counts, because other work on the machine can only slow one down.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from figures.material import sample_index
from figures.rows import Figures

from retrieval import PanelIndex, load_encoder
from retrieval.encoder.inputs import resize
from retrieval.encoder.protocol import Encoder, PanelInput

LEAST_PANELS = 300
"""Panels from which the rate is compared with its target."""


def decoded(index: PanelIndex, count: int) -> list[PanelInput]:
    """Return about `count` panels, evenly spread over the index, as input of the encoder."""
    panels = index.browse(k=10**9)
    chosen = panels[:: max(1, len(panels) // count)][:count]
    chosen = (chosen * (count // max(1, len(chosen)) + 1))[:count]
    return [
        PanelInput(resize(index.panel_image(p)), p.dialogue, p.box, p.page_width, p.page_height, p.number)
        for p in chosen
    ]


def rate(encoder: Encoder, panels: Sequence[PanelInput], batch_size: int) -> float:
    """Return the panels encoded per second."""
    started = time.perf_counter()
    encoder.encode(panels, batch_size=batch_size)
    return len(panels) / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index", nargs="?", type=Path)
    parser.add_argument("--encoder", default="small")
    parser.add_argument("--panels", type=int, default=640)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    arguments = parser.parse_args()
    small = f"{arguments.panels} panels only" if arguments.panels < LEAST_PANELS else ""
    figures = Figures("encoder_speed", arguments.json, small)
    encoder = load_encoder(arguments.encoder)
    with (
        tempfile.TemporaryDirectory() as folder,
        PanelIndex.open(arguments.index or sample_index(Path(folder))) as index,
    ):
        panels = decoded(index, arguments.panels)
    with_dialogue = [panel for panel in panels if panel.text]
    variants = {
        "own dialogue": panels,
        "no dialogue": [replace(panel, text="") for panel in panels],
        "only panels with dialogue": with_dialogue,
    }
    rate(encoder, panels[: arguments.batch_size], arguments.batch_size)  # warm
    best = dict.fromkeys(variants, 0.0)
    for _ in range(arguments.rounds):
        for name, variant in variants.items():
            best[name] = max(best[name], rate(encoder, variant, arguments.batch_size) if variant else 0.0)
    words = sum(len(panel.text.split()) for panel in with_dialogue) / max(len(with_dialogue), 1)
    print(
        f"{encoder.name}: {len(panels)} panels, {len(with_dialogue)} with dialogue ({words:.1f} words on average), "
        f"batches of {arguments.batch_size}, {torch.get_num_threads()} threads"
    )
    for name, panels_per_second in best.items():
        ratio = panels_per_second / best["no dialogue"]
        print(f"{name:26} {panels_per_second:7.1f} panels/s  {ratio:.2f} of no dialogue")
    named = f"{arguments.encoder}, panels with their words"
    figures.add(named, best["own dialogue"], "panels/s", best["no dialogue"], "without words")


if __name__ == "__main__":
    main()
