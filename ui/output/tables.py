"""What the commands print for people: tables and short reports on standard output."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ui.output.progress import duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from index_builder import BuildReport
    from index_builder.report import OcrCounts
    from retrieval import Facet, Hit
    from retrieval.store.catalog.records import BookSummary
    from retrieval.verify import VerifyReport

_PLAIN_WIDTH = 120
"""Columns where the output is no terminal."""

MEASURED = {"small": "how well it finds panels: docs/evaluation.md"}
"""Encoders whose figures stand in the documentation."""

PROVISIONAL = "the picture part of this encoder is provisional: it finds near copies, not meaning"


def console() -> Console:
    """Standard output as wide as the terminal; no colour or markup from comics ever gets through."""
    from rich.console import Console

    found = Console(highlight=False, markup=False, emoji=False)
    return found if found.is_terminal else Console(highlight=False, markup=False, emoji=False, width=_PLAIN_WIDTH)


def one_line(text: str) -> str:
    """Text with what would break its line, or steer a terminal, written as a program would: file names may hold it."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda sign: ascii(sign[0])[1:-1], text)


def print_hits(hits: Sequence[Hit]) -> None:
    """One line a hit: rank, score, where it is, its id for --panel, why it matched, what it says."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    out = console()
    book_width = max(len("book"), min(max((len(h.panel.book) for h in hits), default=0), out.width // 4))
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("rank", "score"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("book", width=book_width, no_wrap=True, overflow="ellipsis")
    for name in ("page", "panel", "id"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("why", no_wrap=True)
    table.add_column("dialogue", width=max(12, out.width - book_width - 54), no_wrap=True, overflow="ellipsis")
    for hit in hits:
        panel = hit.panel
        said = " ".join(panel.dialogue.split())
        why = "meaning" if hit.matched_on == "words" and not hit.matched_words else hit.matched_on
        row = (hit.rank, f"{hit.score:.3f}", panel.book, panel.page_number, panel.number, panel.id, why, said)
        table.add_row(*(Text(str(cell)) for cell in row))
    out.print(table)


def print_report(report: BuildReport) -> None:
    """The end of a build: what is in the index, what happened to pages, what was skipped and why."""
    out = console()
    out.print(f"{report.index}: {holdings(report.books, report.pages, report.panels)}")
    fates = {
        "new": report.pages_new,
        "changed": report.pages_changed,
        "moved": report.pages_moved,
        "back again": report.pages_restored,
        "gone": report.pages_missing,
        "unchanged": report.pages_unchanged,
        "left out": report.pages_excluded,
    }
    out.print("pages: " + (", ".join(f"{count:,} {name}" for name, count in fates.items() if count) or "none here"))
    out.print(f"words: {report.panels_with_dialogue:,} panels have dialogue")
    print_doubtful(report.low_confidence_pages)
    if report.annotations:
        counts = ", ".join(f"{count:,} {name}" for name, count in report.annotations.items())
        out.print(f"annotations: {counts}")
    print_ocr(report.ocr)
    print_encoder(report.encoder)
    rate = f" at {report.panels_per_second:g} panels/s" if report.encoded else ""
    copied = f", {report.reused:,} copied from pages with the same content" if report.reused else ""
    stages = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in report.seconds.items() if name != "total")
    out.print(f"time: {duration(report.seconds['total'])}, {report.encoded:,} panels encoded{rate}{copied}")
    out.print(f"  {stages}")
    print_views(report.views)
    print_skipped([{"path": path, "reason": reason} for path, reason in report.skipped])
    for path, note in report.warnings[:20]:
        out.print(one_line(f"note: {path}: {note}"))
    if len(report.warnings) > 20:
        out.print(f"note: and {len(report.warnings) - 20} more (all of them with --json)")


def print_ocr(ocr: OcrCounts) -> None:
    """What OCR read in a build; nothing where no page needed it."""
    if not ocr.engine:
        return
    remembered = f", {ocr.cached:,} remembered from before" if ocr.cached else ""
    pace = f" in {duration(ocr.seconds)}, {ocr.seconds / ocr.pages:.1f} s each" if ocr.pages else ""
    out = console()
    out.print(f"ocr: {ocr.pages:,} pages read{pace}{remembered}; {ocr.words:,} words, {ocr.sound_effects:,} kept apart")
    out.print(f"  {ocr.engine}")


def print_doubtful(pages: int) -> None:
    """How many pages are kept whole besides their panels; nothing where there is none."""
    if pages:
        noun = "page" if pages == 1 else "pages"
        console().print(f"doubtful: {pages:,} {noun} kept whole besides the panels found there")


def holdings(books: int, pages: int, panels: int) -> str:
    """2 books, 1 page, 17 panels"""
    counts = (("book", books), ("page", pages), ("panel", panels))
    return ", ".join(f"{count:,} {name}{'' if count == 1 else 's'}" for name, count in counts)


def print_info(info: dict[str, Any]) -> None:
    """`panelseek info` for people."""
    out = console()
    out.print(f"{info['index']}: {holdings(info['books'], info['pages'], info['panels'])}")
    out.print(f"words: {info['panels_with_dialogue']:,} panels have dialogue")
    print_doubtful(info["doubtful_pages"])
    print_encoder(info["encoder"])
    built = (info["last_build"] or {}).get("at", "unknown")
    out.print(f"generation {info['generation']}, built {built}, {info['bytes'] / 2**20:.1f} MiB on disk")
    print_views(info["views"])
    for source in info["sources"]:
        out.print(f"source: {source}")
    if info["gone_pages"]:
        out.print(f"gone: {info['gone_pages']:,} pages wait for their files to come back")
    print_skipped(info["skipped"])


def print_books(books: Sequence[BookSummary]) -> None:
    """One line a book: its title (for --book), its path below the source, what it holds."""
    for book in books:
        path = f" ({book.path})" if book.path not in ("", book.title) else ""
        console().print(one_line(f"book: {book.title}{path}: {book.pages:,} pages, {book.panels:,} panels"))


def print_facets(facets: Mapping[str, Sequence[Facet]]) -> None:
    """One line a filter: its values with how many panels have them, most first."""
    for name, values in facets.items():
        if values:
            found = ", ".join(f"{facet.value} ({facet.panels:,})" for facet in values)
            console().print(one_line(f"{name}: {found}"))


def print_encoder(encoder: dict[str, Any]) -> None:
    out = console()
    out.print(f"encoder: {encoder['name']} ({encoder['fingerprint'][:12]})")
    if encoder["provisional"]:
        out.print(f"  {PROVISIONAL}")
    if encoder["name"] in MEASURED:
        out.print(f"  {MEASURED[encoder['name']]}")


def print_views(views: dict[str, Any]) -> None:
    for name, view in views.items():
        recall = view.get("recall_at_10")
        measured = "" if recall is None else f", recall@10 {recall:.3f}"
        console().print(f"view {name}: {view['panels']:,} panels, {view['kind']}{measured}")


def print_skipped(skipped: Sequence[dict[str, str]]) -> None:
    out = console()
    if skipped:
        out.print(f"skipped: {len(skipped):,}")
    for item in skipped[:20]:
        out.print(one_line(f"  {item['path']}: {item['reason']}"))
    if len(skipped) > 20:
        out.print(f"  and {len(skipped) - 20:,} more (all of them with --json)")


def print_verdict(verdict: VerifyReport) -> None:
    """`panelseek verify` for people."""
    out = console()
    looked = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in verdict.checked.items())
    out.print(f"checked: {looked}")
    for note in verdict.notes:
        out.print(f"note: {note}")
    for problem in verdict.problems:
        out.print(f"{problem.part}: {problem.found}: {problem.way_out}")
    out.print("all parts agree" if verdict.sound else f"{len(verdict.problems)} problems")
