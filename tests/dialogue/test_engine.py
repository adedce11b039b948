"""The parts of the OCR engine: sizes and batches of its networks, and what they read."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from index_builder.dialogue.engine.detection import full_scale
from index_builder.dialogue.engine.networks import PRECISIONS, fastest_precision
from index_builder.dialogue.engine.recognition import batches, padded_width
from index_builder.dialogue.ocr_engine import OcrEngine, engine_name, load_engine
from tests.dialogue.lettering import lettered, pixels


@pytest.mark.parametrize(
    ("width", "padded"), [(1, 320), (320, 320), (321, 352), (513, 576), (1025, 1152), (9000, 9216)]
)
def test_few_widths_are_read(width: int, padded: int) -> None:
    """Short lines are padded to 320 pixels, long ones to a multiple of an eighth of a power of two."""
    assert padded_width(width) == padded


def test_padding_is_short() -> None:
    """A line is never cut off, and a long one padded by less than an eighth of its width."""
    for width in range(320, 5000):
        assert width <= padded_width(width) < width * 9 / 8


def test_lines_of_about_the_same_width_are_read_together() -> None:
    """Batches hold each line once, at most six of them, and all have the same padded width."""
    widths = [40, 400, 50, 33, 64, 41, 42, 390, 43, 44]
    groups = list(batches(widths))
    assert sorted(i for _, indices in groups for i in indices) == list(range(len(widths)))
    assert all(len(indices) <= 6 for _, indices in groups)
    assert all(padded_width(widths[i]) == width for width, indices in groups for i in indices)
    assert list(batches([])) == []


@pytest.mark.parametrize(
    ("size", "scale"),
    [((1400, 992), 1.0), ((736, 736), 1.0), ((368, 500), 2.0), ((2400, 640), 1.15), ((2400, 200), 736 / 600)],
)
def test_small_images_are_enlarged_for_detection(size: tuple[int, int], scale: float) -> None:
    """The shorter side becomes 736 pixels; narrow strips are enlarged less."""
    assert full_scale((*size, 3)) == pytest.approx(scale)
    assert full_scale((*size[::-1], 3)) == pytest.approx(scale)


def test_a_line_reads_the_same_alone_and_among_others() -> None:
    """The text and the score of a line do not depend on the other lines of its page."""
    texts = ["A balloon will rise.", "Twelve puppets dance.", "No!"]
    image = pixels(lettered([(60, 60 + 200 * i, text) for i, text in enumerate(texts)]))
    corners = np.float32([[[50, y], [350, y], [350, y + 40], [50, y + 40]] for y in (55, 255, 455)])
    recognizer = load_engine(1)._recognizer
    together = recognizer.read(image, corners)
    alone = [read for line in corners for read in recognizer.read(image, line[None])]
    assert [text for text, _ in together] == [text for text, _ in alone] == texts
    assert [score for _, score in together] == pytest.approx([score for _, score in alone], abs=1e-3)


@pytest.mark.parametrize("precision", list(PRECISIONS))
def test_both_precisions_read(precision: str) -> None:
    """The precision can be chosen; by default it is one of the two."""
    assert fastest_precision() in PRECISIONS
    page = pixels(lettered([(60, 60, "Who moved the moon?")]))
    assert [line.text for line in OcrEngine(1, precision).recognize(page)] == ["Who moved the moon?"]


@pytest.mark.parametrize("shape", [(1300, 900, 3), (16, 16, 3), (20, 900, 3)])
def test_a_page_without_lettering_has_no_lines(shape: tuple[int, ...]) -> None:
    """An empty page is no error."""
    assert load_engine(1).recognize(np.full(shape, 255, np.uint8)) == []


def test_the_engine_needs_no_onnx_runtime() -> None:
    """OCR runs by OpenVINO alone, and its name says so."""
    assert "OpenVINO" in engine_name()
    code = (
        "import sys; sys.modules['onnxruntime'] = None\n"
        "from index_builder.dialogue.ocr_engine import load_engine\n"
        "from tests.dialogue.lettering import lettered, pixels\n"
        "print([line.text for line in load_engine(1).recognize(pixels(lettered([(60, 60, 'Hello there')])))])"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "['Hello there']"
