"""The engine that reads lettering: RapidOCR with the models inside its wheel. Nothing is ever downloaded.

It is loaded when the first page is read, once in a process.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index_builder.dialogue.lines import Line
from index_builder.dialogue.tiles import SIZES, read_page_lines
from retrieval.errors import OcrError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DETECTS, _RECOGNISES = "PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"
_LEAST_SURE = 0.3
"""Lines that the engine is less sure of are not kept; what counts as words is decided later, without reading again."""
_FAINT = 0.4
"""How sure it must be that there is lettering; lower than usual, for what it reads there is judged again."""
_SMALLEST = 16  # pixels; no lettering can be read on a smaller page


@cache
def engine_name() -> str:
    """Engine, version, models and settings: what a reading depends on besides the page. Loads nothing.

    Raises `OcrError` where the engine is not installed.
    """
    try:
        return f"rapidocr {version('rapidocr')}, PP-OCRv6 small, {SIZES[0]}-{SIZES[1]} px"
    except PackageNotFoundError:
        raise OcrError(
            "the package rapidocr, which reads lettering, is not installed: "
            "install it with onnxruntime, or build with --no-ocr"
        ) from None


@cache
def load_engine(threads: int) -> Engine:
    """The engine of this process; `threads` are its own."""
    return Engine(threads)


class Engine:
    """RapidOCR, one page at a time. Raises `OcrError` where it or its models cannot be loaded."""

    def __init__(self, threads: int) -> None:
        folder = _models()
        try:
            from rapidocr import RapidOCR  # loads late: it brings onnxruntime

            self._ocr = RapidOCR(
                params={
                    "Global.log_level": "error",
                    "Global.use_cls": False,  # lettering stands upright; upside-down lines would only be guesses
                    "Global.max_side_len": 1_000_000,  # pages come at reading size
                    "Global.text_score": _LEAST_SURE,
                    "Det.box_thresh": _FAINT,
                    "Det.model_path": str(folder / _DETECTS),
                    "Rec.model_path": str(folder / _RECOGNISES),
                    "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                }
            )
        except Exception as error:
            raise OcrError(
                f"rapidocr cannot be loaded ({type(error).__name__}: {error}): build with --no-ocr"
            ) from error

    def read(self, page: NDArray[np.uint8], *, as_it_is: bool = False) -> list[Line]:
        """The lines on a page (H, W, 3) uint8 RGB, in page pixels; `as_it_is`: not brought to reading size first.

        Raises `OcrError` when the engine fails on it.
        """
        if min(page.shape[:2]) < _SMALLEST:
            return []
        try:
            return self._read(page) if as_it_is else read_page_lines(page, self._read)
        except Exception as error:
            reason = str(error).strip().splitlines()[-1:] or [""]
            raise OcrError(f"its lettering could not be read ({type(error).__name__}: {reason[0]})") from error

    def _read(self, picture: NDArray[np.uint8]) -> list[Line]:
        found: Any = self._ocr(picture[:, :, ::-1])  # it takes BGR
        if not found.txts:
            return []
        read = zip(found.boxes.tolist(), found.txts, found.scores, strict=True)
        return [Line(tuple((x, y) for x, y in corners), text, float(score)) for corners, text, score in read]


def _models() -> Path:
    """The folder of the models inside the wheel; their paths are given, so that nothing is looked for elsewhere."""
    name = engine_name()
    spec = find_spec("rapidocr")
    folder = Path(str(spec.origin)).parent / "models" if spec is not None else Path("models")
    missing = [model for model in (_DETECTS, _RECOGNISES) if not (folder / model).is_file()]
    if missing:
        raise OcrError(
            f"{name}: its wheel has no {', '.join(missing)} in {folder}: install rapidocr again, or build with --no-ocr"
        )
    return folder
