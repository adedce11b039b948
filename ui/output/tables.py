"""Tables and short reports that the commands print on standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ui.output.errors import error_sentence
from ui.output.progress import duration
from ui.output.terminal import console, echo, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from index_builder import BuildReport, RepairReport
    from index_builder.report import OcrCounts
    from retrieval import Facet, Hit
    from retrieval.store.catalog.records import BookSummary
    from retrieval.verify import VerifyReport

_MAX_LISTED = 20
"""Skipped files and warnings listed for a person; --json has all of them."""

_STATUSES = ("new", "changed", "moved", "restored", "missing", "unchanged", "excluded")
"""Statuses of pages after a build, in the order they are printed."""

EVALUATION_HINTS = {"small": "Measure its search accuracy with `panelseek evaluate`."}
"""Encoder name -> hint on its search accuracy; the web app shows it too."""

PROVISIONAL = "This encoder is provisional: it finds near copies of an image, not similar content."


def holdings(books: int, pages: int, panels: int) -> str:
    """Return counts as text: `2 books, 1 page, 17 panels`."""
    return ", ".join((_counted(books, "book"), _counted(pages, "page"), _counted(panels, "panel")))


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


# -------------------------------------------------------------------- a search


def print_hits(hits: Sequence[Hit]) -> None:
    """Print one line a hit: rank, relevance, its place, its id for --like, why it matched, its dialogue."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    out = console()
    book_width = max(len("book"), min(max((len(one_line(h.panel.book)) for h in hits), default=0), out.width // 4))
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("rank", "relevance"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("book", width=book_width, no_wrap=True, overflow="ellipsis")
    for name in ("page", "panel", "id"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("match", no_wrap=True)
    table.add_column("dialogue", width=max(12, out.width - book_width - 58), no_wrap=True, overflow="ellipsis")
    for hit in hits:
        panel = hit.panel
        place = (panel.book, panel.page_number, panel.number, panel.id)
        row = (hit.rank, f"{hit.relevance:.0%}", *place, hit.matched_on, " ".join(panel.dialogue.split()))
        table.add_row(*map(str, row))
    out.print(table)


# --------------------------------------------------------------------- a build


def print_report(report: BuildReport) -> None:
    """Print the end of a build: what the index holds, what happened to the pages, what was skipped and why."""
    out = console()
    out.print(f"{report.index}: {holdings(report.books, report.pages, report.panels)}")
    out.print(f"pages: {page_statuses(report, _STATUSES) or 'none here'}")
    out.print(f"dialogue: {_counted(report.panels_with_dialogue, 'panel')}")
    _print_low_confidence(report.low_confidence_pages)
    if report.annotations:
        out.print("annotations: " + ", ".join(f"{count:,} {name}" for name, count in report.annotations.items()))
    _print_ocr(report.ocr)
    _print_encoder(report.encoder)
    _print_times(report)
    _print_views(report.views)
    _print_skipped([{"path": path, "reason": reason} for path, reason in report.skipped])
    for path, warning in report.warnings[:_MAX_LISTED]:
        out.print(f"warning: {path}: {warning}")
    if len(report.warnings) > _MAX_LISTED:
        out.print(f"warning: and {len(report.warnings) - _MAX_LISTED:,} more (all of them with --json)")


def page_statuses(report: BuildReport, statuses: Sequence[str]) -> str:
    """Return how many pages have each status: `3 new, 1 moved`; empty if none has."""
    counts = {name: getattr(report, f"pages_{name}") for name in statuses}
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def _print_times(report: BuildReport) -> None:
    out = console()
    rate = f" at {report.panels_per_second:g} panels/s" if report.encoded else ""
    reused = f", {report.reused:,} reused from identical pages" if report.reused else ""
    stages = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in report.seconds.items() if name != "total")
    out.print(f"time: {duration(report.seconds['total'])}, {report.encoded:,} panels encoded{rate}{reused}")
    out.print(f"  {stages}")


def _print_ocr(ocr: OcrCounts) -> None:
    """Print what OCR read in a build; nothing if no page needed it."""
    if not ocr.engine:
        return
    cached = f", {ocr.cached:,} lines from the cache" if ocr.cached else ""
    pace = f" in {duration(ocr.seconds)}, {ocr.seconds / ocr.pages:.1f} s each" if ocr.pages else ""
    words = f"{ocr.words:,} words of dialogue, {ocr.sound_effects:,} of sound effects"
    out = console()
    out.print(f"ocr: {ocr.pages:,} pages read{pace}{cached}; {words}")
    out.print(f"  {ocr.engine}")


def _print_low_confidence(pages: int) -> None:
    """Print the number of pages with low-confidence panels; nothing if there is none."""
    if pages:
        echo(f"low-confidence panels: {_counted(pages, 'page')}, also indexed whole")


# ------------------------------------------------------------------- an index


def print_info(info: Mapping[str, Any]) -> None:
    """Print `PanelIndex.info()`."""
    echo(f"{info['index']}: {holdings(info['books'], info['pages'], info['panels'])}")
    echo(f"dialogue: {_counted(info['panels_with_dialogue'], 'panel')}")
    _print_low_confidence(info["low_confidence_pages"])
    _print_encoder(info["encoder"] or {})
    built = (info["last_build"] or {}).get("at", "unknown")
    echo(f"generation {info['generation']}, built {built}, {info['bytes'] / 2**20:.1f} MiB on disk")
    _print_views(info["views"])
    for source in info["sources"]:
        echo(f"source: {source}")
    if info["missing_pages"]:
        echo(f"missing: {_counted(info['missing_pages'], 'page')}, kept in case the files come back")
    _print_skipped(info["skipped"])


def print_books(books: Sequence[BookSummary]) -> None:
    """Print one line a book: its title (for --book), its path below the source, what it holds."""
    for book in books:
        path = f" ({book.path})" if book.path not in ("", book.title) else ""
        held = f"{_counted(book.pages, 'page')}, {_counted(book.panels, 'panel')}"
        echo(f"book: {book.title}{path}: {held}")


def print_facets(facets: Mapping[str, Sequence[Facet]]) -> None:
    """Print one line a filter: its values with the number of their panels, most panels first."""
    for name, values in facets.items():
        if values:
            found = ", ".join(f"{facet.value} ({facet.panels:,})" for facet in values)
            echo(f"{name}: {found}")


def _print_encoder(encoder: Mapping[str, Any]) -> None:
    if not encoder:
        echo("encoder: unknown")
        return
    precision = "" if encoder.get("precision", "float32") == "float32" else f", {encoder['precision']}"
    echo(f"encoder: {encoder['name']} ({encoder['fingerprint'][:12]}{precision})")
    if encoder["provisional"]:
        echo(f"  {PROVISIONAL}")
    if encoder["name"] in EVALUATION_HINTS:
        echo(f"  {EVALUATION_HINTS[encoder['name']]}")
    if gate := encoder.get("gate"):
        weights = " / ".join(f"{weight:.2f}" for weight in gate.values())
        echo(f"gate: fixed weights {weights}, the same for every panel ({' / '.join(gate)})")


def _print_views(views: Mapping[str, Any]) -> None:
    for name, view in views.items():
        recall = view.get("recall_at_10")
        measured = "" if recall is None else f", recall@10 {recall:.3f}"
        echo(f"view {name}: {view['panels']:,} panels, {view['index_type']}{measured}")


def _print_skipped(skipped: Sequence[Mapping[str, str]]) -> None:
    if skipped:
        echo(f"skipped: {len(skipped):,}")
    for item in skipped[:_MAX_LISTED]:
        echo(f"  {item['path']}: {item['reason']}")
    if len(skipped) > _MAX_LISTED:
        echo(f"  and {len(skipped) - _MAX_LISTED:,} more (all of them with --json)")


def print_repair(report: RepairReport) -> None:
    """Print what a repair did, on standard error, one line each."""
    lines = {
        "rebuilt": report.rebuilt,
        "encoded again": report.encoded_again,
        "removed from the catalog": report.removed,
        "not repaired": report.not_repaired,
    }
    for title, texts in lines.items():
        for text in texts[:_MAX_LISTED]:
            echo(f"{title}: {text}", err=True)
        if len(texts) > _MAX_LISTED:
            echo(f"{title}: and {len(texts) - _MAX_LISTED:,} more (all of them with --json)", err=True)


def print_verification(report: VerifyReport) -> None:
    """Print the result of `panelseek verify`."""
    from retrieval.errors import PanelseekError

    out = console()
    out.print("checked: " + ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in report.checked.items()))
    for note in report.notes:
        out.print(f"note: {note}")
    for problem in report.problems:
        error = PanelseekError(problem.found, problem.path, problem.hint)
        out.print(f"{problem.part}: {error_sentence(error)}")
    out.print("no problems found" if report.sound else _counted(len(report.problems), "problem"))
