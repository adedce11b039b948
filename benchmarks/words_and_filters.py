"""Measure questions in words, and facets, in a large catalog without vectors, next to plain SQL.

    python benchmarks/words_and_filters.py WORK [--panels 1000000] [--questions 40] [--plain 5]

Makes a catalog in WORK once: lines of common English words by Zipf's law, with rare words, metadata and page labels.
For each filter a catalog is opened anew, and it prints the processor time in milliseconds of one thread:

- first: the first question after opening. median, 99 of 100 within: the questions once their postings are in memory.
- ranking: comparing the words of the query with the dialogue of the panels that were found.
- plain SQL: the same panels and counts by SQL alone, which must be the same ones in the same order.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

import numpy as np
from sqlalchemy import Connection, NullPool, create_engine, insert

from benchmarks.facets import metadata_of
from benchmarks.figures.rows import Figures
from index_builder.write import CatalogWriter
from retrieval.encoder.inputs import tokenizer
from retrieval.filters import Filter, to_number
from retrieval.names import name_key
from retrieval.overview.facets import facets_of
from retrieval.search.full_text import MIN_LEXICAL
from retrieval.search.ranking.stop_words import STOP_WORDS
from retrieval.search.ranking.text_match import lexical_match
from retrieval.store.catalog.cached.columns import CachedColumns
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.fulltext import SqliteFullText
from retrieval.store.catalog.library import LibraryReader
from retrieval.store.catalog.panels import PanelReader
from retrieval.store.catalog.tables import BookMetadataRow, BookRow, PageRow, PanelRow
from retrieval.store.catalog.text import idf, tokens
from retrieval.store.layout import catalog_url
from tests.searching.plain_full_text import PlainFullText

PAGES, PANELS = 40, 5
_BOOKS = 50
"""Books written at once."""
SHAPES = [(100, 100), (100, 200), (300, 100), (160, 120)]
FILTERS: dict[str, dict[str, Any]] = {
    "no filter": {},
    "one book": {"book": "Book 7"},
    "one series": {"series": "Series 7"},
    "a decade": {"year": (1990, 1999)},
    "a label": {"label": "story"},
    "a pattern": {"book": "%7%"},
    "1,500 books": {"book": [f"Book {n}" for n in range(0, 3_000, 2)]},
    "panels with dialogue": {"has_dialogue": True},
    "first pages": {"page": (1, 4)},
    "several lists": {"writer": ["Writer 3", "Writer 9"], "label": ["cover", "story"], "aspect": ["tall", "wide"]},
    "aspect of free bounds": {"aspect": (0.5, 0.9)},
}
_RARE = 200_000
"""Different rare words, such as names; one word in 25 is one of them."""

_SYLLABLES = re.findall("[a-z]+", "ka lo mi ran tes vor el ush dra nim bo gar sil que thy zan po wre")


def vocabulary() -> list[str]:
    """Return words in order of their frequency, roughly: the tokenizer's vocabulary is sorted so."""
    numbers = tokenizer().get_vocab()
    words = sorted((w for w in numbers if w.isalpha() and w.isascii() and len(w) > 1), key=numbers.__getitem__)
    return [*(w for w in words if w in STOP_WORDS), *(w for w in words if w not in STOP_WORDS)]


class Lines:
    """Random dialogue: words by Zipf's law, of 1 to 24 words; one panel in seven has none."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.words = vocabulary()
        weights = 1 / (np.arange(len(self.words)) + 5.0)
        self._cumulated = np.cumsum(weights / weights.sum())

    def _rare(self) -> str:
        number = int(self.rng.zipf(1.2)) % _RARE
        return "".join(_SYLLABLES[number // 18**i % 18] for i in range(3)) + _SYLLABLES[number % 7]

    def dialogues(self, count: int) -> list[str]:
        """Return the dialogue of `count` panels."""
        sizes = self.rng.integers(1, 25, count) * (self.rng.random(count) > 1 / 7)
        places = np.minimum(np.searchsorted(self._cumulated, self.rng.random(sizes.sum())), len(self.words) - 1)
        rare = self.rng.random(len(places)) < 0.04
        words = [self._rare() if r else self.words[p] for p, r in zip(places.tolist(), rare.tolist(), strict=True)]
        ends = np.cumsum(sizes)
        return [" ".join(words[end - size : end]) for end, size in zip(ends.tolist(), sizes.tolist(), strict=True)]


def write_catalog(folder: Path, panels: int) -> None:
    """Write a catalog of books of 200 panels with metadata and page labels; without checksums, which take minutes."""
    lines, size = Lines(1), PAGES * PANELS
    folder.mkdir(parents=True, exist_ok=True)
    with CatalogWriter.create(catalog_url(folder)) as catalog:
        source = catalog.source_id(Path("/synthetic"))
        with catalog.engine.begin() as connection:
            for trigger in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").all():
                connection.exec_driver_sql(f"DROP TRIGGER {trigger[0]}")
        for first in range(0, panels // size, _BOOKS):
            with catalog.engine.begin() as connection:
                _write_books(connection, source, range(first, min(first + _BOOKS, panels // size)), lines)
            print(f"{first * size:,} panels written", file=sys.stderr, flush=True)
        catalog.write_settings(generation=1)


def _write_books(connection: Connection, source: int, books: range, lines: Lines) -> None:
    size = PAGES * PANELS
    names = [f"Book {n}" for n in books]
    columns = ("id", "source_id", "path", "path_key", "title", "title_key", "book_format")
    rows = [(n + 1, source, t, name_key(t), t, name_key(t), "folder") for n, t in zip(books, names, strict=True)]
    connection.execute(insert(BookRow), [dict(zip(columns, row, strict=True)) for row in rows])
    metadata = [(n, *pair, k) for n in books for k, pair in enumerate(metadata_of(n))]
    connection.execute(insert(BookMetadataRow), [_metadata(n, *pair) for n, *pair in metadata])
    pages = range(books.start * PAGES, books.stop * PAGES)
    connection.execute(insert(PageRow), [_page(n) for n in pages])
    panels = [_panel(n, d) for n, d in zip(range(books.start * size, books.stop * size),
                                           lines.dialogues(len(books) * size), strict=True)]  # fmt: skip
    connection.execute(insert(PanelRow), panels)
    SqliteFullText().add(connection, [(p["id"], p["dialogue"]) for p in panels if p["dialogue"]])


def _metadata(book: int, name: str, value: str, position: int) -> dict[str, Any]:
    return {"book_id": book + 1, "name": name, "value": value, "position": position, "casefolded": name_key(value),
            "numeric": to_number(value)}  # fmt: skip


def _page(number: int) -> dict[str, Any]:
    place = number % PAGES
    label = "cover" if place == 0 else "advertisement" if place == PAGES - 1 else "story"
    return {"id": number + 1, "book_id": number // PAGES + 1, "name": f"{place}.png", "number": place + 1,
            "fingerprint": "", "digest": f"digest {number}", "width": 300, "height": 400, "label": label,
            "missing": number % 97 == 0, "panel_count": PANELS, "ocr_engine": None}  # fmt: skip


def _panel(number: int, dialogue: str) -> dict[str, Any]:
    w, h = SHAPES[number % len(SHAPES)]
    gates = dict.fromkeys(("gate_picture", "gate_dialogue", "gate_composition"), 1 / 3)
    return {"id": number + 1, "page_id": number // PANELS + 1, "number": number % PANELS + 1, "x": 0, "y": 0, "w": w,
            "h": h, "dialogue": dialogue, "sound_effects": "", "text_source": "ocr", "vector_row": number,
            "box_source": "page" if number % 9 == 0 else "annotation", **gates, "vector_checksums": b"12345678" * 3,
            "picture_norm": 1.0}  # fmt: skip


def plain_readers(catalog: Catalog) -> tuple[PanelReader, LibraryReader]:
    """Return readers of the same database that keep nothing in memory: words and filters in plain SQL."""
    nothing = CachedColumns(create_engine("sqlite://", poolclass=NullPool))
    return PanelReader(catalog.engine, PlainFullText(), nothing), LibraryReader(catalog.engine, nothing)


def timed(call: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Return the processor milliseconds of a call, which other programs lengthen less than its time, and its result."""
    began = time.process_time()
    result = call(*arguments)
    return 1000 * (time.process_time() - began), result


def look_up(panels: PanelReader, terms: list[str], where: Filter) -> list[int]:
    """Return the panels that a search by words looks at, as `full_text.lexical_query` finds them."""
    panels.word_counts(terms)
    return panels.word_candidates(terms, MIN_LEXICAL, where)


def rank(panels: PanelReader, terms: list[str], ids: list[int]) -> None:
    """Compare the words of a query with the dialogue of panels, as `ranking.hybrid` does."""
    weights = idf(terms, panels.word_counts(terms), 1_000_000)
    for dialogue in panels.dialogues(ids).values():
        lexical_match(terms, dialogue, weights)


def questions_of(catalog: Catalog, count: int) -> list[list[str]]:
    """Return the words of questions: parts of lines, some with a wrong letter, and their words in another order."""
    rng = np.random.default_rng(7)
    ids = catalog.panels.matching_ids(Filter.of({"has_dialogue": True}))
    found = []
    for number, panel in enumerate(rng.choice(ids, count).tolist()):
        words = tokens(catalog.panels.dialogues([panel])[panel])
        start = int(rng.integers(len(words)))
        words = words[start : start + int(rng.integers(2, 10))]
        if number % 3 == 1:
            words = [word[:-1] + "x" if len(word) > 4 else word for word in words]
        found.append(rng.permutation(words).tolist() if number % 3 == 2 else words)
    return found


def measure(catalog: Catalog, questions: list[list[str]], where: Filter, plain: int) -> list[float]:
    """Return the figures of one row of the table. Plain SQL must find and count the same panels."""
    panels, (plain_panels, plain_library) = catalog.panels, plain_readers(catalog)
    first = timed(look_up, panels, questions[0], where)[0]
    for _ in range(2):
        ours = [timed(look_up, panels, terms, where) for terms in questions]
    ranking = [timed(rank, panels, terms, ids)[0] for terms, (_, ids) in zip(questions, ours, strict=True)]
    theirs = [timed(look_up, plain_panels, terms, where) for terms in questions[:plain]]
    first_facets, found = timed(facets_of, catalog, where, 50)
    facets = timed(facets_of, catalog, where, 50)[0]
    catalog.library = plain_library
    plain_facets, expected = timed(facets_of, catalog, where, 50)
    if found != expected or any(own[1] != other[1] for own, other in zip(ours, theirs, strict=False)):
        raise SystemExit(f"plain SQL finds other panels: {where}")
    times = [milliseconds for milliseconds, _ in ours]
    plain_time = float(np.median([milliseconds for milliseconds, _ in theirs])) if theirs else np.nan
    words = [first, float(np.median(times)), float(np.quantile(times, 0.99)), float(np.median(ranking)), plain_time]
    return [*words, first_facets, facets, plain_facets]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--panels", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--plain", type=int, default=5, help="questions that plain SQL answers, too")
    parser.add_argument("--json", action="store_true", help="print the figures as rows")
    given = parser.parse_args()
    shown = Figures(
        "words_and_filters", given.json, "" if given.panels >= 1_000_000 else f"{given.panels:,} panels only"
    )
    folder = given.work / f"{given.panels}.catalog"
    if not folder.exists():
        began = time.perf_counter()
        write_catalog(folder, given.panels)
        print(f"catalog made in {time.perf_counter() - began:,.0f} s", flush=True)
    with Catalog.open(catalog_url(folder)) as catalog:
        questions = questions_of(catalog, given.questions)
    print("| filter | first | median | 99 of 100 within | ranking | plain SQL | first facets | facets | plain SQL |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, where in FILTERS.items():
        with Catalog.open(catalog_url(folder)) as catalog:
            figures = measure(catalog, questions, Filter.of(where), given.plain)
        print(f"| {name} | {' | '.join(f'{figure:,.0f} ms' for figure in figures)} |", flush=True)
        _, median, slowest, ranking, plain, _, facets, plain_facets = figures
        shown.add(
            f"words, {name}", median, "ms", plain, "plain SQL", f"99 of 100 {slowest:.0f} ms, ranking {ranking:.0f}"
        )
        shown.add(f"facets, {name}", facets, "ms", plain_facets, "plain SQL")


if __name__ == "__main__":
    main()
