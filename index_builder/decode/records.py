"""Frozen records of page decoding: tasks, settings and results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from index_builder.annotations.collection import AnnotationRef
from index_builder.dialogue import OcrResult, OcrSettings
from retrieval.books import ReadLimits
from retrieval.encoder.protocol import PanelInput
from retrieval.records import Box


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """Settings that all pages of one build share, and paths on this machine.

    sources: paths of the sources by id. known_hashes: file of `write_hashes`; pages with such content are not decoded.
    keypoints: find those of thumbnails. ocr: OCR settings; None to leave text unread. text_only: leave out the images
    of panels that only lack their text.
    """

    sources: Mapping[int, Path]
    limits: ReadLimits
    page_is_panel: bool = False
    thumbnails: bool = True
    keypoints: bool = True
    ocr: OcrSettings | None = None
    text_only: bool = False
    known_hashes: str | None = None


@dataclass(frozen=True, slots=True)
class PageTask:
    """One page to decode: it names its source by id and its book by the path below that.

    book: "" for the source itself. name: the page inside the book. annotation: file next to the page, if any.
    annotations: other annotations of the page, the most trusted first. previous_digest: digest in the catalog, None
    for a new page. ocr_only: decode the page although its content is known, for its text; its panels have no image.
    digest_only: return the digest without decoding.
    """

    source_id: int
    book: str
    name: str
    annotation: str | None
    previous_digest: str | None
    right_to_left: bool
    annotations: tuple[AnnotationRef, ...] = ()
    ocr_only: bool = False
    digest_only: bool = False


@dataclass(frozen=True, slots=True)
class DetectedPanel:
    """A panel before it is cut out.

    box_source: annotation, detector or page. text: None if unknown. text_source: annotation, ocr, or "" without text.
    """

    number: int
    box: Box
    box_source: str
    text: str | None = None
    sound_effects: str = ""
    text_source: str = ""


@dataclass(frozen=True, slots=True)
class DecodedPanel:
    """A panel as encoder input, how it was detected, its thumbnail as WebP bytes, and the packed keypoints of that."""

    input: PanelInput
    detected: DetectedPanel
    thumbnail: bytes | None
    keypoints: bytes | None = None


@dataclass(frozen=True, slots=True)
class DecodedPage:
    """A page ready to be encoded; `panels` is None if its content is in the index already.

    ocr_engine: as in the catalog: the engine that read its text, "" if OCR was not needed, None if it did not run.
    ocr: result of OCR, from the engine or the cache; None if the page was not read.
    text_only: True if the panels have neither image nor thumbnail, because those in the index are still right.
    """

    digest: str
    width: int
    height: int
    panels: tuple[DecodedPanel, ...] | None
    warnings: tuple[str, ...]
    ocr_engine: str | None = None
    ocr: OcrResult | None = None
    text_only: bool = False


@dataclass(frozen=True, slots=True)
class DecodeError:
    """The reason why a page cannot be read, without its path."""

    reason: str


DecodeResult = DecodedPage | DecodeError
