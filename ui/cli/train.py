"""The command `train`: its options, and Ctrl-C, which saves first."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from ui.cli.options import FOLDER, PATH, GroupedCommand, json_option, quiet_option
from ui.output.terminal import echo, print_json

if TYPE_CHECKING:
    from retrieval.training import Recipe, TrainingReport

_GROUPS = {
    "Comics": ("folders", "labels", "limit", "licences"),
    "Recipe (options that are not given are as the recipe has them)": (
        *("name", "init_from", "epochs", "pages_per_batch", "gradient_accumulation", "learning_rate"),
        *("validation_fraction", "augment", "instance_weight", "frozen_norms", "mixed_precision", "seed"),
    ),
    "Run": ("output", "device", "workers", "save_every", "quiet", "as_json"),
}


@click.command(cls=GroupedCommand, groups=_GROUPS)
@click.option(
    "--index",
    "folders",
    type=FOLDER,
    multiple=True,
    required=True,
    envvar="PANELSEEK_INDEX",
    show_envvar=True,
    help="Train on the pages of this index; may be repeated.",
)
@click.option("--output", type=FOLDER, required=True, metavar="DIR", help="Write the training to this folder.")
@click.option(
    "--recipe",
    "name",
    default="small",
    show_default=True,
    metavar="NAME",
    help="Train as comic-panel-encoder-v1, small (the checkpoint of this package) or small-pages.",
)
@click.option(
    "--init-from",
    metavar="WEIGHTS",
    help="Start from these weights: a name or a file.  [default: new ones, over MiniLM]",
)
@click.option("--labels", type=PATH, metavar="FILE", help="Train on story pages only: JSON with page labels.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Train on at most N pages.")
@click.option(
    "--licence",
    "licences",
    multiple=True,
    metavar="TEXT",
    help="Name a licence of the comics on the card; may be repeated.",
)
@click.option("--epochs", type=int, metavar="N", help="Train for N epochs.")
@click.option("--pages-per-batch", type=int, metavar="N", help="Compare N pages with each other in one batch.")
@click.option("--gradient-accumulation", type=int, metavar="N", help="Make one step of N batches.")
@click.option("--learning-rate", type=float, metavar="X", help="Start the schedule at this learning rate.")
@click.option(
    "--validation-fraction",
    type=float,
    metavar="X",
    help="Validate on this share of the pages, whole books; 0 for none.",
)
@click.option("--augment/--no-augment", default=None, help="Train on augmented panels.")
@click.option(
    "--instance-weight",
    type=float,
    metavar="X",
    help="Weigh the objective between two augmented crops of a panel.",
)
@click.option("--frozen-norms/--no-frozen-norms", default=None, help="Keep the norms of the backbones unchanged.")
@click.option("--mixed-precision/--no-mixed-precision", default=None, help="Use float16 on cuda, bfloat16 elsewhere.")
@click.option("--seed", type=int, metavar="N", help="Seed the split, the order and all random draws.")
@click.option("--device", metavar="NAME", help="Train on cpu, cuda or mps.  [default: the fastest available]")
@click.option(
    "--workers",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Read pages ahead in N threads.",
)
@click.option(
    "--save-every",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    metavar="N",
    help="Save after every N steps.",
)
@quiet_option
@json_option
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

    Run it again with the same options after an interruption: it resumes.
    """
    from retrieval import PanelIndex
    from retrieval.training import train_encoder
    from ui.output.progress import progress_display

    recipe = chosen_recipe(name, changes)
    with ExitStack() as stack:
        stop = stack.enter_context(saving_first())
        progress = stack.enter_context(progress_display(quiet))
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
        print_json(report.as_dict())
    else:
        _print_training(report)


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
        """Handle SIGINT."""
        if self._requested or not self._running:
            raise KeyboardInterrupt
        self._requested = True
        echo("", "stopping after this step; Ctrl-C again stops at once, back at the last save", err=True)


@contextmanager
def saving_first() -> Iterator[Callable[[], bool]]:
    """Give the `stop` callback of `train_encoder`; Ctrl-C has its usual meaning again afterwards."""
    stop = _Stop()
    before = signal.signal(signal.SIGINT, stop.interrupted)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _print_training(report: TrainingReport) -> None:
    """Print the figures of a training and the path of its encoder."""
    counts, best = report.data["counts"], report.best
    echo(
        f"{report.epochs} epochs, {report.steps:,} steps over {counts['training_pages']:,} pages "
        f"({counts['training_panels']:,} panels)"
    )
    losses = [f"{part} {best[part]['total']:.3f}" for part in ("training", "validation") if best[part]]
    echo(f"weights of epoch {best['epoch']}: loss {', '.join(losses) or 'none'}")
    collapse = best["collapse"]
    figures = [f"{key} {collapse[key]:.2f}" for key in ("within", "between", "matched") if collapse[key] is not None]
    echo(f"{collapse['verdict']} ({', '.join(figures)})")
    for page, reason in report.skipped:
        echo(f"skipped {page}: {reason}", err=True)
    echo(f"encoder: {report.encoder}", f"use it: panelseek build SOURCE --encoder {report.encoder}")
