"""`verify` reports the damage of an index and none in a sound one; `repair` rebuilds derived data."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import faiss
import numpy as np
import pytest

from index_builder import repair_index
from retrieval import PanelIndex, verify_index
from retrieval.records import View
from retrieval.store.generation import sealed
from retrieval.store.thumbnails import Thumbnails
from retrieval.verify import SAMPLE, VerifyReport
from tests.building.library import answers, build, content, page, panels
from tests.conftest import GridEncoder


@pytest.fixture
def built(lib: Path, index: Path) -> Path:
    for n in range(12):
        page(lib / "book" / str(n), n, [f"line {n}", "", "rain", ""])
    build(lib, index)
    return index


def verify(index: Path, **more: int) -> VerifyReport:
    return verify_index(index, encoder=GridEncoder(), **more)


def change(index: Path, sql: str) -> None:
    catalog = sqlite3.connect(index / "catalog.sqlite")
    with catalog:
        catalog.execute(sql)
    catalog.close()


def test_a_sound_index(built: Path) -> None:
    """A sound index has no problems; the report has the counts of checked items and is ready for JSON."""
    verdict = verify(built)
    assert verdict.sound
    assert verdict.notes == ()
    assert verdict.checked["panels_encoded_again"] == SAMPLE
    assert {k: verdict.checked[k] for k in ("books", "pages", "panels", "vectors")} == {
        "books": 1,
        "pages": 12,
        "panels": 48,
        "vectors": 48,
    }
    assert json.loads(json.dumps(verdict.as_dict()))["sound"] is True


def test_the_sample_can_be_left_out(built: Path) -> None:
    """Without a sample no encoder is needed."""
    verdict = verify_index(built, sample=0)
    assert verdict.sound
    assert "panels_encoded_again" not in verdict.checked


def test_a_changed_comic_is_noticed(built: Path, lib: Path) -> None:
    """A page redrawn since the build differs from its vectors; the suggested fix is a new build, and it helps."""
    page(lib / "book" / "3", 99, ["line 3", "", "rain", ""])
    verdict = verify(built, sample=48)
    assert {p.part for p in verdict.problems} == {"vectors"}
    assert all(
        ("book/3.png" in str(p.path) and "picture cosine" in p.found) or "fused cosine" in p.found
        for p in verdict.problems
    )
    assert "run `panelseek build` again" in verdict.problems[0].hint
    build(lib, built)
    assert verify(built, sample=48).sound


def test_missing_comics_are_no_damage(built: Path, lib: Path) -> None:
    """With comics away there is nothing to compare, which is noted and no problem."""
    lib.rename(lib.with_name("away"))
    verdict = verify(built)
    assert verdict.sound
    assert verdict.checked["panels_encoded_again"] == 0
    assert len(verdict.notes) == 12
    assert "not compared with its comic" in verdict.notes[0]


def test_swapped_vectors_are_noticed(built: Path) -> None:
    """Exchanged vectors of two panels are still unit vectors; the checksum of each panel reveals them."""
    path = built / "vectors" / "picture-00000.f16"
    rows = np.fromfile(path, "<f2").reshape(-1, 512)
    rows[[0, 20]] = rows[[20, 0]]
    rows.tofile(path)
    found = [p.found for p in verify(built, sample=48).problems]
    assert found == [
        f"panel {panel} (comics / book, page {number}): its picture vector is not what was written"
        for panel, number in ((1, 1), (21, 6))
    ]


def test_full_text_that_lags_behind(built: Path) -> None:
    """Panels missing in the full text are counted, and repair finds them again."""
    change(built, "INSERT INTO panel_words(panel_words) VALUES ('delete-all')")
    (problem,) = verify(built).problems
    assert (problem.part, problem.derived) == ("catalog", True)
    assert problem.found == "full text panel_words: it has 0 panels; the catalog has 24 with dialogue"
    assert repair_index(built).rebuilt[0] == "full text of the dialogue"
    assert verify(built).sound
    with PanelIndex.open(built, encoder=GridEncoder()) as opened:
        assert opened.search(text="line 7", k=1)[0].matched_words == ("line", "7")


def test_full_text_that_is_gone(built: Path) -> None:
    """A full-text table that is missing is named and made again."""
    change(built, "DROP TABLE panel_letters")
    assert any("panel_letters" in p.found and p.derived for p in verify(built).problems)
    repair_index(built)
    assert verify(built).sound


def test_ids_that_disagree(built: Path, lib: Path) -> None:
    """A panel that is lost in the catalog is noticed; after a repair, the next build reads its page again."""
    change(built, "DELETE FROM panel WHERE id = 2")
    found = [p.found for p in verify(built).problems]
    assert "picture has 48 panels that are not the catalog's 47" in found
    assert "rows of the table panel are not as they were written: 2" in found
    assert "1 pages have lost rows of panels" in found
    assert repair_index(built).removed == ("1 damaged panels", "1 damaged pages without all their panels")
    (problem,) = verify(built).problems
    assert problem.found == "pages of this source were damaged and wait for a build"
    assert len(panels(built)) == 47
    build(lib, built)
    assert verify(built).sound
    assert len(panels(built)) == 48


def test_broken_references(built: Path) -> None:
    """Rows that name rows that are not there are counted."""
    change(built, "UPDATE panel SET page_id = 999 WHERE id = 2")
    assert any("1 rows name a row that does not exist" in p.found for p in verify(built).problems)


def test_repair_changes_nothing_that_is_true(built: Path) -> None:
    """Catalog content, vectors and hits are the same after a repair; the generation is the next one."""
    before, hits = content(built), answers(built, ["rain", "line 3"])
    lines = repair_index(built).rebuilt
    assert lines[1] == "generation 2: picture (48 panels), dialogue (24 panels), fused (48 panels)"
    assert content(built) == before
    assert answers(built, ["rain", "line 3"]) == hits
    with PanelIndex.open(built) as opened:
        assert opened.generation.number == 2
    assert [p.name for p in (built / "generations").iterdir()] == ["2"]


def test_repair_draws_missing_thumbnails(built: Path) -> None:
    """Only missing thumbnails are drawn again."""
    thumbnails = sqlite3.connect(built / "thumbnails" / "thumbnails.sqlite")
    with thumbnails:
        thumbnails.execute("DELETE FROM thumbnail WHERE row < 5")
    thumbnails.close()
    assert "5 thumbnails" in repair_index(built).rebuilt
    assert "0 thumbnails" in repair_index(built).rebuilt


def test_repair_stores_missing_keypoints(built: Path) -> None:
    """Missing keypoints, and those of another version, are found in the thumbnails; damaged ones are named before."""
    store = Thumbnails(built)
    before = store.read_keypoints(sorted(store.keypoint_rows()))
    assert set(before) == store.stored_rows()
    with closing(sqlite3.connect(store.path)) as file, file:
        file.execute("DELETE FROM keypoints WHERE row < 2")
    store.put([], [(2, b"\0" + before[2][1:])])
    found = verify(built)
    assert found.sound
    assert found.checked["keypoints_missing"] == 3
    assert any("3 thumbnails have no stored keypoints" in note for note in found.notes)
    with closing(sqlite3.connect(store.path)) as file, file:
        file.execute("UPDATE keypoints SET packed = zeroblob(41) WHERE row = 3")
    (problem,) = verify(built).problems
    assert (problem.part, problem.derived) == ("thumbnails", True)
    assert "the keypoints of 1 thumbnails" in problem.found
    assert {"0 thumbnails", "keypoints of 4 thumbnails"} <= set(repair_index(built).rebuilt)
    assert store.read_keypoints(sorted(before)) == before
    assert "keypoints_missing" not in verify(built).checked


def test_an_index_without_keypoints_stays_without(lib: Path, index: Path) -> None:
    """No keypoints are missing in an index that was built without them, and a repair stores none."""
    page(lib / "1", 1)
    build(lib, index, keypoints=False)
    assert "keypoints_missing" not in verify(index).checked
    repair_index(index, encoder=GridEncoder())
    assert Thumbnails(index).keypoint_rows() == set()
    assert Thumbnails(index).stored_rows()


def test_repair_keeps_the_kind(many: Path, index: Path) -> None:
    """An index built as IVF-PQ is repaired as IVF-PQ."""
    shutil.copytree(many / "my.index", index)
    repair_index(index)
    with PanelIndex.open(index) as opened:
        assert opened.info()["views"]["picture"]["index_type"] == "ivfpq"
    assert verify(index).sound


def test_repair_of_an_unfinished_first_build(built: Path) -> None:
    """An index whose first build did not reach its end can be searched for what it has after a repair."""
    keys = "('generation', 'last_build')"
    change(built, f"DELETE FROM setting WHERE key IN {keys}")
    change(built, f"DELETE FROM row_checksum WHERE table_name = 'setting' AND row_key IN {keys}")
    (problem,) = verify(built).problems
    assert problem.found == "the first build was not finished"
    assert "run `panelseek build` again" in problem.hint
    repair_index(built)
    assert verify(built).sound
    with PanelIndex.open(built) as opened:
        assert len(opened.generation.views[View.PICTURE]) == 48


def test_faiss_with_other_ids(many: Path, index: Path) -> None:
    """A FAISS file that holds other ids than its view is noticed, although its checksum is right."""
    shutil.copytree(many / "my.index", index)
    folder = index / "generations" / "1"
    other = faiss.read_index(str(folder / "fused.00000.faiss"))
    lists = other.invlists
    faiss.rev_swig_ptr(lists.get_ids(0), lists.list_size(0))[:] += 1000
    faiss.write_index(other, str(folder / "picture.00000.faiss"))
    manifest = json.loads((folder / "manifest.json").read_text())
    data = (folder / "picture.00000.faiss").read_bytes()
    manifest["views"]["picture"]["files"]["picture.00000.faiss"] = {
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    (folder / "manifest.json").write_text(json.dumps(sealed(manifest)))
    (problem,) = verify(index).problems
    assert problem.found == "picture: the FAISS index has other panel ids"
    assert problem.derived
