"""The command `panelseek train`: its options, its progress, and Ctrl-C that saves first."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

import click

from ui.output.progress import CountedLines, Shown, duration, shown

if TYPE_CHECKING:
    from retrieval.training import Progress, Recipe, TrainingReport


@click.command()
@click.option(
    "--index",
    "indexes",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    envvar="PANELSEEK_INDEX",
    show_envvar=True,
    help="Folder of an index to train on; several times for several.",
)
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Folder of the training.")
@click.option("--recipe", "name", default="small", show_default=True, help="small or comic-panel-encoder-v1.")
@click.option("--from", "start", help="Weights to begin with: a name or a file.  [default: new ones, over MiniLM]")
@click.option("--labels", type=click.Path(path_type=Path), help="JSON with classes of pages; only stories are taken.")
@click.option("--limit", type=click.IntRange(1), help="Train on at most so many pages.")
@click.option("--licence", "licences", multiple=True, help="Licence of the comics, for the card; may be repeated.")
@click.option("--epochs", type=int, help="Times every page is seen.")
@click.option("--pages-per-batch", type=int, help="Pages compared with each other in one step.")
@click.option("--accumulate", type=int, help="Batches that make one step.")
@click.option("--learning-rate", type=float, help="Where the cosine schedule starts.")
@click.option("--validation", type=float, help="Share of the pages to validate on, whole books; 0 for none.")
@click.option("--augment/--no-augment", default=None, help="Show panels altered.")
@click.option("--instance", type=float, help="Weight of telling altered crops of a panel from all others.")
@click.option("--frozen-norms/--no-frozen-norms", default=None, help="Keep the norms of the backbones as they are.")
@click.option("--mixed-precision/--no-mixed-precision", default=None, help="float16 on cuda, bfloat16 elsewhere.")
@click.option("--seed", type=int, help="Of the split, the order and all that is drawn.")
@click.option("--device", help="Where to train: cpu, cuda or mps.  [default: the fastest there is]")
@click.option("--workers", type=click.IntRange(0), default=0, show_default=True, help="Threads that read pages ahead.")
@click.option("--save-every", type=click.IntRange(1), default=100, show_default=True, help="Steps between two saves.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def train(
    indexes: tuple[Path, ...],
    output: Path,
    name: str,
    start: str | None,
    labels: Path | None,
    limit: int | None,
    licences: tuple[str, ...],
    device: str | None,
    workers: int,
    save_every: int,
    quiet: bool,
    as_json: bool,
    **changes: Any,
) -> None:
    """Train an encoder on the pages of indexes.

    Run it again with the same options after it was interrupted: it goes on where it stopped. Options that are
    not given are as the recipe has them.
    """
    from retrieval.training import train_encoder

    recipe = chosen_recipe(name, changes)
    with saving_first() as stop, training_progress(quiet) as progress:
        report = train_encoder(
            indexes,
            output,
            recipe,
            start=start,
            labels=labels,
            limit=limit,
            device=device,
            workers=workers,
            save_every=save_every,
            licences=licences,
            progress=progress,
            stop=stop,
        )
    if as_json:
        click.echo(json.dumps(report.as_dict(), indent=1, ensure_ascii=False))
    else:
        print_training(report)


def chosen_recipe(name: str, changes: dict[str, Any]) -> Recipe:
    """A recipe by name with the options that were given. Raises `UsageError`."""
    from retrieval.errors import UsageError
    from retrieval.training import RECIPES

    if name not in RECIPES:
        raise UsageError(f"there is no recipe {name!r}; expected one of {', '.join(RECIPES)}")
    given = {key: value for key, value in changes.items() if value is not None}
    if given.get("augment") is False:
        given.setdefault("instance", 0.0)  # it compares altered crops
    return replace(RECIPES[name], **given)


class _Stop:
    """Ctrl-C once: stop after this step, saved. Twice, or before the first step: at once."""

    def __init__(self) -> None:
        self._asked = self._running = False

    def __call__(self) -> bool:
        self._running = True
        return self._asked

    def interrupted(self, _signal: int, _frame: FrameType | None) -> None:
        if self._asked or not self._running:
            raise KeyboardInterrupt
        self._asked = True
        click.echo("\nstopping after this step; Ctrl-C again stops at once, back at the last save", err=True)


@contextmanager
def saving_first() -> Iterator[Callable[[], bool]]:
    """What `train_encoder` asks whether to stop; Ctrl-C is as it was afterwards."""
    stop = _Stop()
    before = signal.signal(signal.SIGINT, stop.interrupted)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def training_progress(quiet: bool, stream: TextIO | None = None) -> AbstractContextManager[Callable[[Progress], None]]:
    """The callback for `train_encoder`: a bar on a terminal, lines in a log, both on standard error."""
    lines = partial(CountedLines, look=_look, at_once=True)
    return shown(quiet, stream, _look, lines, "reading the indexes", width=20)


def _look(progress: Progress) -> Shown:
    return Shown(title(progress), progress.batches, progress.batch, describe(progress))


def title(progress: Progress) -> str:
    doing = "training" if progress.stage == "train" else "validating"
    return f"epoch {progress.epoch}/{progress.epochs} {doing}"


def describe(progress: Progress) -> str:
    """One line: batches, the loss and its parts, rate, time left."""
    parts = [f"{progress.batch:,}/{progress.batches:,}"]
    losses = {name: value for name, value in progress.losses.items() if name != "total" and value}
    if losses:
        each = " ".join(f"{name} {value:.3f}" for name, value in losses.items())
        parts.append(f"loss {progress.losses['total']:.3f} ({each})")
    parts.append(f"{progress.pages_per_second:.1f} pages/s")
    if progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return "  ".join(parts)


def print_training(report: TrainingReport) -> None:
    """What was learnt from what, and where the encoder is."""
    counts, best = report.data["counts"], report.best
    click.echo(
        f"{report.epochs} epochs, {report.steps:,} steps over {counts['training_pages']:,} pages "
        f"({counts['training_panels']:,} panels)"
    )
    shown = [f"{part} {best[part]['total']:.3f}" for part in ("training", "validation") if best[part]]
    click.echo(f"best epoch {best['epoch']}: loss {', '.join(shown) or 'none'}")
    collapse = best["collapse"]
    figures = [f"{key} {collapse[key]:.2f}" for key in ("within", "between", "matched") if collapse[key] is not None]
    click.echo(f"{collapse['verdict']} ({', '.join(figures)})")
    for page, reason in report.skipped:
        click.echo(f"skipped {page}: {reason}", err=True)
    click.echo(f"the encoder is {report.encoder}: panelseek build SOURCE --encoder {report.encoder}")
