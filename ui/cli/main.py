"""The command `panelseek`: its commands, and what becomes of errors.

Results go to standard output, progress and messages to standard error. Exit status: 0 done, 1 the work failed, 2 wrong
usage, 130 stopped with Ctrl-C. Heavy libraries load inside the commands that need them.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

import click

from retrieval.errors import PanelseekError, UsageError
from ui.cli.build import build, watch
from ui.cli.demo import demo
from ui.cli.evaluate import evaluate
from ui.cli.inspect import info, panels, verify
from ui.cli.overview import lookalikes, panel_map
from ui.cli.remove import remove
from ui.cli.search import search
from ui.cli.serve import serve
from ui.cli.train import train
from ui.output.errors import error_sentence

FAILED, WRONG_USAGE, STOPPED = 1, 2, 130
"""Exit status of work that failed, of wrong usage, and of a command stopped with Ctrl-C."""

_STOPPED_MESSAGE = "\nstopped; what was written is kept. Run the same command again to resume"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="panelseek", help="Show the version and exit.")
def panelseek() -> None:
    """Search comic panels by image and by words."""


<<<<<<< HEAD
for _command in (
    build,
    watch,
    search,
    serve,
    info,
    panels,
    remove,
    verify,
    panel_map,
    lookalikes,
    train,
    evaluate,
    demo,
):
    panelseek.add_command(_command)
=======
_BUILDING = (
    click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", type=click.Path(path_type=Path)),
    _index,
    click.option(
        "--encoder", default="auto", show_default=True, help="auto, small, comic-panel-encoder-v1, or a file."
    ),
    _device,
    click.option(
        "--index-kind",
        type=click.Choice(["auto", "exact", "ivfpq"]),
        default="auto",
        show_default=True,
        help="How candidates are found; auto takes IVF-PQ from 9,984 vectors a view on.",
    ),
    click.option("--whole-pages", is_flag=True, help="Every picture is one panel already: look for none inside it."),
    click.option("--right-to-left", is_flag=True, help="Reading order of found panels, unless annotations say."),
    click.option(
        "--annotations",
        multiple=True,
        metavar="PATH",
        type=click.Path(path_type=Path),
        help="File or folder with annotations of the collection; may be repeated.  [default: those of the last build]",
    ),
    click.option("--no-annotations", is_flag=True, help="Forget the --annotations of earlier builds."),
    click.option("--story-only", is_flag=True, help="Leave out pages labelled as something else than the story."),
    click.option(
        "--workers", type=click.IntRange(0), help="Processes that decode pages.  [default: one a core, at most 8]"
    ),
    click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True, help="Panels encoded at once."),
    click.option(
        "--max-pixels", type=click.IntRange(1), default=250_000_000, show_default=True, help="Skip larger pages."
    ),
    click.option(
        "--max-bytes", type=click.IntRange(1), default=2**29, show_default=True, help="Skip larger files of pages."
    ),
    click.option(
        "--max-members", type=click.IntRange(1), default=20_000, show_default=True, help="Files in one archive."
    ),
    click.option(
        "--max-ratio", type=click.IntRange(1), default=200, show_default=True, help="Expansion of an archive."
    ),
    click.option("--dpi", type=click.IntRange(1), help="Resolution of PDF pages that are no scans.  [default: 150]"),
    click.option(
        "--strips",
        type=click.Choice(["auto", "yes", "no"]),
        default="auto",
        show_default=True,
        help="Join the slices of vertical strips; auto where drawings go on from slice to slice.",
    ),
    click.option(
        "--thumbnails/--no-thumbnails", default=True, show_default=True, help="Keep small pictures for the page."
    ),
    click.option(
        "--regions/--no-regions",
        default=None,
        help="Keep vectors for parts of panels, so that a piece finds its panel.  [default: as the encoder has them]",
    ),
    click.option("--ocr/--no-ocr", default=True, show_default=True, help="Read the words that no annotation tells."),
    click.option(
        "--ocr-only-missing", is_flag=True, help="Leave what was read before, with whatever engine or language."
    ),
    click.option(
        "--language", metavar="CODE", help="Of the lettering: en, ja, ...  [default: as the index has it, else auto]"
    ),
    click.option("--catalog", metavar="URL", help="Keep the catalog of a new index in this database (SQLAlchemy URL)."),
    click.option("--quiet", is_flag=True, help="No progress."),
)
"""What `build` and `watch` take."""


def _building(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_BUILDING):
        command = option(command)
    return command


@panelseek.command()
@_building
@_json
def build(sources: tuple[Path, ...], folder: Path, quiet: bool, as_json: bool, **options: Any) -> None:
    """Bring an index up to date with folders of comics, book files (CBZ, CBR, PDF, ...) or pictures.

    Run it again whenever comics changed, or after it was interrupted: only what is new or changed is encoded.
    """
    from index_builder import build_index
    from ui.output.progress import build_progress
    from ui.output.tables import print_report

    options["annotations"] = _annotations(options)
    with build_progress(quiet) as progress:
        report = build_index(sources, folder, progress=progress, **options)
    if as_json:
        _print_json(report.as_dict())
    else:
        print_report(report)


def _annotations(options: dict[str, Any]) -> tuple[Path, ...] | None:
    """The --annotations to build with; None for those of the last build."""
    given: tuple[Path, ...] = options.pop("annotations")
    none = options.pop("no_annotations")
    if given and none:
        raise UsageError("--annotations and --no-annotations contradict each other: leave out one")
    return given if given or none else None


@panelseek.command()
@_building
@click.option(
    "--settle",
    type=click.FloatRange(0),
    default=5.0,
    show_default=True,
    help="Seconds without a change before a build.",
)
@click.option(
    "--poll",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Look so often instead of being notified.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def watch(sources: tuple[Path, ...], folder: Path, quiet: bool, as_json: bool, **options: Any) -> None:
    """Keep an index up to date while folders of comics change. Ctrl-C ends it.

    Builds once, then after each change, when the files have been quiet for a while. Use --poll for network drives.
    """
    import signal

    from index_builder import watch_sources
    from ui.output.progress import build_progress
    from ui.output.watch_lines import teller

    options["annotations"] = _annotations(options)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service is stopped so
    told = teller(as_json)
    try:
        with build_progress(quiet) as progress:
            watch_sources(sources, folder, told=told, progress=progress, **options)
    except KeyboardInterrupt:
        click.echo("stopped; what was written is kept", err=True)


@panelseek.command()
@click.argument("words", required=False)
@_index
@click.option("--text", help="Words to look for; the same as WORDS.")
@click.option("--image", type=click.Path(path_type=Path), help="A picture to look for.")
@click.option("--panel", type=int, help="More like this panel (its id in other results).")
@click.option("--without", metavar="WORDS", help="Words to take away: panels that say or mean them come later.")
@click.option("--view", help="Compare with picture, dialogue or fused.  [default: follows the question]")
@click.option(
    "--words-in",
    type=click.Choice(["said", "drawn", "both"]),
    help="Where words are looked for.  [default: said, or drawn where --view is picture]",
)
@click.option("-k", "--count", "k", type=int, default=12, show_default=True, help="Number of hits.")
@click.option("--offset", type=int, default=0, show_default=True, help="Leave out the first hits.")
@click.option("--min-score", type=float, help="Only hits with at least this cosine.")
@click.option("--per-page", type=int, help="At most this many hits of one page.")
@click.option("--per-book", type=int, help="At most this many hits of one book.")
@click.option("--book", help="Only this book; % stands for any letters.")
@click.option("--source", help="Only this source; % stands for any letters.")
@click.option("--pages", metavar="FROM-TO", help="Only these pages: 3, 3-7, 3- or -7.")
@click.option("--has-dialogue/--no-dialogue", default=None, help="Only panels with, or without, words.")
@click.option("--aspect", help="Only tall, square or wide panels, or FROM-TO as width / height.")
@click.option("--size", help="Only small, medium or large panels, or FROM-TO as a share of the page.")
@_facts
@click.option("--label", multiple=True, help="Only pages of this kind: story, cover, ...; may be repeated.")
@click.option("--exact", is_flag=True, help="Score every panel instead of looking for candidates.")
@click.option("--nprobe", type=int, help="Inverted lists to look into.")
@click.option("--save", type=click.Path(path_type=Path), help="Also save the hits' pictures into this folder.")
@_device
@_json
def search(folder: Path, words: str | None, device: str | None, save: Path | None, as_json: bool, **asked: Any) -> None:
    """Find panels by WORDS, by --image, by both, or by --panel."""
    from retrieval import PanelIndex, Query
    from ui.output.tables import print_hits

    query = Query(**_question(words, asked)).validate()
    with PanelIndex.open(folder, device=device) as index:
        possible = index.count(query.where)
        if possible and query.panel is None and sys.stderr.isatty():
            click.echo("loading the encoder ...", err=True)
        hits = index.search_many([query])[0] if possible else []
        close = index.is_close(query, hits) if hits else None
        if as_json:
            _print_json(hits_as_dict(query, hits) | {"close": close})
        elif hits:
            print_hits(hits)
            if close is False:
                click.echo("nothing is close: unrelated panels of this library score as much", err=True)
        elif possible:
            click.echo("nothing found: try other words, or fewer filters", err=True)
        else:
            way_out = "`panelseek info --books` lists the books' names, `panelseek info --facets` what else there is"
            click.echo(f"no panel matches these filters: {way_out}", err=True)
        if save:
            _save(hits, save)


def _question(words: str | None, asked: dict[str, Any]) -> dict[str, Any]:
    """The fields of a `Query` from the options of `search`."""
    if words is not None and asked["text"] is not None:
        raise UsageError("the words are given twice: leave out --text or the argument")
    where = {
        "book": asked.pop("book"),
        "source": asked.pop("source"),
        "page": _range("--pages", asked.pop("pages")),
        "has_dialogue": asked.pop("has_dialogue"),
        "aspect": _range("--aspect", asked.pop("aspect")),
        "size": _range("--size", asked.pop("size")),
        "label": list(asked.pop("label")) or None,
        **{name: _names(name, asked.pop(name)) for name in METADATA_FILTERS},
    }
    asked["text"] = words if words is not None else asked["text"]
    return {**asked, "where": {key: value for key, value in where.items() if value is not None}}


def _names(name: str, values: tuple[str, ...]) -> Any:
    """The names asked for, or from and to where a number's option was given a span once."""
    if name in _SPANS and len(values) == 1 and re.fullmatch(r"[\d.]*-[\d.]*", values[0]):
        return _range(f"--{name}", values[0])
    odd = next((value for value in values if name == "year" and not re.fullmatch(r"[\d%]+", value)), None)
    if odd is not None:
        raise UsageError(f"--year takes a year, or FROM-TO like {_SPANS[name]}; found {odd!r}")
    return list(values) or None


def _range(option: str, value: str | None) -> Any:
    """`3`, `3-7`, `3-`, `-7`, or a name for the filter to judge."""
    if value is None or value.isalpha():
        return value
    low, dash, high = value.partition("-")
    try:
        bounds = tuple(float(part) if part.strip() else None for part in (low, high if dash else low))
    except ValueError:
        raise UsageError(f"{option} takes FROM-TO, like 3-7; found {value!r}") from None
    if bounds == (None, None):
        raise UsageError(f"{option} takes FROM-TO, like 3-7; found {value!r}")
    first, last = bounds
    if first is not None and last is not None and first > last:
        raise UsageError(f"{option} {value} is nothing: the first is larger than the last")
    return bounds


def _save(hits: Sequence[Hit], folder: Path) -> None:
    saved = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for hit in hits:
            try:
                hit.image().save(folder / f"{hit.rank:03d}-panel-{hit.panel.id}.png")
                saved += 1
            except PanelseekError as error:
                click.echo(f"panel {hit.panel.id} not saved: {error}", err=True)
    except OSError as error:
        raise UsageError(f"--save {folder}: {error.strerror or error}") from error
    click.echo(f"saved {saved} pictures in {folder}", err=True)


def hits_as_dict(query: Any, hits: Sequence[Hit]) -> dict[str, Any]:
    """The JSON form of a search: see docs/command-line.md."""
    asked = {
        "text": query.text,
        "image": None if query.image is None else str(query.image),
        "panel": query.panel,
        "without": query.words_away or None,
        "words_in": query.words_in,
        "where": dict(query.where or {}),
        "k": query.k,
        "offset": query.offset,
    }
    return {
        "query": {key: value for key, value in asked.items() if value not in (None, {})},
        "view": str(query.chosen_view()),
        "hits": [hit_as_dict(hit) for hit in hits],
    }


@panelseek.command()
@_index
@_host
@_port
@_device
@click.option("--open/--no-open", "open_browser", default=False, show_default=True, help="Open the page in a browser.")
@click.option("--auth", metavar="NAME:PASSWORD", envvar="PANELSEEK_AUTH", show_envvar=True, help="Ask for these.")
@click.option("--root-path", metavar="PATH", help="Where a proxy puts the page, like /comics.")
@click.option(
    "--allow-build",
    "build_roots",
    multiple=True,
    metavar="ROOT",
    type=click.Path(path_type=Path),
    help="Let visitors build from folders below this one; may be repeated.",
)
def serve(folder: Path, auth: str | None, **options: Any) -> None:
    """Answer in a browser. Only this machine can reach the page unless --host says otherwise."""
    from ui.web.server import serve as run

    run(folder, auth=_name_and_password(auth), **options)


def _name_and_password(auth: str | None) -> tuple[str, str] | None:
    if auth is None:
        return None
    name, colon, password = auth.partition(":")
    if not (name and colon and password):
        raise UsageError("--auth takes NAME:PASSWORD, both of them and a colon between")
    return name, password


@panelseek.command()
@_index
@click.option("--books", is_flag=True, help="Also list the books.")
@click.option("--facets", is_flag=True, help="Also count panels by series, writer, year, label, ...")
@_json
def info(folder: Path, books: bool, facets: bool, as_json: bool) -> None:
    """What an index holds, how it was built, and how well its search does."""
    from retrieval import PanelIndex
    from ui.output.tables import print_books, print_facets, print_info

    with PanelIndex.open(folder) as index:
        found = index.info()
        listed = index.books() if books else []
        counted = index.facets() if facets else {}
    if as_json:
        found |= {"books_listed": [asdict(book) for book in listed]} if books else {}
        found |= {"facets": {n: [asdict(f) for f in values] for n, values in counted.items()}} if facets else {}
        _print_json(found)
        return
    print_info(found)
    print_books(listed)
    print_facets(counted)


@panelseek.command()
@click.argument("page")
@_index
@click.option("--right-to-left", is_flag=True, help="Reading order, where panels have to be looked for.")
def panels(page: str, folder: Path, right_to_left: bool) -> None:
    """Print the panels of a PAGE as JSON, to be edited by hand and laid beside it.

    PAGE is a picture, a page of a book file (book.cbz/003.png), or the end of the path of a page of the index.
    The next build takes the boxes of the edited file, and encodes only that page again.
    """
    from index_builder import page_panels

    found = page_panels(page, folder if folder.exists() else None, right_to_left=right_to_left)
    _print_json(found.page)
    if found.warning:
        click.echo(f"these panels are doubtful: {found.warning}", err=True)
    click.echo(f"edited, it goes to {found.save_as}", err=True)


@panelseek.command()
@click.argument("source", type=click.Path(path_type=Path))
@_index
@click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")
@_json
def forget(source: Path, folder: Path, yes: bool, as_json: bool) -> None:
    """Take a SOURCE out of an index: its panels, words, small pictures and vectors. The comics stay where they are."""
    from index_builder import remove_source, source_content
    from ui.output.tables import holdings

    if not yes:
        held = source_content(source, folder)
        if not sys.stdin.isatty():
            raise UsageError(f"forgetting {held.source} wants a yes from a person, or --yes")
        question = f"forget {held.source} with its {holdings(held.books, held.pages, held.panels)}?"
        if not click.confirm(f"{question} The comics stay where they are", err=True):
            click.echo("nothing was forgotten", err=True)
            return
    found = remove_source(source, folder)
    if as_json:
        _print_json(found.as_dict())
    else:
        click.echo(f"forgotten: {found.source}: {holdings(found.books, found.pages, found.panels)}")


@panelseek.command()
@_index
@click.option("--sample", type=click.IntRange(0), default=32, show_default=True, help="Panels to encode again.")
@click.option("--repair", is_flag=True, help="Make everything derived again, then check.")
@_device
@_json
def verify(folder: Path, sample: int, repair: bool, device: str | None, as_json: bool) -> None:
    """Check that the parts of an index agree, with each other and with the comics."""
    from retrieval import verify_index
    from ui.output.tables import print_verdict

    if repair:
        from index_builder import repair_index

        for line in repair_index(folder):
            click.echo(f"made again: {line}", err=True)
    verdict = verify_index(folder, sample=sample, device=device)
    if as_json:
        _print_json(verdict.as_dict())
    else:
        print_verdict(verdict)
    if not verdict.sound:
        raise SystemExit(1)


@panelseek.command()
@click.option(
    "--index",
    "folder",
    type=click.Path(path_type=Path),
    default=DEMO_INDEX,
    show_default=True,
    help="Folder of the index.",
)
@click.option("--serve/--no-serve", "serving", default=True, show_default=True, help="Then show the page.")
@_host
@_port
@click.pass_context
def demo(context: click.Context, folder: Path, serving: bool, host: str, port: int) -> None:
    """Build the sample comics, search them by words and by picture, and show the page.

    Nothing is downloaded: the embedded encoder `small` is used.
    """
    from index_builder import build_index
    from retrieval import PanelIndex
    from sample_data import COMICS
    from ui.output.progress import build_progress
    from ui.output.tables import print_report

    with build_progress(quiet=False) as progress:
        report = build_index([COMICS], folder, encoder="small", index_kind="ivfpq", progress=progress)
    print_report(report)
    with PanelIndex.open(folder) as index:
        _show_examples(index)
    if serving:
        context.invoke(serve, folder=folder, host=host, port=port)


def _show_examples(index: PanelIndex) -> None:
    """One query by words and one by picture, as a person would type them."""
    from sample_data import QUERY_IMAGE, QUERY_TEXT
    from ui.output.tables import print_hits

    for shown, question in (
        (f'--text "{QUERY_TEXT}"', {"text": QUERY_TEXT}),
        (f"--image {_relative(QUERY_IMAGE)}", {"image": QUERY_IMAGE}),
    ):
        click.echo(f"\n$ panelseek search --index {index.folder} {shown} -k 3")
        print_hits(index.search(**question, k=3))


def _relative(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


panelseek.add_command(train)
panelseek.add_command(_index(evaluate))
panelseek.add_command(_index(lookalikes))
panelseek.add_command(_index(make_map))


def _print_json(value: dict[str, Any]) -> None:
    click.echo(json.dumps(value, indent=1, ensure_ascii=False))
>>>>>>> h-build


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; every error ends as a sentence on standard error, never as a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("panelseek").setLevel(logging.INFO)
    try:
        given = None if arguments is None else list(arguments)
        panelseek.main(prog_name="panelseek", args=given, standalone_mode=False)
    except click.exceptions.Exit as stop:
        raise SystemExit(stop.exit_code) from None
    except click.ClickException as error:
        error.show()
        raise SystemExit(WRONG_USAGE) from None
    except (KeyboardInterrupt, click.Abort):
        _stop(_STOPPED_MESSAGE, STOPPED)
    except PanelseekError as error:
        _stop(f"panelseek: {error_sentence(error)}", WRONG_USAGE if isinstance(error, UsageError) else FAILED)
    except BrokenPipeError:
        sys.stderr.close()  # the reader ended (`| head`); Python would complain about it at exit
        raise SystemExit(FAILED) from None
    except Exception as error:
        if _interrupted(error):
            _stop(_STOPPED_MESSAGE, STOPPED)
        if os.environ.get("PANELSEEK_DEBUG"):
            raise
        hint = "Set PANELSEEK_DEBUG=1 to see the traceback."
        _stop(f"panelseek: unexpected error: {type(error).__name__}: {error}. {hint}", FAILED)


def _stop(message: str, status: int) -> None:
    """Print a message to standard error and exit."""
    click.echo(message, err=True)
    raise SystemExit(status) from None


def _interrupted(error: BaseException | None) -> bool:
    """Return True if Ctrl-C caused an error: interrupted libraries may raise another one on top."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


if __name__ == "__main__":
    main()
