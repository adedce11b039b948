"""Panels of one decoded page: boxes from annotations or the detector, and their text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from index_builder.annotations import PageAnnotation, texts_of_panels
from index_builder.decode.records import DecodeSettings, DetectedPanel, PageTask
from index_builder.dialogue import OcrResult, PanelText, panel_texts, recognize_page
from index_builder.panels import detect_panels
from retrieval.errors import OcrError
from retrieval.records import Box


def page_panels(
    page: Image.Image, task: PageTask, settings: DecodeSettings, annotation: PageAnnotation
) -> tuple[list[DetectedPanel], bool]:
    """Return a page's panels in reading order, and whether their detection has low confidence.

    Annotated boxes come first, then detected ones, then the whole page as one panel.
    """
    if annotation.panels:
        panels = [_with_annotation(p.number, p.box, "annotation", p.text, p.sound_effects) for p in annotation.panels]
        return panels, False
    right_to_left = reads_right_to_left(task, annotation)
    detection = None if settings.page_is_panel else detect_panels(np.asarray(page), right_to_left=right_to_left)
    detected = detection.boxes if detection else []
    boxes = detected or [Box(0, 0, page.width, page.height)]
    texts = texts_of_panels(annotation, boxes, right_to_left=right_to_left)
    source = "detector" if detected else "page"
    panels = [
        _with_annotation(n, box, source, *text) for n, (box, text) in enumerate(zip(boxes, texts, strict=True), 1)
    ]
    return panels, detection is not None and detection.low_confidence


def full_page(page: Image.Image, number: int = 1) -> DetectedPanel:
    """Return the whole page as a panel."""
    return DetectedPanel(number, Box(0, 0, page.width, page.height), "page")


def reads_right_to_left(task: PageTask, annotation: PageAnnotation) -> bool:
    """Return the reading direction of a page: that of its annotation, else that of its book or the settings."""
    if annotation.reading_direction is None:
        return task.right_to_left
    return annotation.reading_direction == "rtl"


def with_ocr_text(
    page: Image.Image,
    content: bytes,
    panels: list[DetectedPanel],
    task: PageTask,
    settings: DecodeSettings,
    annotation: PageAnnotation,
) -> tuple[list[DetectedPanel], str | None, OcrResult | None, list[str]]:
    """Return the panels with OCR text where no annotation has text, the engine, the OCR result, and warnings.

    content: SHA-256 of the page file.
    """
    if all(panel.text is not None for panel in panels):
        return panels, "", None, []
    if settings.ocr is None:
        return panels, None, None, []
    try:
        ocr = recognize_page(np.asarray(page), content, settings.ocr)
    except OcrError as error:
        return panels, None, None, [error.reason]
    right_to_left = reads_right_to_left(task, annotation)
    boxes = [panel.box for panel in panels]
    texts = panel_texts(ocr.lines, boxes, page.size, language=settings.ocr.language, right_to_left=right_to_left)
    read = [_with_text(panel, text) for panel, text in zip(panels, texts, strict=True)]
    return read, settings.ocr.engine_id, ocr, []


def _with_annotation(number: int, box: Box, source: str, text: str | None, sound_effects: str) -> DetectedPanel:
    return DetectedPanel(number, box, source, text, sound_effects, "" if text is None else "annotation")


def _with_text(panel: DetectedPanel, text: PanelText) -> DetectedPanel:
    if panel.text is not None:
        return panel
    sound_effects = panel.sound_effects or text.sound_effects
    return replace(panel, text=text.dialogue, sound_effects=sound_effects, text_source="ocr")
