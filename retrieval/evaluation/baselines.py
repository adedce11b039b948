"""Simpler methods on the same queries, to compare the encoder with."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retrieval.encoder.inputs import resize
from retrieval.errors import PictureError, SourceError
from retrieval.evaluation.dialogue import TextSearcher, first_ids, panels_with_dialogue
from retrieval.evaluation.metrics import DEPTH
from retrieval.evaluation.pictures import PictureSearcher, Pixels, Ranking
from retrieval.progress import ProgressCallback, StageProgress
from retrieval.records import Panel
from retrieval.search.open_index import OpenIndex
from retrieval.store.catalog.text import normalise, tokens
from retrieval.store.scoring import top

if TYPE_CHECKING:
    from retrieval.encoder import PanelFeatureExtractor

Floats = NDArray[np.float32]
Describe = Callable[[Sequence[Pixels]], Floats]
"""Function of (H, W, 3) uint8 RGB pictures to (N, D) float32 unit rows."""

HASH, HISTOGRAM, GRID, UNTRAINED = "perceptual hash", "colour histogram", "12 x 12 grid", "untrained network"
BM25, MINILM = "BM25 (FTS5)", "MiniLM cosine"

MAX_PANELS = 20_000
"""Largest library for image baselines: they decode every panel."""

_BATCH = 32
"""Panels or texts processed together."""


# ----------------------------------------------------------------------- images


class BaselineIndex:
    """Descriptors of a library's panels, compared with a query's by cosine."""

    def __init__(self, name: str, describe: Describe, ids: NDArray[np.int64], rows: Floats) -> None:
        self.name = name
        self._describe = describe
        self._ids = ids
        self._rows = rows

    def search(self, pictures: Sequence[Pixels]) -> list[Ranking]:
        """Return the first panels for each picture."""
        scores = self._describe(pictures) @ self._rows.T
        return [[(int(self._ids[i]), float(row[i])) for i in top(row, self._ids, DEPTH + 1)] for row in scores]


def image_baselines(
    index: OpenIndex, seed: int, untrained: bool, progress: ProgressCallback
) -> tuple[list[PictureSearcher], list[str]]:
    """Return (baselines, notes). Decodes every panel of the library once."""
    total = index.count()
    if total > MAX_PANELS:
        return [], [f"image baselines are not run: the library has more than {MAX_PANELS:,} panels"]
    methods: dict[str, Describe] = {HISTOGRAM: histograms, GRID: grids}
    notes = []
    if find_spec("imagehash"):
        methods = {HASH: hashes, **methods}
    else:
        notes.append("the perceptual hash is not run: pip install 'panelseek[evaluate]'")
    network, note = untrained_network(index, seed, untrained)
    if network is not None:
        methods[UNTRAINED] = network
    notes += [note] if note else []
    ids: list[int] = []
    rows: dict[str, list[Floats]] = {name: [] for name in methods}
    for panels, pictures in _library(index, total, progress):
        ids += [panel.id for panel in panels]
        for name, describe in methods.items():
            rows[name].append(describe(pictures))
    all_ids = np.array(ids, np.int64)
    return [BaselineIndex(n, d, all_ids, np.concatenate(rows[n])) for n, d in methods.items() if rows[n]], notes


def _library(index: OpenIndex, total: int, progress: ProgressCallback) -> Iterator[tuple[list[Panel], list[Pixels]]]:
    """Yield every panel that can be read, page by page, in batches."""
    report = StageProgress(progress, "baselines", "panels", total)
    for start in range(0, total, _BATCH):
        panels, pictures = [], []
        for panel in index.browse(k=_BATCH, offset=start):
            try:
                pictures.append(np.asarray(index.panel_image(panel)))
            except (SourceError, PictureError):
                continue
            panels.append(panel)
        if panels:
            yield panels, pictures
        report(min(start + _BATCH, total))


def hashes(pictures: Sequence[Pixels]) -> Floats:
    """Return the 64 bits of ImageHash's pHash (signs of low cosine frequencies) as +1 and -1.

    The cosine is 1 - Hamming distance / 32.
    """
    import imagehash

    bits = np.stack([imagehash.phash(Image.fromarray(picture)).hash.reshape(-1) for picture in pictures])
    return _unit(np.where(bits, 1.0, -1.0))


def histograms(pictures: Sequence[Pixels]) -> Floats:
    """Return square roots of the shares of 8 x 4 x 4 bins of hue, saturation and value.

    The cosine is the Bhattacharyya coefficient.
    """
    rows = []
    for picture in pictures:
        hsv = cv2.cvtColor(_small(picture), cv2.COLOR_RGB2HSV)
        rows.append(cv2.calcHist([hsv], [0, 1, 2], None, [8, 4, 4], [0, 180, 0, 256, 0, 256]).reshape(-1))
    return _unit(np.sqrt(np.stack(rows)))


def grids(pictures: Sequence[Pixels]) -> Floats:
    """Return the mean colours of 12 x 12 cells, less their mean."""
    rows = np.stack([cv2.resize(p, (12, 12), interpolation=cv2.INTER_AREA).reshape(-1) for p in pictures])
    centred = rows.astype(np.float32)
    return _unit(centred - centred.mean(axis=1, keepdims=True))


def _small(picture: Pixels) -> Pixels:
    height, width = picture.shape[:2]
    scale = min(1.0, 256 / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _unit(rows: NDArray[Any]) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Floats = np.divide(rows, lengths, out=np.zeros(rows.shape), where=lengths > 0).astype(np.float32)
    return unit


def untrained_network(index: OpenIndex, seed: int, even_large: bool) -> tuple[Describe | None, str | None]:
    """Return the vision branch of the encoder's shape with random weights, for whole pictures, or a note.

    even_large: also for an encoder as large as the published one.
    """
    model = getattr(index.encoder, "model", None)
    if model is None:
        return None, "the untrained network is not run: this encoder is not a network"
    backbone = _backbone(model)
    if backbone != "small" and not even_large:
        return None, "the untrained network is not run: it is as large and slow as this encoder (--untrained runs it)"
    return _vision_of(backbone, seed), None


def _backbone(model: PanelFeatureExtractor) -> str:
    """Return the `visual_backbone` of a model, from the names of its branches."""
    parts = {name.partition(".")[0] for name, _ in model.vision.named_parameters()}
    has = {name for name in ("siglip", "resnet") if any(name in part for part in parts)}
    return "both" if len(has) == 2 else has.pop() if has else "small"


def _vision_of(backbone: str, seed: int) -> Describe:
    import torch

    from retrieval.encoder import PanelFeatureExtractor
    from retrieval.encoder.inputs import normalize

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = PanelFeatureExtractor(visual_backbone=backbone).eval()

    def describe(pictures: Sequence[Pixels]) -> Floats:
        resized = np.stack([resize(Image.fromarray(picture)) for picture in pictures])
        with torch.inference_mode():
            return _unit(model.encode_image_only(torch.from_numpy(normalize(resized))).float().numpy())

    return describe


# ------------------------------------------------------------------------- text


class Bm25:
    """Okapi BM25 over the dialogue, by SQLite's FTS5 (k1 1.2, b 0.75), matching any of the words.

    Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond".
    """

    name = BM25

    def __init__(self, panels: Sequence[Panel]) -> None:
        self._database = sqlite3.connect(":memory:")
        self._database.execute("CREATE VIRTUAL TABLE panels USING fts5(dialogue, tokenize='unicode61')")
        rows = ((panel.id, normalise(panel.dialogue)) for panel in panels)
        self._database.executemany("INSERT INTO panels(rowid, dialogue) VALUES (?, ?)", rows)

    def search(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the first panel ids for each text."""
        return [self._ranked(tokens(text)) for text in texts]

    def _ranked(self, terms: list[str]) -> list[int]:
        if not terms:
            return []
        sql = "SELECT rowid FROM panels WHERE panels MATCH ? ORDER BY rank, rowid LIMIT ?"
        match = " OR ".join(f'"{term}"' for term in terms)
        return [int(row[0]) for row in self._database.execute(sql, (match, DEPTH))]


class MiniLm:
    """Cosine of the plain text model, without the encoder's projection: token states averaged over the mask."""

    name = MINILM

    def __init__(self, model: PanelFeatureExtractor, panels: Sequence[Panel]) -> None:
        self._text = model.text
        self._ids = np.array([panel.id for panel in panels], np.int64)
        self._rows = self._encoded([panel.dialogue for panel in panels])

    def search(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the first panel ids for each text."""
        return first_ids(self._ids, self._encoded(texts) @ self._rows.T)

    def _encoded(self, texts: Sequence[str]) -> Floats:
        """Return (N, 384) unit rows; texts of similar length share a batch."""
        import torch

        from retrieval.encoder.inputs import tokenize

        device = next(self._text.parameters()).device
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        rows: dict[int, Floats] = {}
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            tensors = [torch.from_numpy(a).to(device) for a in tokenize([texts[i] for i in batch])]
            with torch.inference_mode():
                pooled = self._text.pooled(*tensors)
            rows.update(zip(batch, pooled.float().cpu().numpy(), strict=True))
        return _unit(np.stack([rows[i] for i in range(len(texts))]))


def text_baselines(index: OpenIndex) -> list[TextSearcher]:
    """Return BM25, and plain MiniLM if the encoder has a text model."""
    panels = panels_with_dialogue(index)
    model = getattr(index.encoder, "model", None)
    baselines: list[TextSearcher] = [Bm25(panels)]
    return baselines if model is None else [*baselines, MiniLm(model, panels)]
