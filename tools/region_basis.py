"""Compute the basis on which an index stores the region vectors of `small`, from those of indexes without a basis.

    cp retrieval/encoder/weights/small.safetensors /tmp/plain.safetensors
    panelseek build sample_data ~/comics --index my.index --encoder /tmp/plain.safetensors --no-ocr
    python tools/region_basis.py --index my.index --leave-out abstruse --leave-out ubunchu

Weights without a basis next to them have region vectors stored as float16. The basis is written next to the weights of
`small`, and its SHA-256 into their card. Books with a text of --leave-out in their title or path are not used: the
printed figures are measured on their panels alone. No picture of a comic is in the file. `panelseek train` computes the
basis of its encoder by itself.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval import PanelIndex
from retrieval.encoder.weight_files import WEIGHTS, basis_file, basis_path, sha256
from retrieval.files import replace_file
from retrieval.store.region_basis import kept_cosines, principal_directions
from retrieval.store.vectors import VectorStore

SMALL = WEIGHTS / "small.safetensors"

_BLOCK = 1_000
"""Panels whose region vectors are read at once."""

Panels = list[tuple[VectorStore, NDArray[np.int64]]]
"""Vector rows of panels, each with the vectors of their index."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, action="append", required=True, help="use the panels of this index")
    parser.add_argument("--leave-out", action="append", default=[], help="measure on books with this in title or path")
    given = parser.parse_args()
    used, others = panels(given.index, given.leave_out)
    basis = principal_directions(vectors(used))
    content, path = basis_file(basis, [sha256(SMALL)]), basis_path(SMALL)
    replace_file(path, lambda partial: partial.write_bytes(content))
    about = {
        "sha256": sha256(path),
        "recipe": "tools/region_basis.py",
        "directions": len(basis),
        "panels": sum(len(rows) for _, rows in used),
        "left_out": given.leave_out,
    }
    card = WEIGHTS / "small.json"
    written = json.loads(card.read_text(encoding="utf-8")) | {"region_basis": about}
    card.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(basis)} directions from {about['panels']:,} panels")
    found = kept_cosines(vectors(others), basis)
    if len(found):
        figures = f"mean {found.mean():.5f}, 1st percentile {np.percentile(found, 1):.5f}, least {found.min():.5f}"
        print(f"cosine of {len(found):,} region vectors of other panels with their stored form: {figures}")


def panels(folders: list[Path], leave_out: list[str]) -> tuple[Panels, Panels]:
    """Return the panels of books to use, and those of books to measure on."""
    used: Panels = []
    others: Panels = []
    for folder in folders:
        with PanelIndex.open(folder) as index:
            store = index.vector_store
            if not store.regions or store.basis:
                sys.exit(f"{folder} has no region vectors as float16; build it as --help says")
            found: dict[bool, list[int]] = {True: [], False: []}
            for panel in index.browse(k=1_000_000):
                name = f"{panel.book} {panel.page_path}".casefold()
                found[any(text.casefold() in name for text in leave_out)].append(panel.vector_row)
            used.append((store, np.array(found[False], np.int64)))
            others.append((store, np.array(found[True], np.int64)))
    return used, others


def vectors(chosen: Panels) -> Iterator[NDArray[np.float32]]:
    """Yield the (N, 512) region vectors of panels in blocks."""
    for store, rows in chosen:
        for start in range(0, len(rows), _BLOCK):
            yield store.read_regions(rows[start : start + _BLOCK])


if __name__ == "__main__":
    main()
