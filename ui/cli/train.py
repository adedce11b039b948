"""The command `panelseek train`: its options, its progress, and Ctrl-C, which saves first."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

import click

from retrieval.progress import Progress, ProgressCallback
from ui.cli.aliases import RenamedOption
from ui.output.progress import CountedLines, Shown, duration, shown

if TYPE_CHECKING:
    from retrieval.training import Recipe, TrainingReport

_TITLES = {"train": "training", "validate": "validating"}


@click.command()
@click.option(
    "--index",
    "folders",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    envvar="PANELSEEK_INDEX",
    show_envvar=True,
    help="Train on the pages of this index; may be repeated.",
)
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Write the training to this folder.")
@click.option(
    "--recipe",
    "name",
    default="small",
    show_default=True,
    help="Train as comic-panel-encoder-v1, small (the checkpoint of this package) or small-pages.",
)
@click.option(
    "--init-from",
    cls=RenamedOption,
    formerly=["--from"],
    help="Start from these weights: a name or a file.  [default: new ones, over MiniLM]",
)
@click.option("--labels", type=click.Path(path_type=Path), help="Train on story pages only: JSON with page classes.")
@click.option("--limit", type=click.IntRange(1), help="Train on at most N pages.", metavar="N")
@click.option("--licence", "licences", multiple=True, help="Name a licence of the comics on the card; may be repeated.")
@click.option("--epochs", type=int, help="Train for this many epochs.")
@click.option("--pages-per-batch", type=int, help="Compare this many pages with each other in one batch.")
@click.option(
    "--gradient-accumulation",
    cls=RenamedOption,
    formerly=["--accumulate"],
    type=int,
    help="Make one step of this many batches.",
)
@click.option("--learning-rate", type=float, help="Start the schedule at this learning rate.")
@click.option(
    "--validation-fraction",
    cls=RenamedOption,
    formerly=["--validation"],
    type=float,
    help="Validate on this share of the pages, whole books; 0 for none.",
)
@click.option("--augment/--no-augment", default=None, help="Train on augmented panels.")
@click.option(
    "--instance-weight",
    cls=RenamedOption,
    formerly=["--instance"],
    type=float,
    help="Weigh the objective between two augmented crops of a panel.",
)
@click.option("--frozen-norms/--no-frozen-norms", default=None, help="Keep the norms of the backbones unchanged.")
@click.option("--mixed-precision/--no-mixed-precision", default=None, help="Use float16 on cuda, bfloat16 elsewhere.")
@click.option("--seed", type=int, help="Seed the split, the order and all random draws.")
@click.option("--device", help="Train on cpu, cuda or mps.  [default: the fastest available]")
@click.option("--workers", type=click.IntRange(0), default=0, show_default=True, help="Read pages ahead in N threads.")
@click.option("--save-every", type=click.IntRange(1), default=100, show_default=True, help="Save after every N steps.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def train(
    folders: tuple[Path, ...],
    output: Path,
    name: str,
    init_from: str | None,
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

    Run it again with the same options after an interruption: it continues where it stopped. Options that are not
    given are as the recipe has them.
    """
    from retrieval import PanelIndex
    from retrieval.training import train_encoder

    recipe = chosen_recipe(name, changes)
    with ExitStack() as stack:
        stop = stack.enter_context(saving_first())
        progress = stack.enter_context(training_progress(quiet))
        report = train_encoder(
            [stack.enter_context(PanelIndex.open(folder)) for folder in folders],
            output,
            recipe,
            init_from=init_from,
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
    """Return a recipe by name, with the options that are not None. Raises `UsageError`."""
    from retrieval.training import find_recipe

    given = {key: value for key, value in changes.items() if value is not None}
    if given.get("augment") is False:
        given.setdefault("instance_weight", 0.0)  # it compares augmented crops
    return replace(find_recipe(name), **given)


class _Stop:
    """Ctrl-C once: stop after this step, saved. Twice, or before the first step: at once."""

    def __init__(self) -> None:
        self._requested = self._running = False

    def __call__(self) -> bool:
        self._running = True
        return self._requested

    def interrupted(self, _signal: int, _frame: FrameType | None) -> None:
        if self._requested or not self._running:
            raise KeyboardInterrupt
        self._requested = True
        click.echo("\nstopping after this step; Ctrl-C again stops at once, back at the last save", err=True)


@contextmanager
def saving_first() -> Iterator[Callable[[], bool]]:
    """Return the `stop` callback of `train_encoder`; Ctrl-C has its usual meaning again afterwards."""
    stop = _Stop()
    before = signal.signal(signal.SIGINT, stop.interrupted)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def training_progress(quiet: bool, stream: TextIO | None = None) -> AbstractContextManager[ProgressCallback]:
    """Return the progress callback: a bar on a terminal, lines in a log, both on standard error."""
    lines = partial(CountedLines, look=_look, at_once=True)
    return shown(quiet, stream, _look, lines, "reading the indexes", width=20)


def _look(progress: Progress) -> Shown:
    return Shown(_TITLES[progress.stage], progress.total, progress.done, describe(progress))


def describe(progress: Progress) -> str:
    """Return one line: batches, the epoch and its losses, rate, time left."""
    parts = [f"{progress.done:,}/{progress.total:,} {progress.unit}", progress.detail, f"{progress.rate:.1f}/s"]
    if progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return "  ".join(parts)


def print_training(report: TrainingReport) -> None:
    """Print the figures of a training and the path of its encoder."""
    counts, best = report.data["counts"], report.best
    click.echo(
        f"{report.epochs} epochs, {report.steps:,} steps over {counts['training_pages']:,} pages "
        f"({counts['training_panels']:,} panels)"
    )
    losses = [f"{part} {best[part]['total']:.3f}" for part in ("training", "validation") if best[part]]
    click.echo(f"weights of epoch {best['epoch']}: loss {', '.join(losses) or 'none'}")
    collapse = best["collapse"]
    figures = [f"{key} {collapse[key]:.2f}" for key in ("within", "between", "matched") if collapse[key] is not None]
    click.echo(f"{collapse['verdict']} ({', '.join(figures)})")
    for page, reason in report.skipped:
        click.echo(f"skipped {page}: {reason}", err=True)
    click.echo(f"encoder: {report.encoder}\nuse it: panelseek build SOURCE --encoder {report.encoder}")
