"""Simpler methods beside the index, asked the same questions: what the encoder is worth."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retrieval.encoder.inputs import resize
from retrieval.errors import PictureError, SourceError
from retrieval.evaluation.dialogue import WordSearcher, first_ids, speaking_panels
from retrieval.evaluation.metrics import DEPTH
from retrieval.evaluation.pictures import PictureSearcher, Pixels, Ranking
from retrieval.evaluation.records import Progress, Watcher
from retrieval.index import PanelIndex
from retrieval.records import Panel
from retrieval.store.catalog.text import normalise, tokens
from retrieval.store.scoring import top

if TYPE_CHECKING:
    from retrieval.encoder import PanelFeatureExtractor

Floats = NDArray[np.float32]
Describe = Callable[[Sequence[Pixels]], Floats]
"""(H, W, 3) uint8 RGB pictures -> (N, D) float32 unit rows."""

HASH, HISTOGRAM, GRID, UNTRAINED = "perceptual hash", "colour histogram", "12 x 12 grid", "untrained network"
BM25, MINILM = "BM25 (FTS5)", "MiniLM cosine"

PICTURES_UP_TO = 20_000
"""Panels of a library that the peers for pictures look at: all of them have to be decoded for it."""

_BATCH = 32


# ------------------------------------------------------------------ for pictures


class Described:
    """A library described by rows of numbers, all compared with a question's by cosine."""

    def __init__(self, name: str, describe: Describe, ids: NDArray[np.int64], rows: Floats) -> None:
        self.name = name
        self._describe = describe
        self._ids = ids
        self._rows = rows

    def ask(self, pictures: Sequence[Pixels]) -> list[Ranking]:
        scores = self._describe(pictures) @ self._rows.T
        return [[(int(self._ids[i]), float(row[i])) for i in top(row, self._ids, DEPTH + 1)] for row in scores]


def picture_peers(
    index: PanelIndex, seed: int, untrained: bool, watch: Watcher
) -> tuple[list[PictureSearcher], list[str]]:
    """(peers, notes). Decodes every panel of the library once."""
    total = index.count()
    if total > PICTURES_UP_TO:
        return [], [f"peers for pictures are left out: they look at every panel, up to {PICTURES_UP_TO:,}"]
    methods: dict[str, Describe] = {HISTOGRAM: histograms, GRID: grids}
    notes = []
    if find_spec("imagehash"):
        methods = {HASH: hashes, **methods}
    else:
        notes.append("the perceptual hash is left out: pip install 'panelseek[evaluate]'")
    network, why = untrained_network(index, seed, untrained)
    if network is not None:
        methods[UNTRAINED] = network
    notes += [why] if why else []
    ids: list[int] = []
    rows: dict[str, list[Floats]] = {name: [] for name in methods}
    for panels, pictures in _library(index, total, watch):
        ids += [panel.id for panel in panels]
        for name, describe in methods.items():
            rows[name].append(describe(pictures))
    known = np.array(ids, np.int64)
    return [Described(n, d, known, np.concatenate(rows[n])) for n, d in methods.items() if rows[n]], notes


def _library(index: PanelIndex, total: int, watch: Watcher) -> Iterator[tuple[list[Panel], list[Pixels]]]:
    """Every panel that can be read, page by page, some at once."""
    started = time.monotonic()
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
        watch(Progress("peers", min(start + _BATCH, total), total, time.monotonic() - started))


def hashes(pictures: Sequence[Pixels]) -> Floats:
    """The 64 bits of ImageHash's pHash (signs of low cosine frequencies) as +1 and -1: cosine = 1 - distance / 32."""
    import imagehash

    bits = np.stack([imagehash.phash(Image.fromarray(picture)).hash.reshape(-1) for picture in pictures])
    return _unit(np.where(bits, 1.0, -1.0))


def histograms(pictures: Sequence[Pixels]) -> Floats:
    """Square roots of the shares of 8 x 4 x 4 bins of hue, saturation and value (cosine is Bhattacharyya's then)."""
    rows = []
    for picture in pictures:
        hsv = cv2.cvtColor(_small(picture), cv2.COLOR_RGB2HSV)
        rows.append(cv2.calcHist([hsv], [0, 1, 2], None, [8, 4, 4], [0, 180, 0, 256, 0, 256]).reshape(-1))
    return _unit(np.sqrt(np.stack(rows)))


def grids(pictures: Sequence[Pixels]) -> Floats:
    """The mean colours of 12 x 12 cells less their mean: plain pixels."""
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


def untrained_network(index: PanelIndex, seed: int, asked: bool) -> tuple[Describe | None, str | None]:
    """(the vision branch of the same shape with random weights, whole pictures only; or why there is none)."""
    model = getattr(index.encoder, "model", None)
    if model is None:
        return None, "the untrained network is left out: this encoder is no network"
    backbone = _backbone(model)
    if backbone != "small" and not asked:
        return (
            None,
            "the untrained network is left out: one as large as this encoder takes long, ask for it (--untrained)",
        )
    return _vision_of(backbone, seed), None


def _backbone(model: PanelFeatureExtractor) -> str:
    """The `visual_backbone` a model was made with, told by its branches."""
    parts = {name.partition(".")[0] for name, _ in model.vision.named_parameters()}
    has = {name for name in ("siglip", "resnet") if any(name in part for part in parts)}
    return "both" if len(has) == 2 else has.pop() if has else "small"


def _vision_of(backbone: str, seed: int) -> Describe:
    import torch

    from retrieval.encoder import PanelFeatureExtractor
    from retrieval.encoder.inputs import to_tensor

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = PanelFeatureExtractor(visual_backbone=backbone).eval()

    def describe(pictures: Sequence[Pixels]) -> Floats:
        seen = np.stack([resize(Image.fromarray(picture)) for picture in pictures])
        with torch.inference_mode():
            return _unit(model.encode_image_only(to_tensor(seen)).float().numpy())

    return describe


# --------------------------------------------------------------------- for words


class Bm25:
    """Okapi BM25 as SQLite's FTS5 has it (k1 1.2, b 0.75), any of the words, nothing else.

    Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond".
    """

    name = BM25

    def __init__(self, panels: Sequence[Panel]) -> None:
        self._database = sqlite3.connect(":memory:")
        self._database.execute("CREATE VIRTUAL TABLE said USING fts5(dialogue, tokenize='unicode61')")
        rows = ((panel.id, normalise(panel.dialogue)) for panel in panels)
        self._database.executemany("INSERT INTO said(rowid, dialogue) VALUES (?, ?)", rows)

    def ask(self, texts: Sequence[str]) -> list[list[int]]:
        return [self._ranked(tokens(text)) for text in texts]

    def _ranked(self, terms: list[str]) -> list[int]:
        if not terms:
            return []
        sql = "SELECT rowid FROM said WHERE said MATCH ? ORDER BY rank, rowid LIMIT ?"
        asked = " OR ".join(f'"{term}"' for term in terms)
        return [int(row[0]) for row in self._database.execute(sql, (asked, DEPTH))]


class MiniLm:
    """Cosine of the encoder's text model before anything of ours: token states averaged over the mask."""

    name = MINILM

    def __init__(self, model: PanelFeatureExtractor, panels: Sequence[Panel]) -> None:
        self._text = model.text
        self._ids = np.array([panel.id for panel in panels], np.int64)
        self._rows = self._encoded([panel.dialogue for panel in panels])

    def ask(self, texts: Sequence[str]) -> list[list[int]]:
        return first_ids(self._ids, self._encoded(texts) @ self._rows.T)

    def _encoded(self, texts: Sequence[str]) -> Floats:
        """(N, 384) unit rows; texts of like length share a batch."""
        import torch

        from retrieval.encoder.inputs import tokenize

        device = next(self._text.parameters()).device
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        rows: dict[int, Floats] = {}
        for start in range(0, len(order), _BATCH):
            some = order[start : start + _BATCH]
            tensors = [torch.from_numpy(a).to(device) for a in tokenize([texts[i] for i in some])]
            with torch.inference_mode():
                pooled = self._text.pooled(*tensors)
            rows.update(zip(some, pooled.float().cpu().numpy(), strict=True))
        return _unit(np.stack([rows[i] for i in range(len(texts))]))


def word_peers(index: PanelIndex) -> list[WordSearcher]:
    """BM25, and plain MiniLM where the encoder has a text model."""
    panels = speaking_panels(index)
    model = getattr(index.encoder, "model", None)
    peers: list[WordSearcher] = [Bm25(panels)]
    return peers if model is None else [*peers, MiniLm(model, panels)]
