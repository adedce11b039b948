"""How many panels a second an encoder takes, from decoded crops: with their own words, and without any.

    python benchmarks/encoder_speed.py INDEX [--encoder small] [--panels 640] [--batch-size 32] [--rounds 3]

Reads panels of an index evenly from all its books, decodes and crops them first, and times `encode` alone. Both sides
run in turns in one process; the best round of each counts, because other work on the machine only ever slows one down.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace

import torch

from retrieval import PanelIndex, load_encoder
from retrieval.encoder.inputs import resize
from retrieval.encoder.protocol import Encoder, PanelInput


def decoded(index: PanelIndex, count: int) -> list[PanelInput]:
    """About `count` panels, evenly spread over the index, as the encoder takes them."""
    panels = index.browse(k=10**9)
    chosen = panels[:: max(1, len(panels) // count)][:count]
    return [
        PanelInput(resize(index.panel_image(p)), p.dialogue, p.box, p.page_width, p.page_height, p.number)
        for p in chosen
    ]


def rate(encoder: Encoder, panels: Sequence[PanelInput], batch_size: int) -> float:
    """Panels a second."""
    started = time.perf_counter()
    encoder.encode(panels, batch_size=batch_size)
    return len(panels) / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index")
    parser.add_argument("--encoder", default="small")
    parser.add_argument("--panels", type=int, default=640)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    encoder = load_encoder(asked.encoder)
    with PanelIndex.open(asked.index) as index:
        panels = decoded(index, asked.panels)
    said = [panel for panel in panels if panel.text]
    sides = {
        "own words": panels,
        "no words": [replace(panel, text="") for panel in panels],
        "only panels with words": said,
    }
    rate(encoder, panels[: asked.batch_size], asked.batch_size)  # warm
    best = dict.fromkeys(sides, 0.0)
    for _ in range(asked.rounds):
        for name, some in sides.items():
            best[name] = max(best[name], rate(encoder, some, asked.batch_size) if some else 0.0)
    words = sum(len(panel.text.split()) for panel in said) / max(len(said), 1)
    print(
        f"{encoder.name}: {len(panels)} panels, {len(said)} with words ({words:.1f} each on average), "
        f"batches of {asked.batch_size}, {torch.get_num_threads()} threads"
    )
    for name, found in best.items():
        print(f"{name:24} {found:7.1f} panels/s  {found / best['no words']:.2f} of no words")


if __name__ == "__main__":
    main()
