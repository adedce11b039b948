"""Damaged derived files of a generation: each counts as missing and is made again; nothing is ever unpickled."""

from __future__ import annotations

import io
import os
import pickle
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrieval import PanelIndex
from retrieval.errors import IndexDamaged
from retrieval.overview import lookalike_groups, panel_map
from retrieval.overview.lookalikes import load_lookalikes, make_lookalikes
from retrieval.overview.panel_map import load_panel_map, make_panel_map
from retrieval.overview.rejected_pairs import RejectedPairs
from tests.conftest import GridEncoder
from tests.searching.synthetic import clustered, library, write_index

COUNT = 40
MARK = str(Path(tempfile.gettempdir()) / f"panelseek-unpickled-{os.getpid()}")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelIndex]:
    folder = write_index(tmp_path_factory.mktemp("damage") / "i", library(COUNT, 1), clustered(COUNT, 2))
    with PanelIndex.open(folder, encoder=GridEncoder()) as opened:
        yield opened


def place(index: PanelIndex, name: str) -> Path:
    return index.folder / "generations" / "1" / name


class Unpickled:
    """An object whose unpickling leaves a mark."""

    def __reduce__(self) -> Any:
        return os.mkdir, (MARK,)


def npz(**arrays: Any) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **{name: np.asarray(value) for name, value in arrays.items()})
    return out.getvalue()


def npy() -> bytes:
    out = io.BytesIO()
    np.save(out, np.zeros(3))
    return out.getvalue()


def object_npz(*names: str) -> bytes:
    out = io.BytesIO()
    np.savez(out, allow_pickle=True, **{name: np.array([Unpickled()], object) for name in names})  # type: ignore[arg-type]
    return out.getvalue()


def bad_header(*names: str) -> bytes:
    """Arrays whose headers ask for more memory than there is."""
    out = io.BytesIO()
    head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999999, 2), }"
    head += b" " * (117 - len(head)) + b"\n"
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)
    return out.getvalue()


def flipped(data: bytes) -> bytes:
    middle = len(data) // 3
    return data[:middle] + bytes(255 - byte for byte in data[middle : middle + 16]) + data[middle + 16 :]


ANY = {
    "empty": b"",
    "zeros": bytes(4096),
    "text": b"no archive",
    "an archive of nothing": b"PK\x05\x06" + bytes(18),
    "a pickle": pickle.dumps({"points": 1}),
    "a pickled object": pickle.dumps(Unpickled()),
    "an array": npy(),
    "other arrays": npz(other=[1, 2]),
}

POINTS, GROUPS = np.full((COUNT, 2), 0.5, np.float32), np.zeros(COUNT, np.uint8)
MAPS = {
    "objects": object_npz("points", "groups"),
    "too large": bad_header("points", "groups"),
    "no groups": npz(points=POINTS),
    "fewer panels": npz(points=POINTS[1:], groups=GROUPS[1:]),
    "another shape": npz(points=POINTS.T, groups=GROUPS),
    "another type": npz(points=POINTS.astype(np.float64), groups=GROUPS),
    "text as numbers": npz(points=POINTS.astype(str), groups=GROUPS),
    "not finite": npz(
        points=np.where(np.arange(COUNT)[:, None] == 3, np.nan, POINTS).astype(np.float32), groups=GROUPS
    ),
    "outside": npz(points=POINTS * 9, groups=GROUPS),
    "unknown group": npz(points=POINTS, groups=GROUPS + np.uint8(200)),
}

PAIRS = {
    "ids": np.array([[1, 2], [3, 9]], np.int64),
    "scores": np.ones(2, np.float32),
    "overlap": np.ones(2, np.float32),
    "mirrored": np.zeros(2, bool),
}
LOOKALIKES = {
    "objects": object_npz(*PAIRS),
    "too large": bad_header(*PAIRS),
    "fewer scores": npz(**PAIRS | {"scores": np.ones(1, np.float32)}),
    "not finite": npz(**PAIRS | {"overlap": np.array([1, np.nan], np.float32)}),
    "ids of another type": npz(**PAIRS | {"ids": PAIRS["ids"].astype(np.float64)}),
    "ids of another shape": npz(**PAIRS | {"ids": np.array([1, 2], np.int64)}),
    "panels that do not exist": npz(**PAIRS | {"ids": np.array([[1, 2], [3, COUNT + 1]], np.int64)}),
    "negative ids": npz(**PAIRS | {"ids": np.array([[1, 2], [-3, 4]], np.int64)}),
    "a panel like itself": npz(**PAIRS | {"ids": np.array([[1, 2], [3, 3]], np.int64)}),
}


@pytest.mark.parametrize("data", [*ANY.values(), *MAPS.values()], ids=[*ANY, *MAPS])
def test_a_damaged_map(index: PanelIndex, data: bytes) -> None:
    """It counts as missing, and is made again."""
    place(index, panel_map.FILE).write_bytes(data)
    assert load_panel_map(index) is None
    assert not Path(MARK).exists()


@pytest.mark.parametrize("data", [*ANY.values(), *LOOKALIKES.values()], ids=[*ANY, *LOOKALIKES])
def test_damaged_lookalikes(index: PanelIndex, data: bytes) -> None:
    """They count as not scanned."""
    place(index, lookalike_groups.FILE).write_bytes(data)
    assert load_lookalikes(index) is None
    assert not Path(MARK).exists()


def test_cut_and_altered_archives(index: PanelIndex) -> None:
    """A file cut anywhere, or with bytes that changed, is whole or counts as missing; then it is made again."""
    make_panel_map(index)
    make_lookalikes(index)
    for name, load in ((panel_map.FILE, load_panel_map), (lookalike_groups.FILE, load_lookalikes)):
        whole = place(index, name).read_bytes()
        assert load(index) is not None
        for data in [*(whole[:end] for end in range(0, len(whole), 97)), flipped(whole)]:
            place(index, name).write_bytes(data)
            assert load(index) is None
    assert len(make_panel_map(index).ids) == COUNT
    assert load_panel_map(index) is not None
    assert make_lookalikes(index) == load_lookalikes(index)


@pytest.mark.parametrize("values", ["('x', 2)", "(NULL, 2)", "(1, x'ff')"])
def test_damaged_rejected_pairs(index: PanelIndex, values: str) -> None:
    """They cannot be made again: the file is named, with a suggested fix."""
    pairs = RejectedPairs(index.folder)
    pairs.path.unlink(missing_ok=True)
    with closing(sqlite3.connect(pairs.path)) as file:
        file.executescript(f"CREATE TABLE rejected (a, b); INSERT INTO rejected VALUES {values}")
    with pytest.raises(IndexDamaged, match=r"rejected_pairs\.sqlite: the list of rejected pairs is damaged"):
        pairs.pairs()
    pairs.path.write_bytes(b"no database at all, but long enough to be one" * 100)
    for use in (pairs.pairs, lambda: pairs.add(1, [2])):
        with pytest.raises(IndexDamaged, match="restore it from a copy, or delete it"):
            use()
    pairs.path.unlink()
    pairs.add(1, [COUNT + 7])
    assert pairs.pairs() == {(1, COUNT + 7)}
