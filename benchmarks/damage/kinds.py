"""Ways to damage the files of an index; each returns what it did."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

Damage = Callable[[np.random.Generator, Path, Path], str]
"""Damages an index: (random numbers, folder of the index, folder of an older version of it)."""


def files_of(index: Path) -> list[Path]:
    """Return all files of an index, but for the lock."""
    return [p for p in sorted(index.rglob("*")) if p.is_file() and p.name != "writer.lock"]


def pick(rng: np.random.Generator, index: Path) -> Path:
    files = files_of(index)
    return files[int(rng.integers(len(files)))]


def _edit(path: Path, change: Callable[[bytearray], object]) -> str:
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)
    return path.name


def flip_bits(rng: np.random.Generator, index: Path, older: Path) -> str:
    path, count = pick(rng, index), int(rng.choice([1, 1, 1, 8, 64]))

    def change(data: bytearray) -> None:
        for at in rng.integers(0, max(1, 8 * len(data)), count if data else 0):
            data[at // 8] ^= 1 << (at % 8)

    return f"{count} bits of {_edit(path, change)}"


def zero_block(rng: np.random.Generator, index: Path, older: Path) -> str:
    size = int(rng.choice([64, 512, 4096]))

    def change(data: bytearray) -> None:
        at = int(rng.integers(0, max(1, len(data))))
        data[at : at + size] = bytes(len(data[at : at + size]))

    return f"{size} bytes of {_edit(pick(rng, index), change)}"


def truncate(rng: np.random.Generator, index: Path, older: Path) -> str:
    path = pick(rng, index)
    size = int(rng.integers(0, max(1, path.stat().st_size)))
    with path.open("r+b") as file:
        file.truncate(size)
    return f"{path.name} to {size} bytes"


def append(rng: np.random.Generator, index: Path, older: Path) -> str:
    return "to " + _edit(pick(rng, index), lambda data: data.extend(rng.bytes(int(rng.integers(1, 5000)))))


def swap_files(rng: np.random.Generator, index: Path, older: Path) -> str:
    one, other = pick(rng, index), pick(rng, index)
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    return f"{one.name} and {other.name}"


def _rows(rng: np.random.Generator, index: Path, change: Callable[[np.ndarray], object]) -> str:
    paths = sorted(path for path in (index / "vectors").iterdir() if path.suffix in (".f16", ".i8"))
    path = paths[int(rng.integers(len(paths)))]
    basis = index / "vectors" / "regions.basis.f32"
    coordinates = path.suffix == ".i8"
    rows = np.fromfile(path, "i1" if coordinates else "<f2")
    rows = rows.reshape(-1, basis.stat().st_size // 2048 if coordinates else 512)
    change(rows)
    rows.tofile(path)
    return f"of {path.name}"


def swap_rows(rng: np.random.Generator, index: Path, older: Path) -> str:
    def change(rows: np.ndarray) -> None:
        a, b = rng.choice(len(rows), 2, replace=False)
        rows[[a, b]] = rows[[b, a]]

    return _rows(rng, index, change)


def bad_numbers(rng: np.random.Generator, index: Path, older: Path) -> str:
    def change(rows: np.ndarray) -> None:
        chosen = rng.choice(len(rows), 3, replace=False)
        rows[chosen] = rng.choice([np.nan, np.inf, 0.0]) if rows.dtype == np.float16 else 0

    return _rows(rng, index, change)


def stale_file(rng: np.random.Generator, index: Path, older: Path) -> str:
    stale = pick(rng, older)
    target = index / stale.relative_to(older)
    if "generations" in target.parts:
        target = index / "generations" / "2" / stale.name
    shutil.copyfile(stale, target)
    return target.name


def remove(rng: np.random.Generator, index: Path, older: Path) -> str:
    path = pick(rng, index)
    path.unlink()
    return path.name


DAMAGES: dict[str, tuple[Damage, float]] = {
    "bits flipped": (flip_bits, 0.35),
    "block of zeros": (zero_block, 0.15),
    "cut off": (truncate, 0.1),
    "bytes appended": (append, 0.05),
    "two files exchanged": (swap_files, 0.08),
    "two rows exchanged": (swap_rows, 0.08),
    "rows NaN, infinite or zero": (bad_numbers, 0.07),
    "file of an older generation": (stale_file, 0.07),
    "file removed": (remove, 0.05),
}
"""Kind -> function that damages an index, and its share."""
