"""The commands `info`, `panels` and `verify`: content and integrity of an index."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from retrieval.errors import UsageError
from ui.cli.options import device_option, encoder_option, index_option, json_option, quiet_option, short_run
from ui.output.terminal import echo, print_json

if TYPE_CHECKING:
    from retrieval import PanelIndex


@click.command()
@index_option
@click.option("--books", is_flag=True, help="Also list the books.")
@click.option("--facets", is_flag=True, help="Also count panels by series, writer, year, label, ...")
@json_option
@short_run()
def info(folder: Path, books: bool, facets: bool, as_json: bool) -> None:
    """Show what an index holds and how well it searches."""
    from retrieval.index import open_to_describe
    from ui.output.notes import build_notes
    from ui.output.tables import print_books, print_facets, print_info

    with open_to_describe(folder) as index:
        found = _info(index)
        listed = index.books() if books else []
        counted = index.facets() if facets else {}
    if as_json:
        found |= {"books_listed": [asdict(book) for book in listed]} if books else {}
        found |= {"facets": {n: [asdict(f) for f in values] for n, values in counted.items()}} if facets else {}
        print_json(found | {"notes": build_notes(folder)})
        return
    print_info(found)
    for note in build_notes(folder):
        echo(note)
    print_books(listed)
    print_facets(counted)


def _info(index: PanelIndex) -> dict[str, Any]:
    """Return `index.info()`; an encoder whose gate is constant has its weights as `gate`."""
    from ui.output.hit_json import gate_as_dict

    found = index.info()
    encoder = found["encoder"]
    if encoder and encoder["constant_gate"]:
        some = index.browse(k=1)
        encoder["gate"] = gate_as_dict(some[0]) if some else None
    return found


@click.command()
@click.argument("page")
@index_option
@click.option("--right-to-left", is_flag=True, help="Order panels right to left if they have to be detected.")
def panels(page: str, folder: Path, right_to_left: bool) -> None:
    """Print the panels of a PAGE as JSON, to be corrected by hand.

    PAGE is an image, a page of a book file (book.cbz/003.png), or the end of the path of an indexed page. The next
    build reads the edited file and encodes only that page again.
    """
    from index_builder import page_panels

    found = page_panels(page, folder if folder.exists() else None, right_to_left=right_to_left)
    print_json(found.page)
    if found.warning:
        echo(f"low-confidence panels: {found.warning}", err=True)
    echo(f"save the edited file as {found.save_as}", err=True)


def _parse_part(context: click.Context, option: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Return (3, 10) for `3/10`."""
    if value is None:
        return None
    number, _, count = value.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise UsageError(f"--part {value} is not a part", hint="give one like 3/10: the third of ten parts")
    return int(number), int(count)


@click.command()
@index_option
@click.option(
    "--sample",
    type=click.IntRange(0),
    default=32,
    show_default=True,
    metavar="N",
    help="Encode N panels again; the next run takes others.",
)
@click.option("--all", "everything", is_flag=True, help="Encode all panels again.")
@click.option("--part", metavar="I/N", callback=_parse_part, help="Check only one of N parts of the panels, like 3/10.")
@click.option("--repair", is_flag=True, help="Encode damaged panels again and rebuild everything derived first.")
@encoder_option
@device_option
@quiet_option
@json_option
def verify(
    folder: Path,
    sample: int,
    everything: bool,
    part: tuple[int, int] | None,
    repair: bool,
    encoder: str | None,
    device: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Check an index for damage.

    Compares everything with its checksums. Also encodes some panels again from the comics and compares the vectors.
    Exit status 1 if there is a problem.
    """
    from retrieval import verify_index
    from ui.output.progress import progress_display
    from ui.output.tables import print_repair, print_verification

    repaired = None
    with progress_display(quiet) as progress:
        if repair:
            from index_builder import repair_index

            repaired = repair_index(folder, encoder=encoder, device=device, progress=progress)
        count = None if everything else sample
        report = verify_index(folder, sample=count, part=part, encoder=encoder, device=device, progress=progress)
    if repaired is not None:
        print_repair(repaired)
    if as_json:
        print_json(report.as_dict() | ({"repair": repaired.as_dict()} if repaired is not None else {}))
    else:
        print_verification(report)
    if not report.sound:
        raise SystemExit(1)
