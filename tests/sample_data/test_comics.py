"""The committed sample comics are what their stories say."""

import io
import json
import zipfile
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from natsort import natsorted
from PIL import Image

from sample_data import COMICS
from tools.sample_comics.books import BOOKS
from tools.sample_comics.draw.pages import draw_page
from tools.sample_comics.draw.style import Hand
from tools.sample_comics.draw.words.lettering import letters, measure, wrap
from tools.sample_comics.output import encoded, page_name, write_book
from tools.sample_comics.story import Book, Page

HERE = COMICS.parent
by_name = pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)


def records(book: Book) -> list[dict[str, Any]]:
    """The annotations of each page, as committed."""
    if book.packing == "cbz":
        pages: list[dict[str, Any]] = json.loads((HERE / "truth" / f"{book.name}.json").read_text())["pages"]
        return pages
    return [json.loads(path.read_text()) for path in natsorted((COMICS / book.title).glob("*.json"))]


def size(record: dict[str, Any]) -> tuple[int, int]:
    return record.get("image_width") or record["width"], record.get("image_height") or record["height"]


def picture(book: Book, number: int) -> Image.Image:
    name = page_name(book, number)
    if book.packing != "cbz":
        return Image.open(COMICS / book.title / name).convert("RGB")
    with zipfile.ZipFile(COMICS / f"{book.title}.cbz") as archive:
        return Image.open(io.BytesIO(archive.read(name))).convert("RGB")


@cache
def lines() -> tuple[str, ...]:
    return tuple(words.text for book in BOOKS for page in book.pages for panel in page.panels for words in panel.words)


def test_there_are_about_sixty_pages_and_three_hundred_panels() -> None:
    assert len(BOOKS) >= 4
    assert 58 <= sum(len(book.pages) for book in BOOKS) <= 64
    assert 290 <= sum(len(page.panels) for book in BOOKS for page in book.pages) <= 320


def test_nobody_says_the_same_thing_twice() -> None:
    said = Counter(line.lower() for line in lines())
    assert [line for line, count in said.items() if count > 1] == []


def test_every_letter_is_in_the_alphabet() -> None:
    for line in lines():
        assert measure(line, Hand()) > 0


@by_name
def test_the_annotations_match_the_story(book: Book) -> None:
    found = records(book)
    assert len(found) == len(book.pages)
    for record, page in zip(found, book.pages, strict=True):
        texts = ["\n".join(words.text for words in panel.words) for panel in page.panels]
        assert [panel["text"] for panel in record["panels"]] == texts


@by_name
def test_boxes_lie_on_the_page_and_balloons_in_their_panels(book: Book) -> None:
    for record in records(book):
        width, height = size(record)
        boxes = [panel["bbox"] for panel in record["panels"]]
        for x, y, w, h in boxes:
            assert x >= 0
            assert y >= 0
            assert w > 60
            assert h > 60
            assert x + w <= width
            assert y + h <= height
        for block in record.get("blocks", []):
            assert overlap(block["bbox"], boxes[block["panel"]]) > 0.93, block


def overlap(inner: list[int], outer: list[int]) -> float:
    """The share of one box that lies in another."""
    w = min(inner[0] + inner[2], outer[0] + outer[2]) - max(inner[0], outer[0])
    h = min(inner[1] + inner[3], outer[1] + outer[3]) - max(inner[1], outer[1])
    return max(w, 0) * max(h, 0) / (inner[2] * inner[3])


@by_name
def test_a_page_drawn_again_is_the_committed_page(book: Book) -> None:
    drawn, committed = draw_page(book, 2), picture(book, 2)
    assert committed.size == drawn.image.size == size(records(book)[1])
    again = np.asarray(Image.open(io.BytesIO(encoded(book, drawn.image))).convert("RGB"), dtype=np.int16)
    away = np.abs(again - np.asarray(committed, dtype=np.int16))
    assert away.mean() < 0.5
    assert [list(panel.box) for panel in drawn.panels] == [panel["bbox"] for panel in records(book)[1]["panels"]]


@by_name
def test_a_cbz_holds_unpadded_pages_and_no_annotations(book: Book) -> None:
    if book.packing != "cbz":
        assert not (COMICS / f"{book.title}.cbz").exists()
        return
    with zipfile.ZipFile(COMICS / f"{book.title}.cbz") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert natsorted(names) == [page_name(book, number) for number in range(1, len(book.pages) + 1)]
    assert natsorted(names) != sorted(names)
    assert not list(COMICS.glob(f"{book.title}*.json"))


def test_manga_panels_are_listed_from_right_to_left() -> None:
    book = next(book for book in BOOKS if book.style.rtl)
    record = records(book)[2]
    assert record["reading_direction"] == "rtl"
    assert record["panels"][0]["bbox"][0] > record["panels"][1]["bbox"][0]


def test_slanted_panels_carry_their_outline() -> None:
    outlines = [
        panel for book in BOOKS if book.packing != "stage1" for page in records(book) for panel in page["panels"]
    ]
    assert any("polygon" in panel for panel in outlines)


def test_the_committed_files_stay_small() -> None:
    files = [path for path in HERE.rglob("*") if path.is_file() and path.suffix in {".jpg", ".png", ".cbz", ".json"}]
    assert sum(path.stat().st_size for path in files) <= 9_000_000


def queries() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((HERE / "queries.json").read_text())
    return found


COMMON = {"the", "a", "an", "who", "is", "it", "to", "of", "and", "i", "in", "that", "with", "was"}


@pytest.mark.parametrize("query", queries(), ids=lambda query: query["text"] or query["image"])
def test_a_query_points_at_the_one_panel_it_means(query: dict[str, Any]) -> None:
    book = next(book for book in BOOKS if book.title == query["book"])
    words = {word.strip(".,!?") for word in query["text"].lower().split()} - COMMON
    meant = records(book)[query["page"] - 1]["panels"][query["panel"] - 1]
    assert shared(words, meant["text"]) >= 0.6 * len(words)
    if words:
        others = [p["text"] for b in BOOKS for page in records(b) for p in page["panels"] if p["text"] != meant["text"]]
        assert max(shared(words, text) for text in others) < shared(words, meant["text"])


def shared(words: set[str], text: str) -> int:
    return len(words & {word.strip(".,!?") for word in text.lower().split()})


def test_the_picture_query_shows_its_panel() -> None:
    query = next(query for query in queries() if "image" in query)
    book = next(book for book in BOOKS if book.title == query["book"])
    x, y, w, h = records(book)[query["page"] - 1]["panels"][query["panel"] - 1]["bbox"]
    panel = picture(book, query["page"]).crop((x, y, x + w, y + h)).resize((24, 24)).convert("L")
    asked = Image.open(HERE / query["image"]).resize((24, 24)).convert("L")
    assert np.corrcoef(np.asarray(panel).ravel(), np.asarray(asked).ravel())[0, 1] > 0.85


def test_only_the_word_i_wears_serifs() -> None:
    assert letters("I'm in") == ["I|", "'", "M", " ", "I", "N"]


def test_wrapping_keeps_lines_within_their_width() -> None:
    hand = Hand()
    rows = wrap("a keeper hears a noise below the stairs", hand, 200)
    assert " ".join(rows) == "a keeper hears a noise below the stairs"
    assert max(measure(row, hand) for row in rows) <= 200


def test_an_archive_is_written_the_same_twice(tmp_path: Path) -> None:
    panel = BOOKS[1].pages[1].panels[1]
    book = replace(BOOKS[1], pages=(Page("100:1", (panel,)),))
    for name in ("one", "two"):
        write_book(book, tmp_path / name, tmp_path / "truth")
    one, two = (tmp_path / name / f"{book.title}.cbz" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
