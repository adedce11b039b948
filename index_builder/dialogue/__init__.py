"""The words of a page: lines read by an OCR engine, joined to balloons, given to panels."""

from index_builder.dialogue.assignment import give_to_panels, in_order, panel_of
from index_builder.dialogue.languages import AUTO, checked_language
from index_builder.dialogue.ocr import OcrSettings, PageWords, read_words, threads_for
from index_builder.dialogue.words import Words

__all__ = [
    "AUTO",
    "OcrSettings",
    "PageWords",
    "Words",
    "checked_language",
    "give_to_panels",
    "in_order",
    "panel_of",
    "read_words",
    "threads_for",
]
