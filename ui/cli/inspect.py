"""The commands `info`, `panels` and `verify`: content and integrity of an index."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ui.cli.options import device_option, encoder_option, index_option, json_option
from ui.output.terminal import echo, print_json

if TYPE_CHECKING:
    from retrieval import PanelIndex


@click.command()
@index_option
@click.option("--books", is_flag=True, help="Also list the books.")
@click.option("--facets", is_flag=True, help="Also count panels by series, writer, year, label, ...")
@json_option
def info(folder: Path, books: bool, facets: bool, as_json: bool) -> None:
    """Show what an index holds and how well it searches."""
    from retrieval import PanelIndex
    from ui.output.tables import print_books, print_facets, print_info

    with PanelIndex.open(folder) as index:
        found = _info(index)
        listed = index.books() if books else []
        counted = index.facets() if facets else {}
    if as_json:
        found |= {"books_listed": [asdict(book) for book in listed]} if books else {}
        found |= {"facets": {n: [asdict(f) for f in values] for n, values in counted.items()}} if facets else {}
        print_json(found)
        return
    print_info(found)
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


@click.command()
@index_option
@click.option(
    "--sample", type=click.IntRange(0), default=32, show_default=True, metavar="N", help="Encode N panels again."
)
@click.option("--repair", is_flag=True, help="Rebuild everything derived first.")
@encoder_option
@device_option
@json_option
def verify(folder: Path, sample: int, repair: bool, encoder: str | None, device: str | None, as_json: bool) -> None:
    """Check an index for damage.

    Also encodes a sample of panels again from the comics and compares the vectors. Exit status 1 if there is a problem.
    """
    from retrieval import verify_index
    from ui.output.tables import print_verification

    if repair:
        from index_builder import repair_index

        for line in repair_index(folder):
            echo(f"rebuilt: {line}", err=True)
    report = verify_index(folder, sample=sample, device=device, encoder=encoder)
    if as_json:
        print_json(report.as_dict())
    else:
        print_verification(report)
    if not report.sound:
        raise SystemExit(1)
