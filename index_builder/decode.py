"""One page, decoded: its panels cut out, resized for the encoder, with their words.

Runs in worker processes, so it imports neither torch nor FAISS.
"""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from index_builder.annotations import PageAnnotation, Written, merged, words_of_panels, written_page
from index_builder.annotations.collection import Said
from index_builder.panels import FINDER, find_panels
from retrieval.crops import crop, panel_input
from retrieval.errors import PanelseekError
from retrieval.pages import Reading, read_page
from retrieval.pages.folder import read_file
from retrieval.pictures import MAX_BYTES, open_picture
from retrieval.records import Box, PanelInput
from retrieval.thumbnails import encode_thumbnail


@dataclass(frozen=True, slots=True)
class PageTask:
    """What a worker needs to decode a page; `known` is the digest the catalog remembers, if any.

    `annotation` is the file beside the page, `said` what other files say about it, the most trusted first.
    """

    book: Path
    name: str
    annotation: str | None
    known: str | None
    whole_pages: bool
    right_to_left: bool
    reading: Reading
    thumbnails: bool
    said: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class DecodedPanel:
    """A panel with where its box came from (annotation, finder or page) and its small picture (WebP)."""

    input: PanelInput
    origin: str
    thumbnail: bytes | None


@dataclass(frozen=True, slots=True)
class DecodedPage:
    """A page ready to be encoded; `panels` is None when its content is the one already known."""

    digest: str
    width: int
    height: int
    panels: tuple[DecodedPanel, ...] | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """A page that could not be read, and why."""

    reason: str


def decode_page(task: PageTask) -> DecodedPage | Failed:
    """Read, decode and cut one page. Never raises for bad input: the reason comes back instead."""
    try:
        data = read_page(task.book, task.name, task.reading)
        notes = read_page(task.book, task.annotation, task.reading) if task.annotation else b""
        said = tuple(_written(item) for item in task.said)
        digest = _digest(data, notes, said, task)
        if digest == task.known:
            return DecodedPage(digest, 0, 0, None, ())
        page = open_picture(data, max_pixels=task.reading.max_pixels, max_bytes=task.reading.max_bytes)
        own = (written_page(notes),) if task.annotation else ()
        annotation = merged((*own, *said), page.width, page.height, right_to_left=task.right_to_left)
        panels, lost = _cut(page, task, annotation)
        return DecodedPage(digest, page.width, page.height, tuple(panels), (*annotation.notes, *lost))
    except PanelseekError as error:
        return Failed(str(error))
    except MemoryError:
        return Failed("there is not enough memory to decode it")
    except Exception as error:  # whatever a decoder makes of a page, the other pages go on
        return Failed(f"it cannot be decoded ({type(error).__name__}: {error})")


def _written(said: Said) -> Written:
    """What is said about the page, read now where it stands in a file of its own."""
    if isinstance(said, Written):
        return said
    try:
        return written_page(read_file(said.path.parent, said.path.name, MAX_BYTES))
    except (PanelseekError, OSError) as error:
        return Written(notes=(f"the annotation {said.path} cannot be read: {error}",))


def _digest(data: bytes, annotation: bytes, said: tuple[Written, ...], task: PageTask) -> str:
    """Fingerprint of all that decides the page's panels: its bytes, what is said about it, how they are found."""
    finder = "page" if task.whole_pages else f"{FINDER}:{'rtl' if task.right_to_left else 'ltr'}"
    parts = [hashlib.sha256(data).digest(), hashlib.sha256(annotation).digest(), finder.encode()]
    parts += [hashlib.sha256(written.mark().encode("utf-8", "replace")).digest() for written in said]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _cut(page: Image.Image, task: PageTask, annotation: PageAnnotation) -> tuple[list[DecodedPanel], list[str]]:
    """The page's panels, and a note for each box that shows nothing; where none is left, the whole page."""
    whole = (1, Box(0, 0, page.width, page.height), "", "page")
    found: list[DecodedPanel] = []
    lost: list[str] = []
    for number, box, text, origin in _boxes(page, task, annotation):
        panel = panel_input(page, box, text, number)
        if panel is None:
            lost.append(f"panel {number} dropped: its box {box.as_list()} is less than a pixel of the page")
        else:
            found.append(_decoded(page, panel, origin, task))
    if not found:
        panel = panel_input(page, *whole[1:3], whole[0])
        assert panel is not None  # a page has at least one pixel
        found.append(_decoded(page, panel, whole[3], task))
    return found, lost


def _decoded(page: Image.Image, panel: PanelInput, origin: str, task: PageTask) -> DecodedPanel:
    return DecodedPanel(panel, origin, _thumbnail(page, panel.box) if task.thumbnails else None)


def _boxes(page: Image.Image, task: PageTask, annotation: PageAnnotation) -> list[tuple[int, Box, str, str]]:
    """(number, box, words, origin) of a page's panels: as annotated, else as found, else the whole page."""
    if annotation.panels:
        return [(p.number, p.box, p.text or "", "annotation") for p in annotation.panels]
    right_to_left = (
        task.right_to_left if annotation.reading_direction is None else annotation.reading_direction == "rtl"
    )
    boxes = [] if task.whole_pages else find_panels(np.asarray(page), right_to_left=right_to_left)
    origin = "finder" if boxes else "page"
    boxes = boxes or [Box(0, 0, page.width, page.height)]
    said = words_of_panels(annotation, boxes, right_to_left=right_to_left)
    return [(n, box, text or "", origin) for n, (box, (text, _)) in enumerate(zip(boxes, said, strict=True), 1)]


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
