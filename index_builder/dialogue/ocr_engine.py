"""The OCR engine: the models inside the wheel of RapidOCR, executed by OpenVINO. Nothing is ever downloaded.

It is loaded once in each process, with the first page that needs it.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from index_builder.dialogue.lines import Line
from index_builder.dialogue.tiles import MAX_SIDE, MIN_SIDE, recognize_tiles
from retrieval.errors import OcrError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DETECTION_MODEL, _RECOGNITION_MODEL = "PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"

_PIPELINE = "lines-2"
"""Part of the engine's name. A new version makes the next build read pages again; change it with `engine`."""

_MIN_TEXT_SCORE = 0.3
"""Recognition score, 0-1, of lines that are kept. It is low: `classify` decides later, without another OCR run."""

_MIN_PAGE_SIDE = 16
"""Pixels; a page with a shorter side has no legible text."""


@cache
def engine_name() -> str:
    """Return engine, version, models and settings: all that OCR lines depend on besides the page. Loads nothing.

    The precision is not part of it. Both read as well, and an index that moves to another CPU keeps its lines.
    Raises `OcrError` if the engine is not installed.
    """
    try:
        models = f"rapidocr {version('rapidocr')}, PP-OCRv6 small"
        return f"{models}, OpenVINO, {_PIPELINE}, {MIN_SIDE}-{MAX_SIDE} px"
    except PackageNotFoundError:
        raise OcrError(
            "the package rapidocr, the OCR engine, is not installed",
            hint="install rapidocr, or build with --no-ocr",
        ) from None


@cache
def load_engine(threads: int) -> OcrEngine:
    """Return the engine of this process, which uses `threads` threads of its own."""
    return OcrEngine(threads)


class OcrEngine:
    """The models of RapidOCR, one page at a time. Raises `OcrError` if they or their packages cannot be loaded.

    precision: float32 or bfloat16; None is the faster of those that the CPU computes in.
    """

    def __init__(self, threads: int, precision: str | None = None) -> None:
        folder = _model_folder()
        try:
            # imported late: they load OpenVINO
            from index_builder.dialogue.engine.detection import TextDetector
            from index_builder.dialogue.engine.networks import fastest_precision
            from index_builder.dialogue.engine.recognition import TextRecognizer

            precision = precision or fastest_precision()
            self._detector = TextDetector(folder / _DETECTION_MODEL, threads, precision)
            self._recognizer = TextRecognizer(folder / _RECOGNITION_MODEL, threads, precision)
        except Exception as error:
            raise OcrError(
                f"rapidocr cannot be loaded ({type(error).__name__}: {error})", hint="build with --no-ocr"
            ) from error

    def recognize(self, page: NDArray[np.uint8], *, resize: bool = True) -> list[Line]:
        """Return the lines of a page, (H, W, 3) uint8 RGB, in page pixels.

        resize: resize the page for OCR and divide it into tiles first. Raises `OcrError` if the engine fails.
        """
        if min(page.shape[:2]) < _MIN_PAGE_SIDE:
            return []
        try:
            return recognize_tiles(page, self._recognize) if resize else self._recognize(page)
        except Exception as error:
            reason = str(error).strip().splitlines()[-1:] or [""]
            raise OcrError(f"OCR failed ({type(error).__name__}: {reason[0]})") from error

    def _recognize(self, image: NDArray[np.uint8]) -> list[Line]:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        corners = self._detector.find(image)
        texts = self._recognizer.read(image, corners)
        return [
            Line(tuple((x, y) for x, y in line.tolist()), text, score)
            for line, (text, score) in zip(corners, texts, strict=True)
            if text.strip() and score >= _MIN_TEXT_SCORE
        ]


def _model_folder() -> Path:
    """Return the folder of the models inside the wheel. With explicit paths, the engine searches nowhere else."""
    name = engine_name()
    spec = find_spec("rapidocr")
    folder = Path(str(spec.origin)).parent / "models" if spec is not None else Path("models")
    missing = [model for model in (_DETECTION_MODEL, _RECOGNITION_MODEL) if not (folder / model).is_file()]
    if missing:
        raise OcrError(
            f"the models {', '.join(missing)} of {name} are missing",
            path=folder,
            hint="install rapidocr again, or build with --no-ocr",
        )
    return folder
