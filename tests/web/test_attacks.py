"""The attacks of `benchmarks/attacks.py` on the tests' server: none gets through."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from benchmarks.web_app.attacks import files, foreign, inputs, load
from benchmarks.web_app.attacks.target import Attack, Target
from retrieval import PanelIndex
from tests.web.serving import served


def through(attacks: Iterable[Attack], target: Target) -> list[str]:
    """Return the attacks that got through, with their findings."""
    found = [(attack, *attack.result(target)) for attack in attacks]
    assert len(found) >= 4
    return [f"{attack.group}: {attack.name}: {finding}" for attack, finding, held in found if not held]


def test_requests_of_every_kind(url: str, index: PanelIndex) -> None:
    """From other websites and under other names, to files and other servers, with values of every kind."""
    attacks = [*foreign.attacks(), *files.attacks(), *inputs.attacks()]
    assert through(attacks, Target(url, index.folder, 0)) == []


def test_without_a_password(index: PanelIndex, tmp_path: Path) -> None:
    """Guesses wait, the right password does not, and nothing is read before a login."""
    with served(index.folder, tmp_path / "tmp", PANELSEEK_AUTH="ann:secret") as server:
        assert through(load.password_attacks(), Target(server.url, index.folder, server.process.pid)) == []


MEASURED = (
    "pictures of 119 megapixels, turned PNG",
    "JSON of 1 GB in chunks",
    "images of 60 MB",
    "uploads of",
    "600 half headers",
)
"""One attack of each kind; `benchmarks/attacks.py` has all of them."""


def test_memory_and_places_under_attack(index: PanelIndex, tmp_path: Path) -> None:
    """The server stays within its memory, measured from outside, and answers others meanwhile."""
    chosen = [attack for attack in load.attacks(share=0.3) if attack.name.startswith(MEASURED)]
    assert len(chosen) == len(MEASURED)
    with served(index.folder, tmp_path / "tmp") as server:
        target = Target(server.url, index.folder, server.process.pid)
        load.warm_up(target)
        assert through(chosen, target) == []
        log = server.log.stat().st_size
    assert log < 100_000  # nothing of what was sent is in it


@pytest.mark.parametrize("expected", ["403", "404|400"])
def test_a_finding_is_compared_as_a_whole(expected: str) -> None:
    """An attack that fails itself has got through."""
    target = Target("http://127.0.0.1:1/", Path(), 0)
    assert Attack("", "", expected, lambda _: expected[:3]).result(target) == (expected[:3], True)
    assert Attack("", "", expected, lambda _: expected[:3] + "0").result(target)[1] is False
    assert Attack("", "", expected, lambda _: 1 / 0).result(target) == ("ZeroDivisionError: division by zero", False)
