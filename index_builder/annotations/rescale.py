"""Scaling of an annotation to the pixels of its page's image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from index_builder.annotations.parsing import join_texts
from index_builder.annotations.records import AnnotatedPanel, PageAnnotation, RawAnnotation, TextBlock
from index_builder.dialogue.assignment import sort_by_reading_order
from retrieval.records import Box

_ASPECT_TOLERANCE = 0.01
"""Relative difference of aspect ratios up to which an annotation describes the same image."""

_MAX_PAGES = 10.0
"""Longest side of a panel, in pages. A longer one is an error, and would dominate the encoder's geometry."""

Scale = tuple[float, float]


def rescale(raw: RawAnnotation, width: int, height: int, *, right_to_left: bool = False) -> PageAnnotation:
    """Scale an annotation to an upright image of `width` x `height` px; boxes are not clipped.

    An invalid box drops its panel, an annotation of another image drops all panels; both leave a warning.
    right_to_left: order of the panels if the file has neither an order nor a direction.
    """
    warnings = list(raw.warnings)
    direction = raw.reading_direction
    scale = _scale(raw, width, height, warnings)
    if scale is None:
        return PageAnnotation(None, direction, tuple(warnings), texts_without_boxes=raw.texts_without_boxes)
    blocks = tuple(_scale_block(block, scale) for block in raw.blocks if block.text)
    panels = None if raw.panels is None else _scale_panels(raw.panels, scale, (width, height), warnings)
    if raw.panels and not panels:
        warnings.append("the annotation has no usable panel")
        panels = None
    if panels and not raw.in_reading_order:
        panels = _sort_panels(panels, right_to_left if direction is None else direction == "rtl")
    ordered = None if panels is None else tuple(panels)
    return PageAnnotation(ordered, direction, tuple(warnings), blocks, raw.texts_without_boxes)


def _scale(raw: RawAnnotation, width: int, height: int, warnings: list[str]) -> Scale | None:
    """Return the factors from the annotation's units to pixels; None if it describes another image."""
    if raw.page_size in (None, (width, height)):
        return 1.0, 1.0
    assert raw.page_size is not None
    w, h = raw.page_size
    if raw.relative_units:
        return width / w, height / h
    if abs((w / h) / (width / height) - 1) > _ASPECT_TOLERANCE:
        warnings.append(f"the annotation is for a page of {w:g} x {h:g} px, this one is {width} x {height}; not used")
        return None
    warnings.append(f"boxes scaled from {w:g} x {h:g} px to {width} x {height}")
    return width / w, height / h


def _scale_panels(
    panels: Sequence[AnnotatedPanel], scale: Scale, size: tuple[int, int], warnings: list[str]
) -> list[AnnotatedPanel]:
    """Scale the panels; invalid ones are dropped, those with the same box are merged."""
    by_box: dict[Box, AnnotatedPanel] = {}
    for panel in panels:
        box = _scale_box(panel.box, scale)
        problem = _box_problem(box, size)
        if problem:
            warnings.append(f"panel {panel.number} dropped: {problem}")
        elif box in by_box:
            warnings.append(f"panel {panel.number} has the same box as panel {by_box[box].number}; merged")
            by_box[box] = _merge_panels(by_box[box], panel)
        else:
            polygon = tuple((x * scale[0], y * scale[1]) for x, y in panel.polygon)
            by_box[box] = replace(panel, box=box, polygon=polygon)
    return list(by_box.values())


def _box_problem(box: Box, size: tuple[int, int]) -> str:
    """Return why a box cannot be a panel of the page, or ""."""
    if box.w <= 0 or box.h <= 0:
        return "its box has no area"
    if box.w > _MAX_PAGES * size[0] or box.h > _MAX_PAGES * size[1]:
        return "its box is far larger than the page"
    if box.x + box.w <= 0 or box.y + box.h <= 0 or not box.on_page(*size):
        return "its box is outside the page"
    return ""


def _scale_box(box: Box, scale: Scale) -> Box:
    x, y = scale
    return Box(box.x * x, box.y * y, box.w * x, box.h * y)


def _scale_block(block: TextBlock, scale: Scale) -> TextBlock:
    return replace(block, box=_scale_box(block.box, scale))


def _merge_panels(panel: AnnotatedPanel, duplicate: AnnotatedPanel) -> AnnotatedPanel:
    """Merge two panels with the same box; different texts are joined."""
    text, effects = panel.text, panel.sound_effects
    if text is None or (duplicate.text and duplicate.text != text):
        text = duplicate.text if not text else join_texts([text, duplicate.text])
    if duplicate.sound_effects != effects:
        effects = join_texts([effects, duplicate.sound_effects])
    return replace(panel, text=text, sound_effects=effects, description=panel.description or duplicate.description)


def _sort_panels(panels: list[AnnotatedPanel], right_to_left: bool) -> list[AnnotatedPanel]:
    """Sort the panels in reading order, and renumber them."""
    ordered = sort_by_reading_order(panels, right_to_left=right_to_left)
    return [replace(panel, number=number) for number, panel in enumerate(ordered, 1)]
