"""Everything in an index has a checksum: damage is named, nothing is derived from it, repair reads the comics again."""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from index_builder import repair_index
from index_builder.write import CatalogWriter
from retrieval import PanelIndex, verify_index
from retrieval.encoder.protocol import PanelEmbeddings, PanelInput
from retrieval.errors import IndexDamaged, UsageError
from retrieval.overview.lookalikes import make_lookalikes
from retrieval.overview.panel_map import load_panel_map, make_panel_map
from retrieval.records import View
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.tables import SettingRow
from retrieval.store.layout import catalog_url
from retrieval.store.thumbnails import Thumbnails
from tests.building.library import answers, build, by_place, content, page, panels
from tests.conftest import GridEncoder

Rows = NDArray[np.float16]


@pytest.fixture
def built(lib: Path, index: Path) -> Path:
    for n in range(6):
        page(lib / "book" / str(n), n, [f"line {n}", "", "rain", ""])
    build(lib, index)
    return index


def vectors(index: Path, change: Callable[[Rows], object], stream: str = "picture") -> None:
    """Change the stored rows of a stream."""
    path = index / "vectors" / f"{stream}-00000.f16"
    rows = np.fromfile(path, "<f2").reshape(-1, 512)
    change(rows)
    rows.tofile(path)


def overwrite(path: Path, old: bytes, new: bytes) -> None:
    """Change bytes inside a file, as damage does, unseen by SQLite and JSON."""
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))


def found(index: Path, **more: Any) -> list[str]:
    return [p.found for p in verify_index(index, encoder=GridEncoder(), **{"sample": 0} | more).problems]


def swap(rows: Rows) -> None:
    rows[[2, 9]] = rows[[9, 2]]


def set_row(value: float) -> Callable[[Rows], object]:
    def change(rows: Rows) -> None:
        rows[5] = value

    return change


def flip(rows: Rows) -> None:
    rows.view(np.uint16)[5, 100] ^= 1


KINDS: dict[str, tuple[Callable[[Rows], object], list[int]]] = {
    "two rows exchanged": (swap, [3, 10]),
    "one bit": (flip, [6]),
    "not a number": (set_row(np.nan), [6]),
    "infinite": (set_row(np.inf), [6]),
    "zeros": (set_row(0), [6]),
}


@pytest.mark.parametrize("stream", ["picture", "dialogue", "fused"])
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_rows_are_named_and_encoded_again(built: Path, kind: str, stream: str) -> None:
    """Verify names the panels; repair encodes just these from the comics, and all is as before."""
    change, damaged = KINDS[kind]
    before, hits = content(built), answers(built, ["rain", "line 3"])
    vectors(built, change, stream)
    assert [text.split(":")[0].split(" (")[0] for text in found(built)] == [f"panel {n}" for n in damaged]
    assert all(f"its {stream} vector is not what was written" in text for text in found(built))
    report = repair_index(built, encoder=GridEncoder())
    assert [text.split(" (")[0] for text in report.encoded_again] == [f"panel {n}" for n in damaged]
    assert (report.removed, report.not_repaired) == ((), ())
    assert found(built, sample=None) == []
    assert content(built) == before
    assert answers(built, ["rain", "line 3"]) == hits


def test_a_panel_whose_comic_is_gone_is_left_out(built: Path, lib: Path) -> None:
    """It is named by repair and by every verification after it, and not searched; with the comic back it is mended."""
    vectors(built, swap)
    (lib / "book").rename(lib / "away")
    report = repair_index(built, encoder=GridEncoder())
    assert report.encoded_again == ()
    assert [text.split(" (")[0] for text in report.not_repaired] == ["panel 3", "panel 10"]
    assert all("left out of the search" in text for text in report.not_repaired)
    assert "2 panels are not searched because their vectors were damaged" in found(built)
    with PanelIndex.open(built, encoder=GridEncoder()) as opened:
        assert len(opened.generation.views[View.PICTURE]) == 22
        with pytest.raises(UsageError, match="panel 3 is not in the searched generation"):
            opened.search(panel=3)
    (lib / "away").rename(lib / "book")
    assert len(repair_index(built, encoder=GridEncoder()).encoded_again) == 2
    assert found(built) == []


def test_a_build_does_not_bless_damage(built: Path, lib: Path) -> None:
    """A build that derives a generation leaves damaged panels out of it, and says so."""
    vectors(built, swap)
    page(lib / "book" / "7", 7)
    report = build(lib, built)
    assert [text.split(":")[0] for _, text in report.warnings] == ["panel 3", "panel 10"]
    assert report.views["picture"]["panels"] == 26
    assert len([text for text in found(built) if "is not what was written" in text]) == 2


def test_damaged_vectors_are_not_reused(built: Path, lib: Path) -> None:
    """A copy of a page takes its vectors, unless they are damaged: then it is encoded."""
    vectors(built, set_row(0))
    for name in ("1", "2"):  # row 5 belongs to page 1
        for suffix in (".png", ".json"):
            shutil.copy(lib / "book" / f"{name}{suffix}", lib / "book" / f"copy of {name}{suffix}")
    report = build(lib, built)
    assert (report.encoded, report.reused) == (4, 4)
    assert [text.split(" (")[0] for text in found(built) if "not what was" in text] == ["panel 6"]


def test_damaged_facts_are_not_reused(built: Path, lib: Path) -> None:
    """A copy of a page whose text is damaged in the catalog is read from its own files."""
    overwrite(built / "catalog.sqlite", b"line 2", b"lint 2")
    for suffix in (".png", ".json"):
        shutil.copy(lib / "book" / f"2{suffix}", lib / "book" / f"copy{suffix}")
    report = build(lib, built)
    assert (report.encoded, report.reused) == (4, 0)
    assert by_place(built)["book/copy.png", 1].dialogue == "line 2"


class Broken(GridEncoder):
    """An encoder that gives a number that is none for one picture."""

    def encode(self, panels: Any, **more: Any) -> PanelEmbeddings:
        encoded = super().encode(panels, **more)
        for place, panel in enumerate(panels):
            assert isinstance(panel, PanelInput)
            if panel.text == "line 2":
                encoded.fused[place, 7] = np.nan
        return encoded


def test_pages_without_numbers_are_skipped(lib: Path, index: Path) -> None:
    """A page for which the encoder gives no finite vectors is skipped with the reason; the others are indexed."""
    for n in range(3):
        page(lib / "book" / str(n), n, [f"line {n}", "", "rain", ""])
    report = build(lib, index, encoder=Broken())
    assert (report.pages, report.panels, report.pages_new) == (2, 8, 2)
    ((path, reason),) = report.skipped
    assert path.endswith("2.png")
    assert "vectors that are not numbers" in reason
    assert found(index) == []


def test_a_damaged_hit_is_left_out(built: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A panel that a damaged row would bring is left out of the hits, with a warning; as a query it is refused."""
    vectors(built, swap)
    with PanelIndex.open(built, encoder=GridEncoder()) as opened, caplog.at_level(logging.WARNING):
        hits = opened.search(panel=1, k=24, view="picture")
        assert sorted(hit.panel.id for hit in hits) == [n for n in range(1, 25) if n not in (3, 10)]
        assert "left out, because their vectors are damaged: panels 3, 10" in caplog.text
        with pytest.raises(IndexDamaged, match="the vectors of panel 10 are damaged"):
            opened.search(panel=10, view="picture")
        assert opened.search(panel=10, view="fused")[0].score == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("make", [make_panel_map, make_lookalikes])
def test_nothing_is_derived_from_damage(built: Path, make: Callable[[PanelIndex], Any]) -> None:
    """Map and look-alikes are not made from damaged vectors."""
    vectors(built, flip)
    with (
        PanelIndex.open(built) as opened,
        pytest.raises(IndexDamaged, match="vectors of 1 panels are damaged\nrun `panelseek verify --repair`"),
    ):
        make(opened)


def test_altered_text_in_the_catalog(built: Path, lib: Path) -> None:
    """A changed letter in a panel's text is named; repair removes the row, and the next build reads the page again."""
    before = content(built)
    overwrite(built / "catalog.sqlite", b"line 4", b"lint 4")
    assert "rows of the table panel are not as they were written: 17" in found(built)
    assert any(text.endswith("page 5, book/4.png) was altered") for text in found(built))
    report = repair_index(built, encoder=GridEncoder())
    assert report.removed == ("1 damaged panels",)
    assert found(built) == ["pages of this source were damaged and wait for a build"]
    assert len(panels(built)) == 23
    build(lib, built)
    assert found(built, sample=None) == []
    assert _without_rows(content(built)) == _without_rows(before)


def _without_rows(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [row[:-3] for row in rows]


@pytest.mark.parametrize(
    ("table", "sql"),
    [
        ("panel", "UPDATE panel SET x = x + 1 WHERE id = 2"),
        ("panel", "UPDATE panel SET gate_picture = 0.3 WHERE id = 7"),
        ("page", "UPDATE page SET width = 2 * width WHERE id = 3"),
        ("page", "DELETE FROM page WHERE id = 2"),
        ("book", "UPDATE book SET title = 'another'"),
        ("setting", "UPDATE setting SET value = 'true' WHERE key = 'generation_stale'"),
        ("setting", "INSERT OR REPLACE INTO setting VALUES ('vector_high_water', '99')"),
    ],
)
def test_altered_rows_of_the_catalog(built: Path, lib: Path, table: str, sql: str) -> None:
    """Rows that another program changed are named; after repair and build, the index is that of a clean build."""
    before = content(built)
    with sqlite3.connect(built / "catalog.sqlite") as catalog:
        catalog.execute(sql)
    catalog.close()
    assert any(f"rows of the table {table} are not as they were written" in text for text in found(built))
    repair_index(built, encoder=GridEncoder())
    build(lib, built)
    assert found(built, sample=None) == []
    assert _without_rows(content(built)) == _without_rows(before)


def test_an_update_does_not_bless_a_damaged_row(built: Path, lib: Path) -> None:
    """A build that writes another column of a damaged row leaves it marked as damaged."""
    with sqlite3.connect(built / "catalog.sqlite") as catalog:
        catalog.execute("UPDATE page SET width = 7 WHERE id = 3")
    catalog.close()
    (lib / "book" / "2.png").rename(lib / "book" / "9.png")  # the row moves, and its number changes
    (lib / "book" / "2.json").rename(lib / "book" / "9.json")
    assert build(lib, built).pages_moved == 1
    assert "rows of the table page are not as they were written: 3" in found(built)


def test_altered_full_text(built: Path) -> None:
    """A letter changed inside the full text is found by comparing it with the panels, and repaired."""
    with sqlite3.connect(built / "catalog.sqlite") as catalog:
        for number, block in catalog.execute("SELECT id, block FROM panel_words_data").fetchall():
            changed = block.replace(b"rain", b"rein")
            catalog.execute("UPDATE panel_words_data SET block = ? WHERE id = ?", (changed, number))
    catalog.close()
    assert any(text.startswith("full text panel_words: ") for text in found(built))
    repair_index(built, encoder=GridEncoder())
    assert found(built) == []


def generation(index: Path) -> Path:
    return next((index / "generations").iterdir())


def test_an_altered_manifest(built: Path) -> None:
    """A number changed inside the manifest is refused with a sentence, named and repaired."""
    overwrite(generation(built) / "manifest.json", b'"panels": 24', b'"panels": 25')
    with pytest.raises(IndexDamaged, match="the manifest was altered"):
        PanelIndex.open(built)
    assert found(built) == ["the manifest was altered: its checksum is not the one that was written"]
    repair_index(built, encoder=GridEncoder())
    assert found(built) == []


@pytest.mark.parametrize(
    "start", [b"PK\x03\x04", b"\x80\x04", b"\x93NUMPY\x09", b""], ids=["ZIP", "pickle", "newer", "no"]
)
def test_a_large_file_that_is_no_array(built: Path, monkeypatch: pytest.MonkeyPatch, start: bytes) -> None:
    """Files that are too large to be hashed at each opening are refused with a sentence, whatever is in them."""
    monkeypatch.setattr("retrieval.store.generation._CHECK_ON_OPEN", 0)
    path = generation(built) / "picture.panels.npy"
    path.write_bytes(start.ljust(path.stat().st_size, b"x"))
    with pytest.raises(IndexDamaged, match="the generation cannot be read"):
        PanelIndex.open(built)
    repair_index(built, encoder=GridEncoder())
    assert found(built) == []


def derive_all(index: Path) -> None:
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        make_panel_map(opened)
        make_lookalikes(opened)


@pytest.mark.parametrize("name", ["map.npz", "lookalikes.npz"])
@pytest.mark.parametrize("how", ["cut off", "a byte", "of another generation"])
def test_derived_files(built: Path, lib: Path, name: str, how: str) -> None:
    """A damaged derived file, or one of an older generation, is named, counts as none, and goes with a repair."""
    derive_all(built)
    path = generation(built) / name
    assert found(built) == []
    data = path.read_bytes()
    if how == "of another generation":
        page(lib / "book" / "0", 99, ["line 0", "", "rain", ""])
        build(lib, built)
        path = generation(built) / name
        path.write_bytes(data)
    else:
        middle = len(data) // 2
        path.write_bytes(
            data[:middle] if how == "cut off" else data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1 :]
        )
    (problem,) = verify_index(built, sample=0).problems
    assert (problem.found, problem.path) == ("the derived file is damaged", str(path))
    with PanelIndex.open(built, encoder=GridEncoder()) as opened:
        assert name != "map.npz" or load_panel_map(opened) is None
    repair_index(built, encoder=GridEncoder())
    assert found(built) == []


@pytest.mark.parametrize(
    "sql", ["UPDATE thumbnail SET webp = x'0011' WHERE row = 3", "DELETE FROM thumbnail WHERE row = 3"]
)
def test_thumbnails(built: Path, sql: str) -> None:
    """A damaged thumbnail is counted as damage, a missing one is noted; both are drawn from the comic."""
    with PanelIndex.open(built) as opened:
        right = opened.thumbnail(opened.panel(4))
    with sqlite3.connect(built / "thumbnails" / "thumbnails.sqlite") as thumbnails:
        thumbnails.execute(sql)
    thumbnails.close()
    verdict = verify_index(built, sample=0)
    if sql.startswith("UPDATE"):
        assert [p.found for p in verdict.problems] == ["1 of 24 thumbnails are not what was written"]
    else:
        assert verdict.checked["thumbnails_missing"] == 1
        assert "1 panels have no thumbnail" in verdict.notes[0]
    with PanelIndex.open(built) as opened:
        assert opened.thumbnail(opened.panel(4)) == right
    assert "1 thumbnails" in repair_index(built).rebuilt
    verdict = verify_index(built, sample=0)
    assert verdict.sound
    assert verdict.notes == ()


@pytest.mark.parametrize("size", [0, 1000, 4096, 20_000])
def test_a_thumbnail_file_that_is_cut_off(built: Path, size: int) -> None:
    """A truncated file is damage, also at the end of a database page; all thumbnails are drawn again."""
    path = built / "thumbnails" / "thumbnails.sqlite"
    path.write_bytes(path.read_bytes()[:size])
    (problem,) = verify_index(built, sample=0).problems
    assert problem.part == "thumbnails"
    assert "24 thumbnails" in repair_index(built).rebuilt
    assert verify_index(built, sample=0).sound


def test_samples_take_turns(built: Path, lib: Path) -> None:
    """Each run encodes other panels again; together they cover all, also where pages are added between."""
    seen: list[set[str]] = []
    for turn in range(4):
        if turn == 2:
            page(lib / "book" / "8", 8)
            build(lib, built)
        encoder = GridEncoder(log=lib.with_name(f"log {turn}"))
        verify_index(built, encoder=encoder, sample=8)
        assert encoder.encoded == 8
        seen.append(set(lib.with_name(f"log {turn}").read_text().split()))
    assert len(set().union(*seen)) >= 24  # 28 panels now, of which the new ones may wait for the next round
    assert json.loads((built / "verified.json").read_text())["last_key"] > 0
    everything = GridEncoder()
    assert verify_index(built, encoder=everything, sample=None).checked["panels_encoded_again"] == 28


def test_parts_cover_everything_once(built: Path) -> None:
    """Each panel is in one part; damage is found by the part that has it, and only the first checks the catalog."""
    vectors(built, flip)
    checked = [verify_index(built, encoder=GridEncoder(), part=(n, 5)) for n in range(1, 6)]
    assert sum(report.checked["panels_compared"] for report in checked) == 24
    assert [len(report.problems) for report in checked] == [0, 1, 0, 0, 0]
    assert ["pages" in report.checked for report in checked] == [True, False, False, False, False]
    with pytest.raises(UsageError, match="there is no part 6 of 5"):
        verify_index(built, part=(6, 5))


@pytest.mark.parametrize("part", [3, (3,), (0, 5), ("1", 5), (1, 2, 3), (1.5, 5)])
def test_a_part_that_is_none(built: Path, part: Any) -> None:
    """Anything but two whole numbers is refused with what was found."""
    with pytest.raises(UsageError, match="part must be"):
        verify_index(built, part=part)


def test_a_damaged_thumbnail_is_not_copied(built: Path) -> None:
    """A copy under another row has its own checksum; a damaged one is left out."""
    store = Thumbnails(built)
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE thumbnail SET webp = zeroblob(9) WHERE row = 3")
    store.copy([(2, 102), (3, 103), (99, 104)])
    assert store.get_many([2, 3, 102, 103, 104]) == {2: store.get(2), 102: store.get(2)}
    assert {2, 102} <= store.stored_rows()
    assert not {103, 104} & store.stored_rows()


@pytest.mark.parametrize("key", ["annotations", "language", "rebuild_sources", "last_build"])
def test_settings_that_count_as_never_written_are_mended(built: Path, key: str) -> None:
    """A repair writes the value that an opened index takes instead of a damaged one."""
    with sqlite3.connect(built / "catalog.sqlite") as connection:
        connection.execute("INSERT OR REPLACE INTO setting VALUES (?, '{')", (key,))
    with Catalog.open(catalog_url(built)) as catalog:
        taken = getattr(catalog.settings(), key)
    repair_index(built, encoder=GridEncoder())
    with Catalog.open(catalog_url(built)) as catalog:
        assert getattr(catalog.settings(), key) == taken
        assert catalog.damaged_rows(SettingRow) == []


@pytest.mark.parametrize("key", ["regions", "dpi", "encoder", "index_id"])
def test_settings_that_nothing_tells_are_refused(built: Path, key: str) -> None:
    """A repair refuses an altered value too, and names the setting."""
    with sqlite3.connect(built / "catalog.sqlite") as connection:
        changed = "7" if key in ("regions", "dpi") else "value || ' '"  # still a value of this setting
        connection.execute(f"UPDATE setting SET value = {changed} WHERE key = ?", (key,))
        connection.execute("INSERT OR IGNORE INTO setting VALUES (?, 7)", (key,))
    with pytest.raises(IndexDamaged, match=f"the setting {key} is damaged"):
        repair_index(built, encoder=GridEncoder())


def test_a_sync_writes(built: Path) -> None:
    """SQLite syncs no commit that changes nothing, so the log of the catalog grows; no checksum is lost."""
    with CatalogWriter.create(catalog_url(built)) as catalog:
        catalog.write_settings(language="de")
        log = built / "catalog.sqlite-wal"
        for _ in range(3):
            before = log.stat().st_size
            catalog.sync()
            assert log.stat().st_size > before
        assert catalog.damaged_rows(SettingRow) == []


def test_a_repair_syncs_its_commits(built: Path) -> None:
    """A catalog that is opened for writing syncs as one that a build creates, before anything is erased."""
    for opened in (CatalogWriter.open, CatalogWriter.create):
        with opened(catalog_url(built)) as catalog, catalog.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 3  # EXTRA


@pytest.mark.parametrize("written", [b"\xa7\xff", b"0" * 31, b"\x00" * 33, "ä".encode() * 16])
def test_a_damaged_index_id_is_no_other_index(lib: Path, index: Path, written: bytes) -> None:
    """Readers accept the folder, `verify` names the file, and a repair or a build writes it again."""
    page(lib / "1", 1)
    build(lib, index)
    known = (index / "index_id").read_bytes()
    for mend in (lambda: repair_index(index, encoder=GridEncoder()), lambda: build(lib, index)):
        (index / "index_id").write_bytes(written)
        with PanelIndex.open(index, encoder=GridEncoder()) as opened:
            assert opened.count() == 4
        (problem,) = verify_index(index, encoder=GridEncoder()).problems
        assert problem.part == "index id"
        mend()
        assert (index / "index_id").read_bytes() == known
        assert verify_index(index, encoder=GridEncoder()).problems == ()


def test_damaged_names_in_the_schema(lib: Path, index: Path) -> None:
    """Python cannot even decode SQLite's message about them; the index is refused with a sentence."""
    page(lib / "1", 1)
    build(lib, index)
    with sqlite3.connect(index / "catalog.sqlite") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = (index / "catalog.sqlite").read_bytes()
    place = data.index(b"tablebookbook")
    damaged = b"table\xa0\xa0\xa0\xa0book" + data[place + 13 :].replace(b"CREATE", b"CR\xa0\xa0TE", 1)
    (index / "catalog.sqlite").write_bytes(data[:place] + damaged)
    for ask in (verify_index, repair_index, PanelIndex.open, lambda folder: build(lib, folder)):
        with pytest.raises(IndexDamaged, match="a name in the schema is damaged"):
            ask(index)  # type: ignore[operator]


def test_lost_thumbnails_are_damage(lib: Path, index: Path) -> None:
    """`verify` names the missing file, and a repair draws them; an index without thumbnails is sound."""
    page(lib / "1", 1)
    build(lib, index)
    for file in (index / "thumbnails").iterdir():
        file.unlink()
    (problem,) = verify_index(index, encoder=GridEncoder()).problems
    assert (problem.part, problem.derived) == ("thumbnails", True)
    repair_index(index, encoder=GridEncoder())
    assert verify_index(index, encoder=GridEncoder()).problems == ()
    other = index.with_name("plain.index")
    build(lib, other, thumbnails=False)
    assert verify_index(other, encoder=GridEncoder()).problems == ()
