"""The basis of an encoder's region vectors: the directions in which those of many panels differ, and their mean.

An index stores region vectors as coordinates on it, in a fifth of the space of float16.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from retrieval.encoder import PanelEncoder, load_encoder
from retrieval.encoder.spec import DIMENSION
from retrieval.encoder.weight_files import basis_file, basis_path, sha256
from retrieval.progress import ProgressCallback, StageProgress
from retrieval.store.region_basis import kept_cosines, principal_directions
from retrieval.training.card import MODEL
from retrieval.training.data.library import PageEntry, Split
from retrieval.training.data.page_batches import PageReader
from retrieval.training.files import replace_file

log = logging.getLogger("panelseek")

Floats = NDArray[np.float32]

LEAST_MEAN_COSINE = 0.998
"""Mean cosine of a region vector with its stored form, over panels that the basis was not computed from. With less, as
from too few panels, there is no basis."""

MOST_PAGES = 1_000
"""Pages that a basis is computed from, about 5,000 panels: further ones change it little."""


def write_region_basis(
    folder: Path,
    reader: PageReader,
    split: Split,
    device: torch.device,
    progress: ProgressCallback,
    stop: Callable[[], bool],
) -> float | None:
    """Write the basis of a trained encoder next to its weights; return the mean cosine that it keeps.

    It is measured on the validation pages, or else on every fifth page, from which the basis is not computed. None, and
    no file, if it is below `LEAST_MEAN_COSINE`. Raises KeyboardInterrupt once `stop` returns True.
    """
    weights = folder / f"{MODEL}.safetensors"
    encoder = load_encoder(weights, device=device, precision="float32")
    basis_path(weights).unlink(missing_ok=True)
    pages, measured = list(split.training[:MOST_PAGES]), list(split.validation[:MOST_PAGES])
    if not measured:
        pages, measured = [page for n, page in enumerate(pages) if n % 5], pages[::5]
    report = StageProgress(progress, "region basis", "batches", reader.count(pages) + reader.count(measured))
    done = 0

    def step() -> None:
        nonlocal done
        if stop():
            raise KeyboardInterrupt
        done += 1
        report(done)

    basis = principal_directions(region_vectors(encoder, reader, pages, step))
    cosines = kept_cosines(region_vectors(encoder, reader, measured, step), basis)
    kept = float(cosines.mean()) if len(cosines) else 0.0
    if kept < LEAST_MEAN_COSINE:
        log.info("no basis for the region vectors: mean cosine %.4f; they are stored as float16", kept)
        return None
    digests = [sha256(weights), sha256(weights.with_suffix(".pt"))]
    replace_file(basis_path(weights), lambda partial: partial.write_bytes(basis_file(basis, digests)))
    return kept


def region_vectors(
    encoder: PanelEncoder, reader: PageReader, pages: Sequence[PageEntry], step: Callable[[], None] = lambda: None
) -> Iterator[Floats]:
    """Yield (N, 512) unit region vectors of the panels of each batch of pages; call `step` after each batch."""
    for batch in reader.batches(pages):
        if batch is not None:
            images = batch.panels["images"][batch.real].numpy()
            vectors = encoder.runtime.unit(encoder.runtime.image_regions(images))
            yield vectors[:, 1:].reshape(-1, DIMENSION)
        step()
