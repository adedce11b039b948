"""Ask all pinned questions and write the answers down.

    python -m tests.pinned.record --out tests/pinned/answers-sample.json
    python -m tests.pinned.record --comics DIR --out tests/pinned/answers-real.json

Without --comics the sample comics and the made library are built. Run it only where a change of behaviour is meant.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.pinned import adapter, questions
from tests.pinned.libraries import SAMPLE, STEPS, VARIANTS, types_file
from tests.pinned.material import Material


def record_real(comics: Path, folder: Path) -> dict[str, Any]:
    """Build the real comics in a folder and answer the questions about them."""
    loaded = adapter.encoder()
    report = adapter.build([comics], folder / "real.index", loaded, workers=1)
    return {"real": record_index(folder / "real.index", report, loaded)}


def record_index(index: Path, report: Mapping[str, Any], loaded: Any) -> dict[str, Any]:
    """Answer the questions about the real comics from an index of them, and describe it."""
    return _recorded(index, [dict(report)], questions.real, loaded)


def record_sample(folder: Path) -> dict[str, Any]:
    """Build the sample comics, the made library and the variants in a folder and answer their questions."""
    loaded = adapter.encoder()
    report = adapter.build([SAMPLE], folder / "sample.index", loaded)
    found = {"sample": _recorded(folder / "sample.index", [report], questions.sample, loaded)}
    found["made"] = _made(folder / "made", loaded)
    for name, (books, options) in VARIANTS.items():
        index = folder / f"{name}.index"
        report = adapter.build([SAMPLE / book for book in books], index, loaded, **options)
        found[name] = _recorded(index, [report], questions.variant, loaded)
    return found


def _made(folder: Path, loaded: Any) -> dict[str, Any]:
    comics, index = folder / "comics", folder / "made.index"
    comics.mkdir(parents=True)
    reports = []
    for change, options in STEPS:
        change(comics)
        reports.append(adapter.build([comics], index, loaded, annotations=[types_file(comics)], **options))
    return _recorded(index, reports, questions.made, loaded)


def _recorded(folder: Path, reports: list[dict[str, Any]], ask: Any, loaded: Any) -> dict[str, Any]:
    with adapter.open_index(folder, loaded) as index, tempfile.TemporaryDirectory() as scratch:
        material = Material(
            lambda panel: adapter.dialogue_of(index, panel),
            lambda panel: adapter.picture_of(index, panel),
            lambda panel: adapter.page_picture_of(index, panel),
            Path(scratch),
        )
        return {
            "reports": reports,
            **adapter.contents(index),
            "answers": answers(index, ask(adapter.panel_ids(index)), material),
        }


def answers(index: Any, asked: Iterable[Mapping[str, Any]], material: Material) -> dict[str, Any]:
    """Return the answer to each question by the question's id, as plain JSON values."""
    found: dict[str, Any] = {}
    for question in asked:
        assert question["id"] not in found, question["id"]
        found[question["id"]] = adapter.ask(index, question, material)
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def as_text(recorded: Mapping[str, Any]) -> str:
    """Return compact JSON with a line for each question and each list, so that a difference is easy to read."""
    lines = []
    for library, parts in recorded.items():
        inner = [_line(name, value) for name, value in parts.items() if name != "answers"]
        asked = ",\n".join(_line(key, value) for key, value in parts["answers"].items())
        lines.append(f"{json.dumps(library)}:{{\n" + ",\n".join(inner) + f',\n"answers":{{\n{asked}\n}}}}')
    return "{" + ",\n".join(lines) + "}\n"


def _line(name: str, value: Any) -> str:
    return f"{json.dumps(name)}:{json.dumps(value, ensure_ascii=False, separators=(',', ':'))}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comics", type=Path, help="folder of the real comics (default: the sample comics)")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    chosen = parser.parse_args()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        recorded = record_real(chosen.comics, Path(folder)) if chosen.comics else record_sample(Path(folder))
    chosen.out.write_text(as_text(recorded), encoding="utf-8")
    counts = ", ".join(f"{name} {len(parts['answers'])}" for name, parts in recorded.items())
    print(f"{counts} questions; {chosen.out.stat().st_size:,} bytes; {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
