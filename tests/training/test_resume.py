"""A training that was stopped at any moment continues to the same end, to the bit."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock

from retrieval.encoder.state_dicts import read_state
from retrieval.errors import TrainingError, UsageError
from retrieval.training.state import Output
from tests.training.trainer import RECIPE, train

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Any:
    """Sums of several threads may differ in their last bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def unbroken(tiny_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training without interruption."""
    output = tmp_path_factory.mktemp("unbroken") / "out"
    train([tiny_index], output, RECIPE, workers=1)
    return output


def start(index: Path, output: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__).with_name("trainer.py")), str(index), str(output)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def kill_when(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout is not None
    with process:
        assert any(printed.strip() == line for printed in process.stdout)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def assert_same(output: Path, other: Path) -> None:
    """All weights and figures; only times differ."""
    for name in ("model.safetensors", "model.pt", "last.safetensors", "last.pt", "start.safetensors"):
        left, right = read_state(output / name), read_state(other / name)
        assert left.keys() == right.keys()
        assert all(torch.equal(left[key], right[key]) for key in left), name
    left, right = ([{k: v for k, v in row.items() if k != "seconds"} for row in rows(out)] for out in (output, other))
    assert left == right
    states = [torch.load(out / "state.pt", weights_only=True) for out in (output, other)]
    for part in ("head", "model"):
        assert all(torch.equal(value, states[1][part][key]) for key, value in states[0][part].items())
    moments = [state["optimizer"]["state"] for state in states]
    assert moments[0].keys() == moments[1].keys()
    assert all(torch.equal(m[k], moments[1][place][k]) for place, m in moments[0].items() for k in m)
    assert torch.equal(states[0]["random"], states[1]["random"])


def rows(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]


def continue_training(index: Path, output: Path, stop_at: int = 0) -> bool:
    """Train in this process, stopped at the call of `stop` with this number; return True if it came to its end."""
    calls = itertools.count(1)
    try:
        train([index], output, RECIPE, stop=lambda: next(calls) == stop_at)
    except KeyboardInterrupt:
        return False
    return True


def test_killed_and_continued(tiny_index: Path, unbroken: Path, tmp_path: Path) -> None:
    """kill -9 in the middle of the second epoch of three batches each."""
    output = tmp_path / "out"
    kill_when(start(tiny_index, output), "train 5")
    assert continue_training(tiny_index, output)
    assert_same(output, unbroken)


def test_stopped_again_and_again(tiny_index: Path, unbroken: Path, tmp_path: Path) -> None:
    """Stopped at every second call, while training, validating and making the basis: saved, and continued."""
    output = tmp_path / "out"
    assert not any(continue_training(tiny_index, output, stop_at=2) for _ in range(4))
    assert continue_training(tiny_index, output)
    assert_same(output, unbroken)


def test_killed_while_writing(tiny_index: Path, unbroken: Path, tmp_path: Path) -> None:
    """Half-written files, and lines of metrics that were never saved, do no harm."""
    output = tmp_path / "out"
    output.mkdir()
    (output / "start.safetensors").write_bytes(b"of a first start that wrote no settings")
    (output / "settings.json.partial").write_text("{")
    assert not continue_training(tiny_index, output, stop_at=4)
    with (output / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "epoch", "half a li')
    (output / "state.pt.partial").write_bytes(b"PK")
    assert continue_training(tiny_index, output)
    assert_same(output, unbroken)


def test_other_settings_are_refused(tiny_index: Path, unbroken: Path) -> None:
    """With the old and the new value; nothing is changed."""
    before = (unbroken / "state.pt").read_bytes()
    with pytest.raises(UsageError, match=r"recipe\.epochs was 2 and is 20; recipe\.") as refused:
        train([tiny_index], unbroken, "small-pages")
    assert refused.value.path == str(unbroken)
    assert refused.value.hint is not None
    assert "another --output" in refused.value.hint
    with pytest.raises(UsageError, match=r"limit was null and is 2"):
        train([tiny_index], unbroken, RECIPE, limit=2)
    assert (unbroken / "state.pt").read_bytes() == before


def test_a_folder_with_other_files_is_refused(tiny_index: Path, tmp_path: Path) -> None:
    """And stays as it is."""
    (tmp_path / "thesis.doc").write_text("x")
    with pytest.raises(UsageError, match=r"holds other files \(thesis\.doc\)"):
        train([tiny_index], tmp_path, RECIPE)


def test_one_training_at_a_time(tiny_index: Path, unbroken: Path) -> None:
    """A folder that another process trains into is left alone."""
    with FileLock(unbroken / "training.lock"), pytest.raises(TrainingError, match="another process"):
        train([tiny_index], unbroken, RECIPE)


def test_a_damaged_state_is_refused(tiny_index: Path, tmp_path: Path, unbroken: Path) -> None:
    """With the file and a suggested fix."""
    output = tmp_path / "out"
    output.mkdir()
    for name in ("settings.json", "start.safetensors"):
        (output / name).write_bytes((unbroken / name).read_bytes())
    (output / "state.pt").write_bytes((unbroken / "state.pt").read_bytes()[:5000])
    with pytest.raises(TrainingError, match=r"state\.pt: cannot be read ") as refused:
        train([tiny_index], output, RECIPE)
    assert refused.value.hint == "choose another --output to start again"


def damage(state: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    content = torch.load(state, weights_only=True)
    change(content)
    torch.save(content, state)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("random"),
        lambda content: content.pop("position"),
        lambda content: content.update(random=torch.zeros(3)),
        lambda content: content.update(random="no state"),
        lambda content: content["position"].update(epoch="two"),
        lambda content: content["position"].update(batch=-1),
        lambda content: content["position"].update(colour="red"),
        lambda content: content.update(model={"no": torch.zeros(1)}),
        lambda content: content.update(optimizer=[]),
    ],
)
def test_a_state_with_wrong_content_is_refused(
    tiny_index: Path, tmp_path: Path, unbroken: Path, change: Callable[[dict[str, Any]], Any]
) -> None:
    """Whatever is missing or of another type, the file is named with a suggested fix."""
    output = tmp_path / "out"
    output.mkdir()
    for name in ("settings.json", "start.safetensors", "state.pt"):
        (output / name).write_bytes((unbroken / name).read_bytes())
    damage(output / "state.pt", change)
    with pytest.raises(TrainingError, match=r"state\.pt: cannot be read as the state of a training"):
        train([tiny_index], output, RECIPE)


class _Unpickled:
    def __reduce__(self) -> Any:
        return os.mkdir, ("unpickled",)


def test_a_state_is_never_unpickled(
    tiny_index: Path, tmp_path: Path, unbroken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An object in the file is refused, and its code does not run."""
    output = tmp_path / "out"
    output.mkdir()
    for name in ("settings.json", "start.safetensors"):
        (output / name).write_bytes((unbroken / name).read_bytes())
    torch.save({"position": _Unpickled()}, output / "state.pt")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrainingError, match=r"state\.pt: cannot be read as the state of a training"):
        train([tiny_index], output, RECIPE)
    assert not (tmp_path / "unpickled").exists()


def test_damaged_metrics(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Damaged lines are left out and named; the others are read."""
    output = Output(tmp_path)
    output.note(kind="step", rate=1)
    with (tmp_path / "metrics.jsonl").open("ab") as file:
        file.write(b'[1]\n{"kind": 5}\n{"kind": "epoch"}\n\xff\n' + b"[" * 100_000 + b'\n{"kind": "half a li')
    assert output.metrics() == [{"kind": "step", "rate": 1}]
    assert "metrics.jsonl: damaged lines are left out: 2, 3, 4, 5, 6, 7" in caplog.text


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_damaged_settings_are_refused(tiny_index: Path, tmp_path: Path, content: bytes) -> None:
    """The settings of a training are named with a suggested fix."""
    (tmp_path / "settings.json").write_bytes(content)
    with pytest.raises(TrainingError, match=r"settings\.json: (cannot be read|holds list)"):
        train([tiny_index], tmp_path, RECIPE)
