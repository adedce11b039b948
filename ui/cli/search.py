"""The command `search`."""

from __future__ import annotations

import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from retrieval.errors import PanelseekError, UsageError
from retrieval.filters import METADATA_FILTERS, Filter
from retrieval.records import View
from retrieval.search.query import ANY_VIEW, Query
from ui.cli.options import (
    FOLDER,
    PATH,
    GroupedCommand,
    device_option,
    encoder_option,
    index_option,
    json_option,
    metadata_options,
    one_or_list,
    parse_metadata,
    parse_range,
    short_run,
)
from ui.output.terminal import echo, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval import Hit, PanelIndex

_RANGES = {"page": "--pages", "aspect": "--aspect", "size": "--size"}
"""Filters that take a range, and their options."""

_GROUPS = {
    "Query": ("text", "image", "panel", "negative_text", "view"),
    "Results": ("k", "offset", "min_score", "per_page", "per_book", "save", "as_json"),
    "Filters (% matches any text; may be repeated, to keep any of several)": (
        *("book", "source", "page", "has_dialogue", "aspect", "size"),
        *METADATA_FILTERS,
        "label",
    ),
    "Index": ("folder", "exact", "nprobe", "encoder", "device"),
}


@click.command(cls=GroupedCommand, groups=_GROUPS)
@click.argument("words", required=False)
@index_option
@click.option("--text", metavar="TEXT", help="Search for these words; the same as WORDS.")
@click.option("--image", type=PATH, metavar="FILE", help="Search with this image.")
@click.option(
    "--like", "panel", type=click.IntRange(1), metavar="ID", help="Find panels like this one (an id of other results)."
)
@click.option("--negative", "negative_text", metavar="TEXT", help="Exclude words: panels with them rank lower.")
@click.option(
    "--view",
    type=click.Choice([str(View.DIALOGUE), str(View.PICTURE), str(View.FUSED), ANY_VIEW]),
    help="Search in this view; any: dialogue and pictures.  [default: follows the query]",
)
@click.option(
    "-k", "--count", "k", type=click.IntRange(1), default=12, show_default=True, metavar="N", help="Return N results."
)
@click.option(
    "--offset", type=click.IntRange(0), default=0, show_default=True, metavar="N", help="Skip the first N results."
)
@click.option("--min-score", type=float, metavar="X", help="Keep results with at least this cosine.")
@click.option("--per-page", type=click.IntRange(1), metavar="N", help="Keep at most N results of one page.")
@click.option("--per-book", type=click.IntRange(1), metavar="N", help="Keep at most N results of one book.")
@click.option("--book", multiple=True, metavar="NAME", help="Keep this book.")
@click.option("--source", multiple=True, metavar="NAME", help="Keep this source.")
@click.option("--pages", "page", multiple=True, metavar="FROM-TO", help="Keep these pages: 3, 3-7, 3- or -7.")
@click.option("--has-dialogue/--no-dialogue", default=None, help="Keep panels with, or without, dialogue.")
@click.option("--aspect", multiple=True, metavar="SHAPE", help="Keep tall, square, wide or FROM-TO (w / h).")
@click.option("--size", multiple=True, metavar="SIZE", help="Keep small, medium, large or FROM-TO (0-1).")
@metadata_options
@click.option("--label", multiple=True, metavar="NAME", help="Keep pages labelled story, cover, ...")
@click.option("--exact", is_flag=True, help="Score every panel instead of using the vector index.")
@click.option("--nprobe", type=click.IntRange(1), metavar="N", help="Search N inverted lists.")
@click.option("--save", type=FOLDER, metavar="DIR", help="Also save the panel images of the results.")
@encoder_option
@device_option
@json_option
@short_run()
def search(
    folder: Path,
    words: str | None,
    encoder: str | None,
    device: str | None,
    save: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Find panels by WORDS, by --image, by both, or by --like."""
    from retrieval import PanelIndex

    query = _query(words, options)
    with PanelIndex.open_for_one_query(folder, encoder=encoder, device=device) as index:
        possible = index.count(query.where)
        if possible and query.panel is None and sys.stderr.isatty():
            echo("loading the encoder ...", err=True)
        hits = index.search_many([query])[0] if possible else []
        _print_results(index, query, hits, possible, as_json)
        if save:
            _save_images(hits, save)


def _query(words: str | None, options: dict[str, Any]) -> Query:
    """Return the query for the options of the command. Raises `UsageError`."""
    if words is not None and options["text"] is not None:
        raise UsageError("the words are given twice", hint="leave out --text or the argument")
    text = words if words is not None else options["text"]
    names = {field.name for field in fields(Query)} & set(options)
    chosen = {name: options[name] for name in names} | {"text": text, "where": _where(options)}
    return Query(**chosen).validate()


def _where(options: dict[str, Any]) -> dict[str, Any]:
    """Return the filters that were given, by the names of `Filter`."""
    found = {field.name: options[field.name] for field in fields(Filter) if field.name in options}
    found |= {name: [parse_range(option, value) for value in found[name]] for name, option in _RANGES.items()}
    found |= {name: parse_metadata(name, found[name]) for name in METADATA_FILTERS}
    found |= {name: one_or_list(found[name]) for name in (*_RANGES, "book", "source")}
    found["label"] = list(found["label"]) or None
    return {name: value for name, value in found.items() if value is not None}


def _print_results(index: PanelIndex, query: Query, hits: Sequence[Hit], possible: int, as_json: bool) -> None:
    """Print the hits; without any, say on standard error what to try."""
    from ui.output.notes import build_notes, search_notes
    from ui.output.tables import print_hits

    close = hits[0].close if hits and not query.offset else None
    notes = search_notes(index, query) if possible else build_notes(index.folder)
    if as_json:
        print_json(_results_as_dict(query, hits) | {"close": close, "notes": notes})
        return
    for note in notes:
        echo(note, err=True)
    if hits:
        print_hits(hits)
        if close is False:
            echo("no close match; these are the nearest panels", err=True)
    elif possible:
        echo("no results: try other words, or fewer filters", err=True)
    else:
        hint = "`panelseek info --books` lists the books, `panelseek info --facets` the other values"
        echo(f"no panel matches these filters: {hint}", err=True)


def _results_as_dict(query: Query, hits: Sequence[Hit]) -> dict[str, Any]:
    """Return the JSON object of a search: see docs/command-line.md."""
    from ui.output.hit_json import hit_as_dict

    return {
        "query": _query_as_dict(query),
        "view": str(query.resolved_view()),
        "hits": [hit_as_dict(hit) for hit in hits],
    }


def _query_as_dict(query: Query) -> dict[str, Any]:
    """Return the fields of a query that were given, and always k and offset."""
    found = asdict(query) | {"image": None if query.image is None else str(query.image)}
    del found["include_self"]  # no option sets it
    return {name: value for name, value in found.items() if value is not None and value is not False and value != {}}


def _save_images(hits: Sequence[Hit], folder: Path) -> None:
    from ui.output.errors import error_sentence

    saved = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for hit in hits:
            try:
                hit.image().save(folder / f"{hit.rank:03d}-panel-{hit.panel.id}.png")
                saved += 1
            except PanelseekError as error:
                echo(f"panel {hit.panel.id} not saved: {error_sentence(error)}", err=True)
    except OSError as error:
        problem = f"images cannot be saved here ({error.strerror or error})"
        raise UsageError(problem, folder, "choose another folder for --save") from error
    echo(f"saved {saved} images in {folder}", err=True)
