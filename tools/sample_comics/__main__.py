"""Draw the sample comics again: `python -m tools.sample_comics` from the repository root."""

from pathlib import Path

import click

from sample_data import COMICS
from tools.sample_comics.books import BOOKS, lamp
from tools.sample_comics.output import write_book
from tools.sample_comics.query import write_query


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=COMICS, help="Folder for the books.")
@click.option("--book", type=click.Choice([book.name for book in BOOKS]), help="Draw this book only.")
def main(out: Path, book: str | None) -> None:
    """Draw the sample comics, and next to their folder their annotations and the image query."""
    for each in BOOKS:
        if book in {None, each.name}:
            write_book(each, out, out.with_name("truth"))
            click.echo(f"{each.title}: {len(each.pages)} pages")
    if book in {None, lamp.BOOK.name}:
        write_query(lamp.BOOK, out.with_name("query.jpg"))


if __name__ == "__main__":
    main()
