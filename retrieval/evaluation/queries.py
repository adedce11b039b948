"""Words as people give them: exact, half remembered, misread by a machine, or told in other words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrieval.errors import UsageError

FIVE = 5
FORGOTTEN = 0.4
"""Share of a line's words that a half remembered one has lost."""
MISREAD = (0.10, 0.15)
"""Share of the characters that reading machines get wrong in the noisy kind, from and to."""

_CONFUSED = {
    "a": "oe", "b": "h6", "c": "eo", "d": "cl", "e": "co", "f": "t", "g": "q9", "h": "bn", "i": "l1",
    "j": "i", "k": "h", "l": "i1", "m": "rn", "n": "rm", "o": "0c", "p": "q", "q": "g", "r": "n",
    "s": "5", "t": "fl", "u": "vn", "v": "u", "w": "v", "x": "k", "y": "v", "z": "2",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rephrased:
    """A line of a comic, and how someone who has read it might say it."""

    book: str
    page: int
    panel: int
    line: str
    rephrased: str


def question(dialogue: str, kind: str, *, seed: int, key: str) -> str | None:
    """The dialogue as a question of a kind in `KINDS`; the same for the same (seed, key, kind).

    None where the dialogue has fewer than five words: too little to remember half of.
    """
    words = dialogue.split()
    if len(words) < FIVE:
        return None
    digest = hashlib.sha256(f"{seed}\0{key}\0{kind}".encode()).digest()
    return KINDS[kind](words, np.random.default_rng(int.from_bytes(digest[:8], "big")))


def _five_words(words: list[str], rng: np.random.Generator) -> str:
    start = int(rng.integers(0, len(words) - FIVE + 1))
    return " ".join(words[start : start + FIVE])


def _half_remembered(words: list[str], rng: np.random.Generator) -> str:
    kept = sorted(rng.permutation(len(words))[round(FORGOTTEN * len(words)) :])
    return " ".join(words[i] for i in kept)


def _ocr_noise(words: list[str], rng: np.random.Generator) -> str:
    """A share of the characters misread: one taken for another, a space lost, a space put in."""
    line = list(" ".join(words))
    wrong = max(1, round(len(line) * rng.uniform(*MISREAD)))
    for place in rng.permutation(len(line))[:wrong]:
        line[place] = _misread(line[place], rng)
    return " ".join("".join(line).split())


def _misread(letter: str, rng: np.random.Generator) -> str:
    if letter == " ":
        return ""
    if rng.random() < 0.15:
        return f"{letter} "
    looks_like = _CONFUSED.get(letter.lower())
    if looks_like is None:
        return ""
    return str(rng.choice(list(looks_like)))


KINDS: dict[str, Callable[[list[str], np.random.Generator], str]] = {
    "five words": _five_words,
    "half remembered": _half_remembered,
    "ocr noise": _ocr_noise,
}


def read_rephrased(path: Path) -> list[Rephrased]:
    """The list in a JSON file. Raises `UsageError` naming the entry that is not one."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as a list of rephrased lines: {error}") from error
    if not isinstance(entries, list):
        raise UsageError(f"{path} holds {type(entries).__name__}; expected a list of rephrased lines")
    return [_rephrased(path, number, entry) for number, entry in enumerate(entries, 1)]


def _rephrased(path: Path, number: int, entry: object) -> Rephrased:
    types = {"book": str, "page": int, "panel": int, "line": str, "rephrased": str}
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name), kind) for name, kind in types.items()):
        raise UsageError(f"{path}: entry {number} is {entry!r}; expected {', '.join(types)}")
    if not entry["rephrased"].strip():
        raise UsageError(f"{path}: entry {number} is rephrased with no words")
    return Rephrased(**{name: entry[name] for name in types})
