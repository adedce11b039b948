"""Ask thousands of mutated questions, and count what is neither an answer nor a sentence.

    python benchmarks/mutated_questions.py [--count N] [--seed N] [--index DIR] [--json]

Each question has random fields: words of every script, control characters, FTS5 syntax, lone surrogates, huge texts,
numbers out of range, NumPy values, filters of wrong types, damaged and odd images. It goes through
`PanelIndex.search`, the command line (in this process) or the handler of the API. Without --index, the sample comics
are built first.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import io
import json
import math
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from PIL import Image

import retrieval.encoder
from index_builder import build_index
from retrieval import PanelIndex
from retrieval.errors import PanelseekError
from sample_data import COMICS, QUERY_TEXT
from ui.cli.main import main as command_line
from ui.output.terminal import one_line
from ui.web.api import handlers

SLOW = 60
"""Seconds of this process, on all its threads, after which a question counts as a hang."""

WORDS = [
    *QUERY_TEXT.split(), "lighthouse", "winter", "the", "king's", "", " ", "...", "!?", "\n", "\t",
    "\U0001f984", "ลาก่อนนะเธอ", "今夜は月が", "안녕하세요", "кот", "مرحبا", "שלום", "नमस्ते", "ﾊﾟﾝﾀﾞ", "١٢٣", "Ⅷ", "ß", "ﬁ",
    "\x00", "\x1b[31m", "\x07", "\u202e", "\u200b", "\u0301", "\ud83d", "\udc00", "\x85", "\ufffd",
    '"', "'", "''", '""', "AND", "OR NOT", "NEAR(a b, 2)", "a*", "^a", "{a b}", "dialogue:x", "-", "--", "(", "%", "_",
    "\\", "' OR 1=1 --", "rowid", "a" * 300, "ab " * 3000, "é" * 5000,
]  # fmt: skip
NUMBERS: list[Any] = [
    0, -1, 1, 2, 3, 12, 100, 5000, 2**31, 2**53, 2**63, 2**70, -(2**63), 0.5, 1.0, math.nan, math.inf, -math.inf, True,
    False, None, "3", "", b"3", [], [3], {}, np.int64(3), np.uint8(2), np.int8(-1), np.float32(0.5), np.float64("nan"),
    np.array(3), np.array([3]), np.bool_(True), 1j, object,
]  # fmt: skip
COUNTS: list[Any] = [1, 2, 3, 12, np.int64(4), 60]
FILTERS: list[Any] = [
    "book", "book_id", "source", "page", "has_dialogue", "annotated", "aspect", "size", "series", "number", "year",
    "writer", "genre", "label", "language", "no such filter", "", 3,
]  # fmt: skip
VIEWS: list[Any] = ["picture", "dialogue", "fused", "any", None, "sound", "", 3, "PICTURE", ["picture"]]
MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16", "RGBX"]

Fields = dict[str, Any]


class Mutator:
    """Random fields of questions; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.noise = np.random.default_rng(seed)

    def text(self) -> Any:
        kind = self.dice.random()
        if kind < 0.05:
            return self.dice.choice(NUMBERS)
        if kind < 0.2:
            return "".join(chr(self.dice.randrange(0x11000)) for _ in range(self.dice.randrange(1, 40)))
        return " ".join(self.dice.choices(WORDS, k=self.dice.randrange(1, 6)))

    def number(self) -> Any:
        return self.dice.choice(COUNTS if self.dice.random() < 0.6 else NUMBERS)

    def filters(self) -> Any:
        if self.dice.random() < 0.1:
            return self.dice.choice([*NUMBERS, "book", ["book"], lambda: 1])
        return {self.dice.choice(FILTERS): self.value() for _ in range(self.dice.randrange(1, 4))}

    def value(self) -> Any:
        kind = self.dice.random()
        if kind < 0.3:
            return self.text()
        if kind < 0.6:
            return self.dice.choice(NUMBERS)
        pair = [self.dice.choice(NUMBERS) if self.dice.random() < 0.7 else self.text() for _ in range(2)]
        return self.dice.choice([pair, tuple(pair), [*pair, 3], {"a": pair}, np.array([1, 2])])

    def image(self) -> Any:
        """Return an image as bytes, as Pillow's, as an array, as a path, or something else."""
        kind = self.dice.random()
        if kind < 0.5:
            data = self._file()
            return data if self.dice.random() < 0.7 else io.BytesIO(data)
        if kind < 0.65:
            return self._picture()
        if kind < 0.9:
            shape = tuple(self.dice.choice([0, 1, 2, 3, 4, 5, 40]) for _ in range(self.dice.randrange(0, 5)))
            return self.noise.integers(0, 3, shape).astype(self.dice.choice(["u1", "f4", "f8", "i8", "?", "u2", "c8"]))
        return self.dice.choice([self.text(), Path(), Path("no such file"), *NUMBERS])

    def _picture(self) -> Image.Image:
        size = self.dice.choice([(1, 1), (1, 9000), (9000, 1), (2, 2), (64, 48), (300, 400), (224, 224)])
        return Image.new(self.dice.choice(MODES), size)

    def _file(self) -> bytes:
        """Return an image file: whole, animated, cut off, with changed bytes, or noise."""
        if self.dice.random() < 0.1:
            return self.dice.randbytes(self.dice.randrange(0, 200))
        out, picture = io.BytesIO(), self._picture().convert("RGB")
        name = self.dice.choice(["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "GIF many"])
        more = {"save_all": True, "append_images": [picture] * 3} if name == "GIF many" else {}
        picture.save(out, name.split()[0], **more)
        data = bytearray(out.getvalue())
        kind = self.dice.random()
        if kind < 0.3:
            return bytes(data[: self.dice.randrange(len(data) + 1)])
        for _ in range(self.dice.randrange(1, 30) if kind < 0.6 else 0):
            data[self.dice.randrange(len(data))] = self.dice.randrange(256)
        return bytes(data)

    def question(self) -> Fields:
        """Return the fields of one question."""
        fields: Fields = {}
        subject = self.dice.random()
        if subject < 0.65 or subject > 0.97:
            fields["text"] = self.text()
        if 0.5 < subject < 0.85 or subject > 0.97:
            fields["image"] = self.image()
        if subject > 0.85:
            fields["panel"] = self.dice.choice([1, 2, 17, 60, np.int64(5), *NUMBERS])
        for name, share, make in (
            ("view", 0.3, lambda: self.dice.choice(VIEWS)),
            ("negative_text", 0.15, self.text),
            ("where", 0.3, self.filters),
            ("k", 0.6, self.number),
            ("offset", 0.2, self.number),
            ("min_score", 0.15, self.number),
            ("per_page", 0.1, self.number),
            ("per_book", 0.1, self.number),
            ("nprobe", 0.1, self.number),
            ("exact", 0.1, lambda: self.dice.choice([True, False, *NUMBERS])),
            ("include_self", 0.1, lambda: self.dice.choice([True, False, *NUMBERS])),
        ):
            if self.dice.random() < share:
                fields[name] = make()
        return fields


# ------------------------------------------------------------------------ doors


def ask_python(index: PanelIndex, fields: Fields) -> str:
    """Ask through `PanelIndex.search` and check the hits."""
    hits = index.search(**fields)
    scores = [hit.score for hit in hits]
    sound = len(hits) <= fields.get("k", 12) and all(-1 <= score <= 1 for score in scores)
    sound &= all(hit.matched_words or hit.matched_on not in ("words", "both") for hit in hits)
    return ("answer" if hits else "no results") if sound else "wrong answer"


def ask_api(index: PanelIndex, fields: Fields) -> str:
    """Ask through the handler of the API, with values that JSON can hold."""
    arguments = {name: value for name, value in fields.items() if isinstance(value, str | int | float | dict | list)}
    answer = handlers.search(index, arguments | {"image": ""})
    json.dumps(answer, default=str).encode("utf-8", "replace")
    return "answer" if answer["hits"] else "no results"


def ask_command_line(index: PanelIndex, fields: Fields) -> str:
    """Ask through the command line, in this process."""
    names = {"panel": "--like", "negative_text": "--negative", "k": "-k"}
    options: list[str] = []
    for name, value in fields.items():
        if name == "where" and isinstance(value, dict):
            options += [part for key, item in value.items() for part in (f"--{key}", str(item))]
        elif name in ("exact", "include_self", "image", "where"):
            options += ["--exact"] if name == "exact" else []
        else:
            options += [names.get(name, f"--{name.replace('_', '-')}"), str(value)]
    output, errors = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    status: Any = 0
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            command_line(["search", "--index", str(index.folder), *options])
        except SystemExit as stop:
            status = stop.code
        output.flush()
        errors.flush()
    printed = [stream.buffer.getvalue().decode() for stream in (output, errors)]  # type: ignore[attr-defined]
    if "unexpected error" in printed[1] or "Traceback" in printed[1]:
        raise RuntimeError(printed[1])
    if any(one_line(text.replace("\n", "")) != text.replace("\n", "") for text in printed):
        raise RuntimeError("control characters on the terminal")
    return "answer" if status in (0, None) else "usage error" if status == 2 else "error"


DOORS: dict[str, tuple[float, Callable[[PanelIndex, Fields], str]]] = {
    "Python": (0.77, ask_python),
    "command line": (0.08, ask_command_line),
    "API": (0.15, ask_api),
}


def _on_alarm(*_: object) -> None:
    raise TimeoutError


def ask(door: Callable[[PanelIndex, Fields], str], index: PanelIndex, fields: Fields) -> tuple[str, str]:
    """Return the kind of outcome, and a traceback if it is a crash."""
    signal.setitimer(signal.ITIMER_PROF, SLOW)
    try:
        return door(index, fields), ""
    except PanelseekError as error:
        return type(error).__name__, ""
    except TimeoutError:
        return "hang", traceback.format_exc()
    except Exception:
        return "crash", traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def measure(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """Ask `count` questions; return the outcomes by door, the faults, and the longest time."""
    mutator, outcomes, faults = Mutator(seed), Counter[tuple[str, str]](), []
    slowest = 0.0
    names, weights = list(DOORS), [share for share, _ in DOORS.values()]
    with PanelIndex.open(folder) as index:
        loaded = index.encoder
        retrieval.encoder.load_encoder = lambda *_, **__: loaded  # the command line opens the index for each question
        for number in range(count):
            fields, door = mutator.question(), mutator.dice.choices(names, weights)[0]
            began = time.perf_counter()
            outcome, fault = ask(DOORS[door][1], index, fields)
            slowest = max(slowest, time.perf_counter() - began)
            outcomes[door, outcome] += 1
            if number % 100 == 99:
                print(f"{number + 1:,} questions, {len(faults)} faults", file=sys.stderr, flush=True)
            if outcome in ("crash", "hang", "wrong answer"):
                faults.append(f"{number} {door} {outcome}: {ascii(fields)[:600]}\n{fault[-1500:]}")
                print(faults[-1], file=sys.stderr, flush=True)
    return {"outcomes": outcomes, "faults": faults, "slowest": slowest}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--index", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    signal.signal(signal.SIGPROF, _on_alarm)
    faulthandler.dump_traceback_later(3 * SLOW, repeat=True)
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.index or Path(name) / "sample.index"
        if arguments.index is None:
            build_index([COMICS], folder, encoder="small", ocr=False)
        found = measure(folder, arguments.count, arguments.seed)
    outcomes: Counter[tuple[str, str]] = found["outcomes"]
    if arguments.json:
        print(json.dumps({"outcomes": {" ".join(key): n for key, n in outcomes.items()}, "faults": found["faults"]}))
        return
    print(f"{arguments.count:,} questions, seed {arguments.seed}, slowest {found['slowest']:.1f} s")
    print("| way | outcome | questions |\n|---|---|---|")
    for (door, outcome), number in sorted(outcomes.items()):
        print(f"| {door} | {outcome} | {number:,} |")
    print(f"faults: {len(found['faults'])}")
    raise SystemExit(bool(found["faults"]))


if __name__ == "__main__":
    main()
