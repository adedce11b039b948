"""The command `panelseek train`, in this process."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from retrieval.errors import UsageError
from retrieval.training import Progress
from ui.cli.main import main
from ui.cli.train import chosen_recipe, describe, saving_first


def test_options_change_the_recipe() -> None:
    """Those that are given, and no others; without alterations there is nothing for the instance term."""
    recipe = chosen_recipe("small", {"epochs": 3, "augment": False, "instance": None, "seed": None})
    assert (recipe.epochs, recipe.augment, recipe.instance, recipe.seed) == (3, False, 0.0, 42)
    with pytest.raises(UsageError, match=r"no recipe 'huge'; expected one of comic-panel-encoder-v1, small"):
        chosen_recipe("huge", {})


def test_ctrl_c_is_asked_about_once_it_runs() -> None:
    """Before the first step it stops at once; then it is an answer; the second time it stops at once again."""
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
    """Batches, the loss and its parts, rate, time left."""
    losses = {"contrastive": 2.0, "alignment": 1.5, "instance": 0.0, "total": 2.45}
    line = describe(Progress("train", 1, 20, 30, 1000, losses, 4.25, 3905.0))
    assert line == "30/1,000  loss 2.450 (contrastive 2.000 alignment 1.500)  4.2 pages/s  1:05:05 left"


def test_trained_from_the_command_line(tiny_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON object on standard output, progress on standard error; other settings are wrong usage."""
    asked = ["train", "--index", str(tiny_index), "--output", str(tmp_path / "out"), "--device", "cpu", "--json"]
    main([*asked, "--epochs", "1", "--limit", "2", "--no-augment"])
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert (report["epochs"], report["data"]["counts"]["training_pages"]) == (1, 2)
    assert Path(report["encoder"]).is_file()
    assert "epoch 1/1 training: 1/1  loss" in said.err
    with pytest.raises(SystemExit) as stopped:
        main([*asked, "--epochs", "2", "--limit", "2", "--no-augment"])
    assert stopped.value.code == 2
    assert "recipe.epochs was 1 and is 2" in capsys.readouterr().err
