"""The commands that change what an index holds: `build`, `watch` and `remove`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from retrieval.errors import UsageError
from ui.cli.options import (
    FOLDER,
    PATH,
    GroupedCommand,
    device_option,
    index_option,
    json_option,
    quiet_option,
    with_options,
)
from ui.output.terminal import echo, one_line, print_json

_GROUPS = {
    "Comics": ("page_is_panel", "right_to_left", "annotations", "no_annotations", "story_only", "strips", "dpi"),
    "Text": ("ocr", "keep_ocr", "language"),
    "Encoder": ("encoder", "device", "precision", "batch_size"),
    "Index": ("folder", "index_kind", "thumbnails", "keypoints", "regions", "catalog"),
    "Limits": ("workers", "max_pixels", "max_bytes", "max_members", "max_ratio", "within"),
}

_build_options = with_options(
    click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", type=PATH),
    index_option,
    click.option(
        "--encoder",
        default="auto",
        show_default=True,
        metavar="NAME",
        help="Encode with auto, small, comic-panel-encoder-v1 or a weight file.",
    ),
    device_option,
    click.option(
        "--precision",
        type=click.Choice(["auto", "float32", "bfloat16", "int8"]),
        default="auto",
        show_default=True,
        help="Encode in this number type; auto: that of the index, in a new one bfloat16 if it is faster and as good. "
        "int8 is calibrated on the first pages.",
    ),
    click.option(
        "--index-kind",
        type=click.Choice(["auto", "exact", "ivfpq"]),
        default="auto",
        show_default=True,
        help="Choose how candidates are found; auto uses IVF-PQ from 9,984 vectors per view.",
    ),
    click.option("--page-is-panel", is_flag=True, help="Treat every page as one panel; detect none."),
    click.option(
        "--right-to-left", is_flag=True, help="Order detected panels right to left, unless annotations differ."
    ),
    click.option(
        "--annotations",
        multiple=True,
        metavar="PATH",
        type=PATH,
        help="Read annotations from this file or folder; repeatable.  [default: those of the last build]",
    ),
    click.option("--no-annotations", is_flag=True, help="Drop the annotations of earlier builds."),
    click.option("--story-only", is_flag=True, help="Exclude pages labelled as anything but story."),
    click.option(
        "--workers",
        type=click.IntRange(0),
        metavar="N",
        help="Decode pages in N processes.  [default: one per core, at most 8]",
    ),
    click.option(
        "--batch-size",
        type=click.IntRange(1),
        metavar="N",
        help="Encode N panels at once.  [default: 32 on a CPU, 256 on a GPU]",
    ),
    click.option(
        "--max-pixels",
        type=click.IntRange(1),
        metavar="N",
        default=250_000_000,
        show_default=True,
        help="Skip larger pages.",
    ),
    click.option(
        "--max-bytes",
        type=click.IntRange(1),
        metavar="N",
        default=2**29,
        show_default=True,
        help="Skip page files larger than this.",
    ),
    click.option(
        "--max-members",
        type=click.IntRange(1),
        metavar="N",
        default=20_000,
        show_default=True,
        help="Skip archives with more files.",
    ),
    click.option(
        "--max-ratio",
        type=click.IntRange(1),
        metavar="N",
        default=200,
        show_default=True,
        help="Skip what unpacks to more than N times its size.",
    ),
    click.option(
        "--dpi",
        type=click.IntRange(1),
        metavar="N",
        help="Draw PDF pages that are not scans at N dots per inch.  [default: 150]",
    ),
    click.option(
        "--strips",
        type=click.Choice(["auto", "yes", "no"]),
        default="auto",
        show_default=True,
        help="Join the slices of vertical strips; auto joins them if the drawing continues.",
    ),
    click.option(
        "--thumbnails/--no-thumbnails", default=True, show_default=True, help="Keep thumbnails for the web app."
    ),
    click.option("--keypoints/--no-keypoints", default=True, help="Keep keypoints for fast searches by image."),
    click.option(
        "--regions/--no-regions",
        default=None,
        help="Keep region vectors, so that a piece of a panel finds it.  [default: if the encoder has them]",
    ),
    click.option(
        "--ocr",
        type=click.Choice(["auto", "now", "later", "no"]),
        default="auto",
        show_default=True,
        help="Run OCR where no text is given: with each page now, or later, pictures first; auto: later if it is long.",
    ),
    click.option("--no-ocr", "ocr", flag_value="no", help="Run no OCR; the same as --ocr no."),
    click.option("--keep-ocr", is_flag=True, help="Keep existing OCR text."),
    click.option(
        "--language",
        metavar="CODE",
        help="Read text in this language: en, ja, ...  [default: that of the index, else auto]",
    ),
    click.option(
        "--within", type=FOLDER, metavar="FOLDER", help="Read nothing outside this folder, also through links."
    ),
    click.option("--catalog", metavar="URL", help="Keep the catalog of a new index in this database (SQLAlchemy URL)."),
    quiet_option,
)


@click.command(cls=GroupedCommand, groups=_GROUPS)
@_build_options
@json_option
def build(sources: tuple[Path, ...], folder: Path, quiet: bool, as_json: bool, **options: Any) -> None:
    """Build an index from comics, or update it.

    SOURCE is a folder of comics, a book file (CBZ, CBR, PDF, ...) or an image. Run it again when comics changed or
    after an interruption: only new and changed pages are encoded.
    """
    from index_builder import build_index
    from ui.output.progress import progress_display
    from ui.output.tables import print_report

    options["annotations"] = _annotations(options)
    with progress_display(quiet) as progress:
        report = build_index(sources, folder, progress=progress, **options)
    if as_json:
        print_json(report.as_dict())
    else:
        print_report(report)


@click.command(cls=GroupedCommand, groups={"Watching": ("debounce", "poll_interval"), **_GROUPS})
@_build_options
@click.option(
    "--debounce",
    type=click.FloatRange(0),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="Build when nothing has changed for this long.",
)
@click.option(
    "--poll-interval",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Scan the folders this often instead of waiting for notifications.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
def watch(sources: tuple[Path, ...], folder: Path, quiet: bool, as_json: bool, **options: Any) -> None:
    """Keep an index up to date while comics change.

    Builds once, then after each change, when no file has changed for a while. Ctrl-C ends it. Use --poll-interval for
    network drives.
    """
    import signal

    from index_builder import watch_sources
    from ui.output.progress import progress_display
    from ui.output.watch_lines import event_printer

    options["annotations"] = _annotations(options)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # how a service is stopped
    try:
        with progress_display(quiet) as progress:
            watch_sources(sources, folder, on_event=event_printer(as_json), progress=progress, **options)
    except KeyboardInterrupt:
        echo("stopped; what was written is kept", err=True)


def _annotations(options: dict[str, Any]) -> tuple[Path, ...] | None:
    """Take both options about annotations; return the paths to build with, None for those of the last build."""
    given: tuple[Path, ...] = options.pop("annotations")
    none = options.pop("no_annotations")
    if given and none:
        raise UsageError("--annotations and --no-annotations contradict each other", hint="leave one out")
    return given if given or none else None


@click.command()
@click.argument("source", type=PATH)
@index_option
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
def remove(source: Path, folder: Path, yes: bool, as_json: bool) -> None:
    """Remove a SOURCE from an index.

    Its panels, dialogue, thumbnails and vectors are removed. The comics are not touched.
    """
    from index_builder import remove_source
    from ui.output.tables import holdings

    if not yes and not _confirmed(source, folder):
        echo("nothing was removed", err=True)
        return
    found = remove_source(source, folder)
    if as_json:
        print_json(found.as_dict())
    else:
        echo(f"removed: {found.source}: {holdings(found.books, found.pages, found.panels)}")


def _confirmed(source: Path, folder: Path) -> bool:
    """Ask for confirmation. Raises `UsageError` without a terminal to ask on."""
    from index_builder import source_content
    from ui.output.tables import holdings

    held = source_content(source, folder)
    if not sys.stdin.isatty():
        raise UsageError("removing a source needs a confirmation", held.source, "run it on a terminal, or add --yes")
    question = f"Remove {held.source} with {holdings(held.books, held.pages, held.panels)}?"
    return click.confirm(f"{one_line(question)} The comics are not touched", err=True)
