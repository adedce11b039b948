"""Decoding of one page: its panels cut out, resized for the encoder, with their text.

Runs in worker processes, so it imports neither torch nor FAISS.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from PIL import Image

from index_builder.annotations import RawAnnotation, merge, parse_page
from index_builder.annotations.collection import AnnotationRef
from index_builder.decode.content_hashes import is_known_hash
from index_builder.decode.page_panels import full_page, page_panels, with_ocr_text
from index_builder.decode.records import (
    DecodedPage,
    DecodedPanel,
    DecodeError,
    DecodeResult,
    DecodeSettings,
    DetectedPanel,
    PageTask,
)
from index_builder.panels import DETECTOR_VERSION
from retrieval.books import ReadLimits, read_page
from retrieval.books.formats.folder import read_file
from retrieval.encoder.inputs import panel_input, text_input
from retrieval.encoder.protocol import PanelInput
from retrieval.errors import PanelseekError, raise_limit
from retrieval.images.crops import crop
from retrieval.images.decode import MAX_BYTES, decode_image
from retrieval.images.keypoints import pack_thumbnail_keypoints
from retrieval.images.thumbnail import encode_thumbnail


def decode_page(task: PageTask, settings: DecodeSettings) -> DecodeResult:
    """Read, decode and cut one page. Never raises for bad input: the reason comes back instead.

    Raises `ResourceError` for a limit of the system, such as a full disk or too many open files.
    """
    try:
        return _decode(task, settings)
    except Exception as error:  # a decoder may raise anything; the other pages go on
        # the page is sound, and the next one would fare no better
        raise_limit(error, error.path if isinstance(error, PanelseekError) else None)
        return DecodeError(_reason(error))


def _reason(error: Exception) -> str:
    """Return why a page cannot be decoded."""
    if isinstance(error, PanelseekError):
        return error.reason
    if isinstance(error, MemoryError):
        return "there is not enough memory to decode it"
    return f"it cannot be decoded ({type(error).__name__}: {error})"


def _decode(task: PageTask, settings: DecodeSettings) -> DecodedPage:
    source, limits = settings.sources[task.source_id], settings.limits
    book = source / task.book if task.book else source
    data = read_page(book, task.name, limits)
    sidecar, unreadable = _read_sidecar(book, task, limits)
    annotations = tuple(_read_annotation(item) for item in task.annotations)
    content = hashlib.sha256(data).digest()
    digest = _digest(content, sidecar, annotations, task, settings)
    if task.digest_only or (not task.ocr_only and _is_known(digest, task, settings)):
        return DecodedPage(digest, 0, 0, None, ())
    page, notes = decode_image(data, max_pixels=limits.max_pixels, max_bytes=limits.max_bytes)
    own = (parse_page(sidecar),) if task.annotation and not unreadable else ()
    annotation = merge((*own, *annotations), page.width, page.height, right_to_left=task.right_to_left)
    detected, low_confidence = page_panels(page, task, settings, annotation)
    detected, engine, ocr, unread = with_ocr_text(page, content, detected, task, settings, annotation)
    if low_confidence:  # last, so that its text stays that of the panels detected on it
        detected = [*detected, full_page(page, number=len(detected) + 1)]
    text_only = settings.text_only and task.ocr_only and digest == task.previous_digest
    panels, dropped = _cut(page, detected, settings, images=not text_only)
    warnings = (*notes, *unreadable, *annotation.warnings, *dropped, *unread)
    return DecodedPage(digest, page.width, page.height, tuple(panels), warnings, engine, ocr, text_only)


def _is_known(digest: str, task: PageTask, settings: DecodeSettings) -> bool:
    return digest == task.previous_digest or is_known_hash(digest, settings.known_hashes)


def _read_sidecar(book: Path, task: PageTask, limits: ReadLimits) -> tuple[bytes, tuple[str, ...]]:
    """Return the bytes of the annotation file next to the page, and a warning if it cannot be read."""
    if not task.annotation:
        return b"", ()
    try:
        return read_page(book, task.annotation, limits), ()
    except PanelseekError as error:
        return b"", (f"its annotation cannot be read: {error.reason}",)


def _read_annotation(item: AnnotationRef) -> RawAnnotation:
    """Return an annotation, parsed now if it is in a file of its own."""
    if isinstance(item, RawAnnotation):
        return item
    try:
        return parse_page(read_file(item.path.parent, item.path.name, MAX_BYTES))
    except (PanelseekError, OSError) as error:
        reason = error.reason if isinstance(error, PanelseekError) else error.strerror or error
        return RawAnnotation(warnings=(f"the annotation {item.path} cannot be read: {reason}",))


def _digest(
    content: bytes, sidecar: bytes, annotations: tuple[RawAnnotation, ...], task: PageTask, settings: DecodeSettings
) -> str:
    """Return the SHA-256 of a page's bytes, its annotations and the version of panel detection.

    The OCR settings are not part of it: the catalog has a column for them.
    """
    detector = "page" if settings.page_is_panel else f"{DETECTOR_VERSION}:{'rtl' if task.right_to_left else 'ltr'}"
    parts = [content, hashlib.sha256(sidecar).digest(), detector.encode()]
    parts += [hashlib.sha256(item.fingerprint().encode("utf-8", "replace")).digest() for item in annotations]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _cut(
    page: Image.Image, detected: list[DetectedPanel], settings: DecodeSettings, *, images: bool
) -> tuple[list[DecodedPanel], list[str]]:
    """Return the panels of a page, and a warning for each box outside it; the whole page if no panel is left."""
    make = panel_input if images else text_input
    pictures = settings if images else None
    panels: list[DecodedPanel] = []
    dropped: list[str] = []
    for item in detected:
        panel = make(page, item.box, item.text or "", item.number)
        if panel is None:
            dropped.append(
                f"panel {item.number} dropped: its box {item.box.as_list()} is less than a pixel of the page"
            )
        else:
            panels.append(_decoded(page, panel, item, pictures))
    if not panels:
        whole = full_page(page)
        panel = make(page, whole.box, "", whole.number)
        assert panel is not None  # a page has at least one pixel
        panels.append(_decoded(page, panel, whole, pictures))
    return panels, dropped


def _decoded(
    page: Image.Image, panel: PanelInput, detected: DetectedPanel, pictures: DecodeSettings | None
) -> DecodedPanel:
    """Return a panel with its thumbnail and keypoints as the settings say; with neither if there are none."""
    cut = crop(page, panel.box) if pictures is not None and pictures.thumbnails else None
    if pictures is None or cut is None:
        return DecodedPanel(panel, detected, None)
    webp = encode_thumbnail(cut)
    return DecodedPanel(panel, detected, webp, pack_thumbnail_keypoints(webp) if pictures.keypoints else None)
