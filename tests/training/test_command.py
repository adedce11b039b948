"""The command `panelseek train`, in this process."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from retrieval.errors import UsageError
from retrieval.progress import Progress
from ui.cli.main import main
from ui.cli.train import chosen_recipe, saving_first
from ui.output.progress import progress_text


def test_options_change_the_recipe() -> None:
    """Those that are given, and no others; without augmentation there is nothing for the instance objective."""
    recipe = chosen_recipe("small-pages", {"epochs": 3, "augment": False, "instance_weight": None, "seed": None})
    assert (recipe.epochs, recipe.augment, recipe.instance_weight, recipe.seed) == (3, False, 0.0, 42)
    with pytest.raises(UsageError, match=r"no recipe 'huge'; expected one of comic-panel-encoder-v1, small"):
        chosen_recipe("huge", {})


def test_ctrl_c_saves_first_once_it_runs() -> None:
    """Before the first step it stops at once; later it stops after the step; the second time at once again."""
    before = signal.getsignal(signal.SIGINT)
    with saving_first() as stop:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert not stop()
        signal.raise_signal(signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == before


def test_a_line_of_progress() -> None:
    """Batches, the epoch and its losses, rate, time left."""
    detail = "epoch 1/20  loss 2.450 (contrastive 2.000 alignment 1.500)"
    line = progress_text(Progress("train", 30, 1000, "batches", 0.2484, detail))
    assert line == f"30/1,000 batches  {detail}  0.2 batches/s  1:05:05 left"


def test_trained_from_the_command_line(tiny_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON object on standard output, progress on standard error; other settings are wrong usage."""
    command = ["train", "--index", str(tiny_index), "--output", str(tmp_path / "out"), "--device", "cpu", "--json"]
    command += ["--recipe", "small-pages", "--limit", "2", "--no-augment"]
    main([*command, "--epochs", "1"])
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert (report["epochs"], report["data"]["counts"]["training_pages"]) == (1, 2)
    assert Path(report["encoder"]).is_file()
    assert "training: 1/1 batches  epoch 1/1  loss" in printed.err
    assert "validating: 1/1 batches  epoch 1/1" in printed.err
    with pytest.raises(SystemExit) as stopped:
        main([*command, "--epochs", "2"])
    assert stopped.value.code == 2
    assert "recipe.epochs was 1 and is 2" in capsys.readouterr().err
