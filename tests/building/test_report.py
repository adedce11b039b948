"""The progress and the report of a build."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest

from retrieval.errors import UsageError
from retrieval.progress import Progress
from tests.building.library import build, cbz, drawn, page, plain, put, stage1
from ui.output.terminal import one_line


def test_counts_of_every_kind(lib: Path, index: Path) -> None:
    """The report counts what the index holds and what this build did, page by page."""
    for n in range(1, 6):
        page(lib / "a" / str(n), n, ["hi", "", "", ""])
    first = build(lib, index)
    assert (first.pages_new, first.pages, first.panels, first.encoded, first.generation) == (5, 5, 20, 20, 1)
    assert (first.pages_changed, first.pages_missing, first.pages_restored, first.pages_unchanged) == (0, 0, 0, 0)
    page(lib / "a" / "1", 101)
    kept = (lib / "a" / "2.png").read_bytes()
    (lib / "a" / "2.png").unlink()
    page(lib / "a" / "6", 6, ["one", "two"])
    second = build(lib, index)
    assert (second.pages_new, second.pages_changed, second.pages_missing) == (1, 1, 1)
    assert (second.pages_restored, second.pages_unchanged) == (0, 3)
    assert (second.pages, second.panels, second.encoded, second.panels_with_dialogue) == (5, 18, 6, 5)
    put(lib / "a" / "2.png", kept)
    third = build(lib, index)
    assert (third.pages_restored, third.pages_unchanged, third.encoded, third.panels) == (1, 5, 0, 22)


def test_the_report_as_json(lib: Path, index: Path) -> None:
    """The report goes through JSON unchanged, with skipped files as objects and seconds for each stage."""
    page(lib / "1", 1)
    put(lib / "2.png", b"not a picture")
    report = build(lib, index)
    found = json.loads(json.dumps(report.as_dict()))
    assert found["index"] == str(index)
    assert found["encoder"]["name"] == "grid"
    assert found["views"]["picture"] == {"index_type": "exact", "panels": 4, "recall_at_10": 1.0}
    ((skipped,),) = [found["skipped"]]
    assert set(skipped) == {"path", "reason"}
    assert "2.png" in skipped["path"]
    assert {"scan", "decode", "encode", "write", "index", "total"} <= set(found["seconds"])
    assert found["seconds"]["total"] >= max(v for k, v in found["seconds"].items() if k != "total")
    assert found["panels_per_second"] > 0


def test_progress_goes_forward(lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages come in order; pages and panels only grow and end at the total; the time left ends at nothing."""
    monkeypatch.setattr("index_builder.write.encode._PANELS_PER_COMMIT", 8)
    for book in "ab":
        for n in range(6):
            page(lib / book / str(n), n)
    seen: list[Progress] = []
    build(lib, index, progress=seen.append, batch_size=8)
    assert [stage for stage, _ in itertools.groupby(p.stage for p in seen)] == ["scan", "encode", "index"]
    encode = [p for p in seen if p.stage == "encode"]
    for before, after in itertools.pairwise(encode):
        assert (before.done, panels_done(before)) <= (after.done, panels_done(after))
        assert before.total == after.total == 12
        assert before.unit == after.unit == "pages"
    assert (encode[-1].done, panels_done(encode[-1])) == (12, 48)
    assert encode[-1].seconds_left == 0
    assert all(p.seconds_left is None or p.seconds_left >= 0 for p in encode)
    assert encode[len(encode) // 2].rate > 0
    assert float(encode[len(encode) // 2].detail.split()[2]) > 0  # panels per second
    assert [p.done for p in seen if p.stage == "scan"] == [6, 12]


def panels_done(progress: Progress) -> int:
    """Return the panels that a report of the encode stage counts."""
    number, word, *_ = progress.detail.split()
    assert word == "panels,"
    return int(number.replace(",", ""))


def test_nothing_to_do(lib: Path, index: Path) -> None:
    """A second build of the same comics encodes nothing and keeps the generation."""
    page(lib / "1", 1)
    build(lib, index)
    before = sorted(p.name for p in (index / "generations").iterdir())
    again = build(lib, index)
    assert (again.encoded, again.pages_unchanged, again.generation) == (0, 1, 1)
    assert sorted(p.name for p in (index / "generations").iterdir()) == before == ["1"]


def test_memory_is_bounded_by_batches(lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder never gets more than a commit's panels at once, however many pages there are."""
    from tests.conftest import GridEncoder

    monkeypatch.setattr("index_builder.write.encode._PANELS_PER_COMMIT", 10)
    sizes: list[int] = []

    class Counting(GridEncoder):
        def encode(self, panels, **more):
            sizes.append(len(panels))
            return super().encode(panels, **more)

    for n in range(35):
        put(lib / f"{n}.png", plain(n))
    build(lib, index, Counting(), page_is_panel=True, batch_size=4)
    assert sizes == [10, 10, 10, 5]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch_size": 0}, "batch_size .* 1 or more; found 0"),
        ({"workers": -1}, "workers .* 0 or more; found -1"),
        ({"index_kind": "hnsw"}, "'hnsw'\\nchoose auto, exact, ivfpq"),
        ({"max_pixels": "many"}, "max_pixels .* found 'many'"),
        ({"colour": True}, "there is no build option 'colour'\\nchoose from index_kind, .*, language"),
    ],
)
def test_options_that_make_no_sense(lib: Path, index: Path, options: dict[str, object], words: str) -> None:
    """A wrong option is refused before anything is written, with what was found and what is possible."""
    page(lib / "1", 1)
    with pytest.raises(UsageError, match=words):
        build(lib, index, **options)
    assert not index.exists()


def test_skipped_files_are_remembered(lib: Path, index: Path) -> None:
    """Each unreadable file is in the report and in the index's info, until it can be."""
    from retrieval import PanelIndex

    page(lib / "1", 1)
    put(lib / "2.png", b"\x89PNG\r\n\x1a\n")
    report = build(lib, index)
    with PanelIndex.open(index) as opened:
        assert [(s["path"], s["reason"]) for s in opened.info()["skipped"]] == list(report.skipped)
    put(lib / "2.png", plain(3))
    assert build(lib, index).skipped == ()
    with PanelIndex.open(index) as opened:
        assert opened.info()["skipped"] == []


def test_info_says_what_there_is(lib: Path, index: Path) -> None:
    """`info` has the counts, the encoder, the generation, the views and the bytes on disk, ready for JSON."""
    from retrieval import PanelIndex

    page(lib / "1", 1, ["hi", "", "", ""])
    build(lib, index, index_kind="exact")
    with PanelIndex.open(index) as opened:
        info = json.loads(json.dumps(opened.info()))
    assert (info["books"], info["pages"], info["panels"], info["panels_with_dialogue"]) == (1, 1, 4, 1)
    assert info["encoder"]["fingerprint"] == "grid-1"
    assert info["last_build"]["options"]["index_kind"] == "exact"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", info["last_build"]["at"])
    assert {n: v["panels"] for n, v in info["views"].items()} == {"picture": 4, "dialogue": 1, "fused": 4}
    assert info["bytes"] > 4 * 512 * 2 * 3
    assert info["sources"] == [str(lib)]


def test_remarks_on_one_page_hide_no_others(lib: Path, index: Path) -> None:
    """Of many warnings about a page the first are listed and the others counted; a damaged annotation costs no page."""
    put(lib / "1.png", drawn(1))
    put(lib / "1.png.json", stage1([""] * 40, [(0, 0, 0, 0)] * 40))
    page(lib / "2", 2)
    note = b'{"panels": [{"bbox": [0, 0, 9, 9]}]}'
    cbz(lib / "b.cbz", {"3.png": drawn(3), "3.json": note})
    archive = (lib / "b.cbz").read_bytes()
    (lib / "b.cbz").write_bytes(archive.replace(note, note.replace(b"9", b"8")))
    report = build(lib, index)
    assert report.pages == 3
    assert report.skipped == ()
    of_first = [note for path, note in report.warnings if path.endswith("1.png")]
    assert len(of_first) == 6
    assert of_first[-1] == f"and {40 + 1 - 5} more warnings for this page"
    (of_third,) = (note for path, note in report.warnings if path.endswith("3.png"))
    assert of_third.startswith("its annotation cannot be read")


def test_names_cannot_break_their_line() -> None:
    """A file name may hold a line's end, or what steers a terminal."""
    assert one_line("a\nb\x1b[2J\u2028c é 漫画") == "a\\nb\\x1b[2J\\u2028c é 漫画"
