"""On a GPU, one batch is encoded while the one before it is written and the next one is decoded."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index_builder.write import encode
from index_builder.write.encode import PageWriter
from retrieval.encoder.protocol import PanelEmbeddings
from retrieval.errors import PanelseekError
from tests.building.library import build, page, same_as_clean
from tests.conftest import GridEncoder


class GpuEncoder(GridEncoder):
    """Encodes as `GridEncoder`, and says that it runs on a GPU."""

    device = "cuda:0"

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[str] = []
        self.batch_sizes: list[int] = []

    def encode(self, panels: Any, **more: Any) -> PanelEmbeddings:
        self.threads.append(threading.current_thread().name)
        self.batch_sizes.append(more["batch_size"])
        return super().encode(panels, **more)


@pytest.fixture(autouse=True)
def small_batches(lib: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "_PANELS_PER_COMMIT", 4)
    monkeypatch.setattr(encode, "_BATCH_SIZE_GPU", 8)
    for n in range(6):
        page(lib / str(n), n, [f"page {n}", "", "words", ""])


def test_the_index_is_that_of_a_build_on_the_cpu(lib: Path, index: Path) -> None:
    encoder = GpuEncoder()
    report = build(lib, index, encoder, batch_size=4)
    assert (report.encoded, report.pages_new) == (24, 6)
    assert all(name.startswith("encode") for name in encoder.threads)
    assert set(encoder.batch_sizes) == {4}
    same_as_clean(lib, index)


def test_batches_are_larger_than_on_the_cpu(lib: Path, index: Path) -> None:
    encoder = GpuEncoder()
    build(lib, index, encoder)
    assert set(encoder.batch_sizes) == {8}


def test_a_batch_is_written_after_the_next_one_was_handed_out(
    lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches are written in order, and the progress ends with all pages."""
    events: list[str] = []
    written = PageWriter._write_pages

    class Noting(GpuEncoder):
        def encode(self, panels: Any, **more: Any) -> PanelEmbeddings:
            events.append("encode")
            return super().encode(panels, **more)

    def write(self: PageWriter, batch: Any, embeddings: PanelEmbeddings) -> None:
        if events.count("write") < 5:  # the last batch has no next one
            assert wait_for(events, "encode", 2 + events.count("write"))
        events.append("write")
        written(self, batch, embeddings)

    monkeypatch.setattr(PageWriter, "_write_pages", write)
    reports: list[Any] = []
    build(lib, index, Noting(), batch_size=4, progress=reports.append)
    assert events.count("write") == events.count("encode") == 6
    assert [one.done for one in reports if one.stage == "encode"][-1] == 6
    same_as_clean(lib, index)


def wait_for(events: list[str], name: str, count: int) -> bool:
    """Wait at most ten seconds until an event has happened `count` times; return True if it has."""
    pause = threading.Event()
    for _ in range(1000):
        if events.count(name) >= count:
            return True
        pause.wait(0.01)
    return False


def test_an_error_of_the_gpu_reaches_the_caller_and_loses_nothing(lib: Path, index: Path) -> None:
    """The batches before it stay, and the next build continues behind them."""

    class Failing(GpuEncoder):
        def encode(self, panels: Any, **more: Any) -> PanelEmbeddings:
            if self.encoded >= 12:
                raise PanelseekError("the GPU is out of memory", hint="use a smaller --batch-size")
            return super().encode(panels, **more)

    with pytest.raises(PanelseekError, match="out of memory"):
        build(lib, index, Failing(), batch_size=4)
    again = build(lib, index, GpuEncoder(), batch_size=4)
    assert (again.encoded, again.pages_unchanged) == (12, 3)
    same_as_clean(lib, index)


def test_vectors_that_are_not_numbers_skip_their_page_only(lib: Path, index: Path) -> None:
    class Broken(GpuEncoder):
        def encode(self, panels: Any, **more: Any) -> PanelEmbeddings:
            encoded = super().encode(panels, **more)
            if self.encoded == 8:
                encoded.picture[0] = np.nan
            return encoded

    report = build(lib, index, Broken(), batch_size=4)
    assert (report.pages, len(report.skipped)) == (5, 1)
    assert "not numbers" in report.skipped[0][1]
