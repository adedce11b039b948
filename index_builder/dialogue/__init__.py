"""Text of a page: OCR lines, grouped into balloons, assigned to panels."""

from __future__ import annotations

from index_builder.dialogue.assignment import assign_to_panels, sort_by_reading_order
from index_builder.dialogue.languages import AUTO, parse_language
from index_builder.dialogue.lines import OcrResult
from index_builder.dialogue.ocr import OcrSettings, recognize_page, threads_per_worker
from index_builder.dialogue.ocr_cache import OcrCacheWriter
from index_builder.dialogue.panel_text import PanelText, panel_texts

__all__ = [
    "AUTO",
    "OcrCacheWriter",
    "OcrResult",
    "OcrSettings",
    "PanelText",
    "assign_to_panels",
    "panel_texts",
    "parse_language",
    "recognize_page",
    "sort_by_reading_order",
    "threads_per_worker",
]
