"""Bad input: each file is reported with its problem and a suggested fix, and the build goes on."""

from __future__ import annotations

import gc
import re
import shutil
import sqlite3
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from index_builder import build_index, repair_index
from retrieval import PanelIndex, verify_index
from retrieval.errors import (
    CheckpointError,
    EncoderMismatch,
    IndexDamaged,
    IndexError_,
    IndexMissing,
    IndexTooNew,
    PanelseekError,
    PictureError,
    SourceError,
    UsageError,
)
from retrieval.store.catalog.tables import SCHEMA_VERSION
from tests.building.library import build, cbz, drawn, page, panels, put, speckled
from tests.conftest import GridEncoder


def forged_png(width: int, height: int) -> bytes:
    """A few bytes that declare a huge picture."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


BAD: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    "text named .jpg": (lambda lib: put(lib / "bad.jpg", b"Dear reader,"), "bad.jpg", "not an image.*JPEG, PNG"),
    "empty picture": (lambda lib: put(lib / "bad.png", b""), "bad.png", "empty"),
    "truncated PNG": (lambda lib: put(lib / "bad.png", drawn(1)[:900]), "bad.png", "cut off or damaged"),
    "0-byte CBZ": (lambda lib: put(lib / "bad.cbz", b""), "bad.cbz", r"empty \(0 bytes\); copy it here again"),
    "text named .cbz": (lambda lib: put(lib / "bad.cbz", b"not a zip"), "bad.cbz", "not an archive"),
    "truncated CBZ": (
        lambda lib: put(lib / "bad.cbz", cbz(lib / "bad.cbz", {"1.png": drawn(1)}).read_bytes()[:300]),
        "bad.cbz",
        "cut off or damaged.*copy it here again",
    ),
    "RAR": (lambda lib: put(lib / "bad.cbr", b"Rar!\x1a\x07\x01\x00"), "bad.cbr", "RAR"),
    "climbing CBZ": (
        lambda lib: cbz(lib / "bad.cbz", {"../../evil.png": drawn(1)}),
        "evil.png",
        "leads out of the archive",
    ),
    "60,000 x 60,000": (
        lambda lib: put(lib / "bad.png", forged_png(60_000, 60_000)),
        "bad.png",
        "60000 x 60000 px is 3600 megapixels; the limit is 250.*--max-pixels",
    ),
    "damaged page in a CBZ": (lambda lib: cbz(lib / "bad.cbz", {"1.png": b"GIF89a"}), "bad.cbz/1.png", "damaged"),
}


@pytest.mark.parametrize("workers", [0, 1])
def test_bad_files_are_skipped_and_the_rest_goes_on(lib: Path, index: Path, workers: int) -> None:
    """Every bad file is in the report with its reason; every good page around it is indexed and found."""
    for number, (make, _, _) in enumerate(BAD.values()):
        make(lib / f"book {number:02}")
        page(lib / f"book {number:02}" / "good", number)
    report = build(lib, index, workers=workers)
    assert (report.pages, report.panels) == (len(BAD), 4 * len(BAD))
    assert len(report.skipped) == len(BAD)
    for number, (what, (_, name, reason)) in enumerate(BAD.items()):
        ((path, said),) = [item for item in report.skipped if f"book {number:02}" in item[0]]
        assert name in path, what
        assert re.search(reason, said), (what, said)
    assert not (lib.parent / "evil.png").exists()
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        for panel in opened.browse(k=100):
            assert opened.search(panel=panel.id, k=1)[0].score == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("what", BAD)
def test_nothing_but_bad_files(lib: Path, index: Path, what: str) -> None:
    """A first build that can read nothing fails with the file and the reason, and leaves no index behind."""
    make, name, reason = BAD[what]
    make(lib)
    with pytest.raises(SourceError, match=f"(?s)no page could be indexed.*{re.escape(name)}.*{reason}"):
        build(lib, index)
    assert not index.exists()


def test_a_forged_picture_takes_no_memory(lib: Path, index: Path) -> None:
    """The size is judged from the header, also with a limit of one's own."""
    put(lib / "1.png", speckled(1))
    put(lib / "2.png", forged_png(2000, 2000))
    report = build(lib, index, max_pixels=1_000_000, page_is_panel=True)
    assert [p.page_path for p in panels(index)] == ["1.png"]
    assert "4 megapixels; the limit is 1;" in report.skipped[0][1]


def test_an_empty_folder(lib: Path, index: Path) -> None:
    """Names the folder and what was expected in it."""
    with pytest.raises(SourceError, match=f"{re.escape(str(lib))}: no comics found: expected images .*CBZ"):
        build(lib, index)
    assert not index.exists()


def test_an_empty_folder_among_others(lib: Path, index: Path) -> None:
    """Next to a good source an empty one is only reported."""
    page(lib / "1", 1)
    (lib.parent / "empty").mkdir()
    report = build([lib, lib.parent / "empty"], index)
    assert report.panels == 4
    assert [path for path, _ in report.skipped] == [str(lib.parent / "empty")]


def test_a_missing_source(lib: Path, index: Path) -> None:
    """A path that does not exist is refused before anything is written, also among good ones."""
    page(lib / "1", 1)
    with pytest.raises(SourceError, match=r"nowhere: no such file or folder\ngive a folder"):
        build([lib, lib / "nowhere"], index)
    assert not index.exists()


def test_no_source_at_all(index: Path) -> None:
    """An empty list is wrong usage."""
    with pytest.raises(UsageError, match="no source given"):
        build([], index)


def test_a_source_inside_another(lib: Path, index: Path) -> None:
    """Given together, the outer one is built; given later, it is refused, so that no page is indexed twice."""
    page(lib / "A" / "1", 1)
    assert build([lib / "A", lib, lib], index).panels == 4
    with pytest.raises(UsageError, match=r"lie inside each other\nbuild .*comics again, or use another --index"):
        build(lib / "A", index)
    inner = index.with_name("inner.index")
    build(lib / "A", inner)
    with pytest.raises(UsageError, match="lie inside each other"):
        build(lib, inner)
    assert len(panels(inner)) == 4


def test_an_unknown_encoder(lib: Path, index: Path) -> None:
    """A name that is no encoder's is refused with the names there are, before a page is decoded."""
    pytest.importorskip("retrieval.encoder.checkpoints")
    page(lib / "1", 1)
    with pytest.raises((CheckpointError, UsageError), match=r"(?s)no-such-encoder.*small"):
        build_index([lib], index, encoder="no-such-encoder", workers=0)


def test_a_first_build_that_is_refused_leaves_nothing(lib: Path, index: Path) -> None:
    """Whatever refuses a first build before it begins, there is no index folder afterwards."""
    pytest.importorskip("retrieval.encoder.checkpoints")
    page(lib / "1", 1)
    with pytest.raises(PanelseekError):
        build_index([lib], index, encoder="no-such-encoder", workers=0)
    assert not index.exists()


class Other(GridEncoder):
    name = "other"
    fingerprint = "other-2"


def test_an_index_of_another_encoder(lib: Path, index: Path) -> None:
    """Two encoders never mix: both are named, with what to do, and the index is as it was."""
    page(lib / "1", 1)
    build(lib, index)
    page(lib / "2", 2)
    built_by = r"my\.index: the index was built with encoder grid \(grid-1\)"
    sentence = rf"{built_by}, and this is other \(other-2\)\nuse the weights that built it \(--encoder PATH\)"
    with pytest.raises(EncoderMismatch, match=sentence):
        build(lib, index, Other())
    with pytest.raises(EncoderMismatch, match=sentence):
        PanelIndex.open(index, encoder=Other())
    with pytest.raises(EncoderMismatch, match=sentence):
        verify_index(index, encoder=Other())
    assert len(panels(index)) == 4


def test_a_missing_index(tmp_path: Path) -> None:
    """Opening, verifying and repairing a missing index suggest how to make one, and make nothing themselves."""
    for ask in (PanelIndex.open, verify_index, repair_index):
        with pytest.raises(
            IndexMissing, match=r"nothing\.index: there is no index here\nmake one with `panelseek build"
        ):
            ask(tmp_path / "nothing.index")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "ask",
    [
        PanelIndex.open,
        verify_index,
        repair_index,
    ],
)
def test_a_folder_that_is_no_index(lib: Path, ask: Callable[[Path], Any]) -> None:
    """A folder of something else is not an index: nothing is written there, and no message suggests to delete it."""
    page(lib / "1", 1)
    before = sorted(lib.iterdir())
    with pytest.raises(IndexMissing, match="no index"):
        ask(lib)
    assert sorted(lib.iterdir()) == before


def test_an_index_folder_that_is_a_file(lib: Path, index: Path) -> None:
    """A file where the index should go is named."""
    page(lib / "1", 1)
    index.write_text("mine")
    with pytest.raises(PanelseekError, match=r"my\.index"):
        build(lib, index)
    with pytest.raises(IndexMissing):
        PanelIndex.open(index)
    assert index.read_text() == "mine"


@pytest.fixture
def built(many: Path, index: Path) -> Path:
    """An index of 280 panels with FAISS files, to be damaged."""
    shutil.copytree(many / "my.index", index)
    return index


REPAIR = "run `panelseek verify --repair`"


def generation(index: Path) -> Path:
    return next((index / "generations").iterdir())


def flip(path: Path, at: int, count: int = 8) -> None:
    data = bytearray(path.read_bytes())
    for place in range(at, at + count):
        data[place] ^= 0xFF
    path.write_bytes(data)


def remove_manifest_key(index: Path) -> None:
    put(generation(index) / "manifest.json", b'{"format": 1, "generation": 1, "dimension": 512}')


DERIVED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "FAISS bytes flipped": (
        lambda i: flip(generation(i) / "picture.00000.faiss", 5000),
        r"picture\.00000\.faiss: the file was altered",
    ),
    "FAISS header flipped": (
        lambda i: flip(generation(i) / "picture.00000.faiss", 0),
        r"picture\.00000\.faiss: the file was altered",
    ),
    "FAISS truncated": (
        lambda i: put(p := generation(i) / "picture.00000.faiss", p.read_bytes()[:1000]),
        r"picture\.00000\.faiss: the file has 1000 bytes; \d+ were written",
    ),
    "FAISS empty": (
        lambda i: put(generation(i) / "picture.00000.faiss", b""),
        r"picture\.00000\.faiss: the file has 0 bytes",
    ),
    "FAISS missing": (
        lambda i: (generation(i) / "fused.00000.faiss").unlink(),
        r"fused\.00000\.faiss: the file is missing",
    ),
    "panels altered": (
        lambda i: flip(generation(i) / "fused.panels.npy", 300),
        r"fused\.panels\.npy: the file was altered",
    ),
    "manifest missing": (
        lambda i: (generation(i) / "manifest.json").unlink(),
        r"manifest\.json: the manifest is missing",
    ),
    "manifest cut": (lambda i: put(generation(i) / "manifest.json", b'{"format"'), r"manifest\.json"),
    "manifest of another format": (
        lambda i: put(generation(i) / "manifest.json", b'{"format": 7}'),
        "manifest has .*7.*expected",
    ),
    "generation missing": (lambda i: shutil.rmtree(i / "generations"), r"manifest\.json: the manifest is missing"),
    "manifest without views": (remove_manifest_key, r"manifest\.json"),
    "manifest a list": (lambda i: put(generation(i) / "manifest.json", b"[]"), r"manifest\.json"),
}
MENDED = {"FAISS header flipped", "generation missing"}  # training takes a moment: two stand for all


@pytest.mark.parametrize("what", DERIVED)
def test_derived_damage(built: Path, what: str) -> None:
    """Damage to a generation is refused and named, verified as repairable, and mended by repair."""
    damage, named = DERIVED[what]
    question = panels(built)[0].id
    before = answer(built, question)
    damage(built)
    with pytest.raises(IndexDamaged, match=f"{named}.*\n{REPAIR}"):
        PanelIndex.open(built)
    verdict = verify_index(built, encoder=GridEncoder())
    assert not verdict.sound
    assert all(problem.derived and REPAIR in problem.hint for problem in verdict.problems)
    assert re.search(named, " ".join(f"{p.path}: {p.found}" for p in verdict.problems))
    if what in MENDED:
        assert any("280 panels" in line for line in repair_index(built).rebuilt)
        assert answer(built, question) == before
        assert verify_index(built, encoder=GridEncoder()).sound


def test_a_build_mends_a_damaged_generation(built: Path, many: Path) -> None:
    """A build with nothing to do still writes a generation where the present one is damaged."""
    question = panels(built)[0].id
    before = answer(built, question)
    flip(generation(built) / "picture.00000.faiss", 5000)
    report = build(many / "comics", built, page_is_panel=True, index_kind="ivfpq")
    assert (report.encoded, report.generation) == (0, 2)
    assert answer(built, question) == before


def answer(index: Path, panel: int) -> list[tuple[int, float]]:
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        return [(h.panel.id, round(h.score, 5)) for h in opened.search(panel=panel, nprobe=1)]


def test_a_newer_schema(built: Path, many: Path) -> None:
    """An index of a later Panelseek is refused by reader, builder, verify and repair, with both versions."""
    with sqlite3.connect(built / "catalog.sqlite") as catalog:
        catalog.execute("UPDATE setting SET value = '99' WHERE key = 'schema_version'")
    catalog.close()
    for ask in (PanelIndex.open, verify_index, repair_index, lambda i: build(many / "comics", i)):
        versions = f"schema version 99; .* up to {SCHEMA_VERSION}"
        with pytest.raises(IndexTooNew, match=rf"catalog\.sqlite: .* {versions}\nupdate Panelseek"):
            ask(built)


@pytest.mark.parametrize("data", [b"not a database, only text" * 400, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_catalog_that_is_no_database(built: Path, many: Path, data: bytes) -> None:
    """Every way to open it names the file and a suggested fix."""
    for path in built.glob("catalog.sqlite*"):
        path.unlink()
    put(built / "catalog.sqlite", data)
    for ask in (PanelIndex.open, verify_index, repair_index, lambda i: build(many / "comics", i)):
        with pytest.raises(
            IndexDamaged, match=r"catalog\.sqlite: the catalog is damaged .*\nrestore it from a copy, or delete"
        ):
            ask(built)


def test_a_catalog_of_something_else(built: Path) -> None:
    """A database without our tables is not taken for a catalog."""
    for path in built.glob("catalog.sqlite*"):
        path.unlink()
    with sqlite3.connect(built / "catalog.sqlite") as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()
    with pytest.raises(IndexDamaged, match="has no Panelseek tables"):
        PanelIndex.open(built)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a build that fails leaks its plan
@pytest.mark.parametrize("ask", ["search", "verify", "build"])
def test_a_catalog_damaged_inside(built: Path, many: Path, ask: str) -> None:
    """Damage that only shows when the page is read is a sentence, too: searching, verifying, building."""
    path = built / "catalog.sqlite"
    with sqlite3.connect(path) as catalog:
        catalog.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = catalog.execute("PRAGMA page_size").fetchone()[0]
        roots = catalog.execute("SELECT rootpage FROM sqlite_master WHERE name IN ('panel', 'page')").fetchall()
    catalog.close()
    for (root,) in roots:
        flip(path, (root - 1) * size, 200)
    asks: dict[str, Callable[[], Any]] = {
        "search": lambda: panels(built),
        "verify": lambda: verify_index(built, encoder=GridEncoder()).sound,
        "build": lambda: build(many / "comics", built, page_is_panel=True),
    }
    outcome = _outcome(asks[ask])
    gc.collect()  # while the filter above holds
    assert outcome is False or isinstance(outcome, str)


def _outcome(ask: Callable[[], Any]) -> Any:
    """Return the result of a call; an error of ours as its sentence, any other as its type."""
    try:
        return ask()
    except IndexError_ as error:
        return str(error)
    except Exception as error:
        return type(error)


SHARDS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing": (lambda v: (v / "picture-00000.f16").unlink(), "0 .*280"),
    "truncated": (lambda v: put(p := v / "fused-00000.f16", p.read_bytes()[:10_240]), "10 .*280"),
    "folder gone": (shutil.rmtree, "0 .*280"),
}


@pytest.mark.parametrize("what", SHARDS)
def test_lost_vectors(built: Path, many: Path, what: str) -> None:
    """Lost vectors are reported, searching and building refuse; repair encodes the panels again from the comics."""
    damage, counts = SHARDS[what]
    damage(built / "vectors")
    verdict = verify_index(built, encoder=GridEncoder())
    (problem,) = verdict.problems
    assert (problem.part, problem.derived) == ("vectors", False)
    assert re.search(counts, problem.found)
    assert REPAIR in problem.hint
    question = panels(built)[0].id
    view = "fused" if what == "truncated" else "picture"
    with PanelIndex.open(built, encoder=GridEncoder()) as opened, pytest.raises(IndexDamaged, match="verify --repair"):
        opened.search(image=speckled(3), view=view)
    with pytest.raises(IndexDamaged, match=rf"vectors: the folder has .*280\n{REPAIR}"):
        build(many / "comics", built, page_is_panel=True)
    report = repair_index(built, encoder=GridEncoder())
    assert (len(report.encoded_again), report.not_repaired) == (270 if what == "truncated" else 280, ())
    assert verify_index(built, encoder=GridEncoder()).sound
    assert answer(built, question)[0] == (question, 1.0)


def test_altered_vectors(built: Path) -> None:
    """Bytes flipped among the vectors are noticed, and the panel is named."""
    flip(built / "vectors" / "picture-00000.f16", 1024 * 7, 1024)
    verdict = verify_index(built, encoder=GridEncoder())
    (problem,) = verdict.problems
    assert re.fullmatch(r"panel 8 \(.*, page \d+\): its picture vector is not what was written", problem.found)


def test_missing_thumbnails_and_damaged_ones(lib: Path, index: Path) -> None:
    """Without the file of thumbnails nothing is lost; a damaged one is reported, worked around and repaired."""
    page(lib / "1", 1)
    build(lib, index)
    file = index / "thumbnails" / "thumbnails.sqlite"
    (panel, *_) = panels(index)
    with PanelIndex.open(index) as opened:
        whole = opened.thumbnail(panel)
        for path in file.parent.glob("*"):
            path.unlink()
        assert opened.thumbnail(panel) == whole
        put(file, b"damage" * 1000)
        assert opened.thumbnail(panel) == whole
    (problem,) = verify_index(index, encoder=GridEncoder()).problems
    assert (problem.part, problem.derived) == ("thumbnails", True)
    assert "4 thumbnails" in repair_index(index).rebuilt
    assert verify_index(index, encoder=GridEncoder()).sound


def test_damaged_thumbnails_do_not_stop_a_build(lib: Path, index: Path) -> None:
    """Damaged derived files are made again, or left out; the build goes on."""
    page(lib / "1", 1)
    build(lib, index)
    put(index / "thumbnails" / "thumbnails.sqlite", b"damage" * 1000)
    page(lib / "2", 2)
    assert build(lib, index).panels == 8


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("nowhere.png", "nowhere.png: no such file"),
        (b"", "empty"),
        (b"some text", "not an image: starts with 'some text'"),
        (forged_png(60_000, 60_000), "60000 x 60000"),
        (drawn(1)[:500], "cut off or damaged"),
    ],
    ids=["missing", "empty", "text", "huge", "truncated"],
)
def test_query_pictures_that_are_none(many: Path, image: Any, words: str) -> None:
    """A picture to search with is judged like a page's."""
    with PanelIndex.open(many / "my.index", encoder=GridEncoder()) as opened, pytest.raises(PictureError, match=words):
        opened.search(image=image)
