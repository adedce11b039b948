"""One page, decoded: its panels cut out, resized for the encoder, with their words.

Runs in worker processes, so it imports neither torch nor FAISS.
"""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from index_builder.annotations import PageAnnotation, RawAnnotation, merge, parse_page, texts_of_panels
from index_builder.annotations.collection import AnnotationRef
from index_builder.dialogue import OcrResult, OcrSettings, PanelText, panel_texts, recognize_page
from index_builder.panels import DETECTOR_VERSION, detect_panels
from index_builder.plan.content_hashes import is_known_content
from index_builder.sources.books import skip_reason
from retrieval.books import ReadLimits, read_page
from retrieval.books.formats.folder import read_file
from retrieval.encoder.inputs import panel_input
from retrieval.encoder.protocol import PanelInput
from retrieval.errors import OcrError, PanelseekError
from retrieval.images.crops import crop
from retrieval.images.decode import MAX_BYTES, open_image
from retrieval.images.thumbnail import encode_thumbnail
from retrieval.records import Box


@dataclass(frozen=True, slots=True)
class PageTask:
    """What a worker needs to decode a page.

    `known` is the digest the catalog remembers, None where there is none or the words are wanted anew; `ocr` says
    how words are read that no annotation tells, None: not at all.
    `annotation` is the file beside the page, `said` what other files say about it, the most trusted first.
    look: only find out the digest. contents: a file of `write_contents`, whose pages need no decoding.
    """

    book: Path
    name: str
    annotation: str | None
    known: str | None
    whole_pages: bool
    right_to_left: bool
    reading: ReadLimits
    thumbnails: bool
    said: tuple[AnnotationRef, ...] = ()
    ocr: OcrSettings | None = None
    look: bool = False
    contents: str | None = None


@dataclass(frozen=True, slots=True)
class FoundPanel:
    """A panel before it is cut out. `origin` of its box: annotation, finder or page.

    `text` is None where its words are not known. `words_from`: annotation, ocr, or "" where nobody looked.
    """

    number: int
    box: Box
    origin: str
    text: str | None = None
    effects: str = ""
    words_from: str = ""


@dataclass(frozen=True, slots=True)
class DecodedPanel:
    """A panel as the encoder takes it, what else is known of it, and its small picture (WebP)."""

    input: PanelInput
    found: FoundPanel
    thumbnail: bytes | None


@dataclass(frozen=True, slots=True)
class OcrUse:
    """What reading a page cost: seconds of the engine, 0 where the page was remembered from before."""

    seconds: float


@dataclass(frozen=True, slots=True)
class DecodedPage:
    """A page ready to be encoded; `panels` is None when its content is known already, here or from another page.

    `reader` is as the catalog keeps it: what read its words, "" where nothing had to, None where nothing did. `ocr` is
    None where the page was not read. `ocr_lines` are new lines for the OCR cache, None unless the engine ran.
    """

    digest: str
    width: int
    height: int
    panels: tuple[DecodedPanel, ...] | None
    notes: tuple[str, ...]
    reader: str | None = None
    ocr: OcrUse | None = None
    ocr_lines: OcrResult | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A page that could not be read, and why."""

    reason: str


def decode_page(task: PageTask) -> DecodedPage | Failed:
    """Read, decode and cut one page. Never raises for bad input: the reason comes back instead."""
    try:
        data = read_page(task.book, task.name, task.reading)
        notes, unreadable = _annotation(task)
        said = tuple(_written(item) for item in task.said)
        content = hashlib.sha256(data).digest()
        digest = _digest(content, notes, said, task)
        if task.look or digest == task.known or is_known_content(digest, task.contents):
            return DecodedPage(digest, 0, 0, None, ())
        page = open_image(data, max_pixels=task.reading.max_pixels, max_bytes=task.reading.max_bytes)
        own = (parse_page(notes),) if task.annotation and not unreadable else ()
        annotation = merge((*own, *said), page.width, page.height, right_to_left=task.right_to_left)
        boxes, doubtful = _boxes(page, task, annotation)
        boxes, reader, ocr, unread = _with_words(page, content, boxes, task, annotation)
        if doubtful:  # only now: its words are those of the panels found on it, and theirs alone
            boxes = [*boxes, _whole_page(page, number=len(boxes) + 1)]
        panels, lost = _cut(page, boxes, task)
        remarks = (*unreadable, *annotation.notes, *lost, *unread)
        timing = None if ocr is None else OcrUse(ocr.seconds)
        new_lines = None if ocr is None or ocr.from_cache else ocr
        return DecodedPage(digest, page.width, page.height, tuple(panels), remarks, reader, timing, new_lines)
    except PanelseekError as error:
        return Failed(skip_reason(error.problem, error.hint))  # the report names book and page already
    except MemoryError:
        return Failed("there is not enough memory to decode it")
    except Exception as error:  # whatever a decoder makes of a page, the other pages go on
        return Failed(f"it cannot be decoded ({type(error).__name__}: {error})")


def _annotation(task: PageTask) -> tuple[bytes, tuple[str, ...]]:
    """The bytes of the page's annotation, and a remark where they cannot be read: that costs no page."""
    if not task.annotation:
        return b"", ()
    try:
        return read_page(task.book, task.annotation, task.reading), ()
    except PanelseekError as error:
        return b"", (f"its annotation cannot be read: {skip_reason(error.problem, error.hint)}",)


def _written(said: AnnotationRef) -> RawAnnotation:
    """What is said about the page, read now where it stands in a file of its own."""
    if isinstance(said, RawAnnotation):
        return said
    try:
        return parse_page(read_file(said.path.parent, said.path.name, MAX_BYTES))
    except (PanelseekError, OSError) as error:
        return RawAnnotation(notes=(f"the annotation {said.path} cannot be read: {error}",))


def _digest(content: bytes, annotation: bytes, said: tuple[RawAnnotation, ...], task: PageTask) -> str:
    """Fingerprint of all that decides the page's panels: its bytes, what is said about it, how they are found.

    How words are read is no part of it: the catalog remembers that beside it.
    """
    finder = "page" if task.whole_pages else f"{DETECTOR_VERSION}:{'rtl' if task.right_to_left else 'ltr'}"
    parts = [content, hashlib.sha256(annotation).digest(), finder.encode()]
    parts += [hashlib.sha256(written.fingerprint().encode("utf-8", "replace")).digest() for written in said]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _cut(page: Image.Image, boxes: list[FoundPanel], task: PageTask) -> tuple[list[DecodedPanel], list[str]]:
    """The page's panels, and a note for each box that shows nothing; where none is left, the whole page."""
    panels: list[DecodedPanel] = []
    lost: list[str] = []
    for found in boxes:
        panel = panel_input(page, found.box, found.text or "", found.number)
        if panel is None:
            lost.append(f"panel {found.number} dropped: its box {found.box.as_list()} is less than a pixel of the page")
        else:
            panels.append(_decoded(page, panel, found, task))
    if not panels:
        whole = _whole_page(page)
        panel = panel_input(page, whole.box, "", whole.number)
        assert panel is not None  # a page has at least one pixel
        panels.append(_decoded(page, panel, whole, task))
    return panels, lost


def _decoded(page: Image.Image, panel: PanelInput, found: FoundPanel, task: PageTask) -> DecodedPanel:
    return DecodedPanel(panel, found, _thumbnail(page, panel.box) if task.thumbnails else None)


def _boxes(page: Image.Image, task: PageTask, annotation: PageAnnotation) -> tuple[list[FoundPanel], bool]:
    """A page's panels, as annotated, else as found, else the whole page; and whether what was found is doubtful."""
    if annotation.panels:
        return [_told(p.number, p.box, "annotation", p.text, p.sound_effects) for p in annotation.panels], False
    right_to_left = _right_to_left(task, annotation)
    outcome = None if task.whole_pages else detect_panels(np.asarray(page), right_to_left=right_to_left)
    found = outcome.boxes if outcome else []
    boxes = found or [Box(0, 0, page.width, page.height)]
    said = texts_of_panels(annotation, boxes, right_to_left=right_to_left)
    origin = "finder" if found else "page"
    panels = [_told(n, box, origin, *words) for n, (box, words) in enumerate(zip(boxes, said, strict=True), 1)]
    return panels, outcome is not None and outcome.low_confidence


def _told(number: int, box: Box, origin: str, text: str | None, effects: str) -> FoundPanel:
    """A panel with what annotations say of its words; None: nothing."""
    return FoundPanel(number, box, origin, text, effects, "" if text is None else "annotation")


def _whole_page(page: Image.Image, number: int = 1) -> FoundPanel:
    return FoundPanel(number, Box(0, 0, page.width, page.height), "page")


def _right_to_left(task: PageTask, annotation: PageAnnotation) -> bool:
    if annotation.reading_direction is None:
        return task.right_to_left
    return annotation.reading_direction == "rtl"


def _with_words(
    page: Image.Image, content: bytes, panels: list[FoundPanel], task: PageTask, annotation: PageAnnotation
) -> tuple[list[FoundPanel], str | None, OcrResult | None, list[str]]:
    """Return the panels with OCR text if they have no annotated text, the OCR engine, its result and notes."""
    if all(panel.text is not None for panel in panels):
        return panels, "", None, []
    if task.ocr is None:
        return panels, None, None, []
    boxes = [panel.box for panel in panels]
    right_to_left = _right_to_left(task, annotation)
    try:
        ocr = recognize_page(np.asarray(page), content, task.ocr)
    except OcrError as error:
        return panels, None, None, [f"{error}: {error.hint}" if error.hint else str(error)]
    texts = panel_texts(ocr.lines, boxes, page.size, language=task.ocr.language, right_to_left=right_to_left)
    with_text = [
        panel if panel.text is not None else _read(panel, text) for panel, text in zip(panels, texts, strict=True)
    ]
    return with_text, task.ocr.engine_id, ocr, []


def _read(panel: FoundPanel, text: PanelText) -> FoundPanel:
    return replace(panel, text=text.dialogue, effects=panel.effects or text.sound_effects, words_from="ocr")


def _thumbnail(page: Image.Image, box: Box) -> bytes | None:
    cut = crop(page, box)
    return encode_thumbnail(cut) if cut else None


def prepare_worker(parent: int) -> None:
    """Leave Ctrl-C to the parent, and end with it however it ends (kill -9 leaves no orphans)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    try:
        import cv2

        cv2.setNumThreads(1)  # pages already run side by side
    except ImportError:
        pass


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
