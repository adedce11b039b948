"""Fixtures for all tests: an encoder one can work out by hand, and where the real comics are."""

from __future__ import annotations

import hashlib
import importlib.util
import math
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from index_builder.write.running import publish
from retrieval.encoder.protocol import PanelEmbeddings, PanelInput, QueryInput, QueryVectors
from retrieval.encoder.spec import DIMENSION, EncoderSpec
from retrieval.progress import ProgressCallback, no_progress
from retrieval.records import View
from retrieval.store.catalog.text import tokens

FloatRows = NDArray[np.float32]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a shell that runs the tests in the background ignores Ctrl-C for them, and so would every command they start
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what Panelseek notes about this machine out of the user's own folder, also in other processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PANELSEEK_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def builds_depend_on_no_clock() -> Iterator[None]:
    """Builds in this process publish once: a slow machine makes the index of a fast one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish, "FIRST_SECONDS", math.inf)
        yield


class GridEncoder:
    """A predictable stand-in: pictures by a 13 x 13 colour grid, words by hashed counts, fused by their mean.

    `log` names a file that gets a line for every panel encoded, so that a test can count across processes.
    """

    name = "grid"
    fingerprint = "grid-1"
    provisional = False
    spec = EncoderSpec()

    def __init__(self, log: Path | None = None) -> None:
        self.settings: dict[str, Any] = {"profile": "v1"}
        self.log = log
        self.encoded = 0

    def encode(
        self,
        panels: Sequence[PanelInput],
        *,
        batch_size: int = 32,
        progress: ProgressCallback = no_progress,
    ) -> PanelEmbeddings:
        self.encoded += len(panels)
        if self.log:
            with self.log.open("a") as file:
                file.writelines(f"{hashlib.sha256(p.image.tobytes()).hexdigest()}\n" for p in panels)
        picture = np.stack([self.picture(p.image) for p in panels])
        dialogue = np.stack([self.dialogue(p.text) for p in panels])
        gate = np.array([[0.5, 0.5, 0.0] if p.text else [1.0, 0.0, 0.0] for p in panels], np.float32)
        return PanelEmbeddings(picture, dialogue, unit(picture + dialogue), gate)

    def encode_queries(self, queries: Sequence[QueryInput], view: View) -> FloatRows:
        zero = np.zeros(DIMENSION, np.float32)
        rows = [
            (self.picture(q.image) if q.image is not None else zero) + (self.dialogue(q.text) if q.text else zero)
            for q in queries
        ]
        return unit(np.stack(rows))

    @staticmethod
    def picture(picture: NDArray[np.uint8]) -> FloatRows:
        small = Image.fromarray(picture).resize((13, 13), Image.Resampling.BOX)
        flat = np.asarray(small, np.float32).reshape(-1) - 127.5
        return unit(np.pad(flat, (0, DIMENSION - flat.size)))

    @staticmethod
    def dialogue(text: str) -> FloatRows:
        row = np.zeros(DIMENSION, np.float32)
        for word in tokens(text) or ["(nothing)"]:
            row[int(hashlib.md5(word.encode()).hexdigest(), 16) % DIMENSION] += 1
        return unit(row)


class QuarterEncoder(GridEncoder):
    """Speaks for a panel with five vectors: the whole picture's and one for each of its quarters."""

    fingerprint = "grid-quarters-1"
    corners = ((0, 0), (0, 112), (112, 0), (112, 112))
    spec = EncoderSpec(regions=len(corners))

    def encode(self, panels: Sequence[PanelInput], **more: Any) -> PanelEmbeddings:
        encoded = super().encode(panels, **more)
        parts = [[self.picture(p.image[y : y + 112, x : x + 112]) for y, x in self.corners] for p in panels]
        return replace(encoded, regions=np.array(parts, np.float32))

    def encode_query_regions(self, queries: Sequence[QueryInput]) -> list[QueryVectors]:
        return [QueryVectors(self.picture(q.image)[None]) for q in queries if q.image is not None]


def unit(rows: FloatRows) -> FloatRows:
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)


@pytest.fixture
def encoder() -> GridEncoder:
    return GridEncoder()


def draw_page(seed: int, panels: int = 4, size: tuple[int, int] = (400, 600)) -> Image.Image:
    """A page of drawn panels in two columns on white; every panel differs from every other."""
    rng = np.random.default_rng(seed)
    page = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(page)
    for x, y, w, h in panel_boxes(panels, size):
        pen.rectangle((x, y, x + w - 1, y + h - 1), fill=tuple(int(v) for v in rng.integers(0, 200, 3)))
        for _ in range(6):
            left, top = int(rng.integers(x, x + w - 30)), int(rng.integers(y, y + h - 30))
            colour = tuple(int(v) for v in rng.integers(0, 255, 3))
            pen.ellipse((left, top, left + 28, top + 28), fill=colour)
    return page


def panel_boxes(panels: int, size: tuple[int, int] = (400, 600)) -> list[tuple[int, int, int, int]]:
    """[x, y, w, h] of the panels that `draw_page` draws."""
    rows = -(-panels // 2)
    w, h = (size[0] - 60) // 2, (size[1] - 20 * (rows + 1)) // rows
    return [(20 + (w + 20) * (i % 2), 20 + (h + 20) * (i // 2), w, h) for i in range(panels)]


_LONG = ("tests/whole_way", "tests/evaluation", "tests/training", "tests/web")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first: side by side with others, the last one is not waited for."""
    root = Path(__file__).resolve().parents[1]
    items.sort(key=lambda item: not item.path.relative_to(root).as_posix().startswith(_LONG))


@pytest.fixture(scope="session")
def real_comics() -> Path:
    """The folder of real comics; the one place that decides whether tests over them run."""
    folder = Path(os.environ.get("PANELSEEK_COMICS", "../shared/data/comics"))
    if not (folder / "index.json").exists():
        pytest.skip(f"no real comics at {folder}: set PANELSEEK_COMICS to run the tests over them")
    return folder.resolve()


@pytest.fixture(scope="session")
def recipe() -> ModuleType:
    """The program that made the golden vectors."""
    path = Path(__file__).parent / "golden" / "recipe.py"
    spec = importlib.util.spec_from_file_location("golden_recipe", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
