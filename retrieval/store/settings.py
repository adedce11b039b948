"""Typed settings of an index, kept in the table `setting` as one JSON value a row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypedDict

NO_SCHEMA = 0
"""The schema version of a catalog whose creation was interrupted."""


@dataclass(frozen=True, slots=True)
class EncoderRecord:
    """The encoder that built an index.

    load: the name or path that `load_encoder` takes; of an encoder object that has neither, its own name.
    settings: how its inputs are prepared. provisional: True for weights without training. constant_gate: True if the
    gate has fixed weights, which say nothing about a panel. relative: path of the weight file from the index folder,
    "" without one; it holds after both are moved together. precision: of the last build: float32, bfloat16 or int8.
    """

    name: str
    load: str
    fingerprint: str
    settings: dict[str, Any] = field(default_factory=dict)
    provisional: bool = False
    constant_gate: bool = False
    relative: str = ""
    precision: str = "float32"

    @property
    def int8(self) -> str:
        """The SHA-256 of the ranges of int8 (`int8.safetensors`); "" in another precision."""
        return str(self.settings.get("int8", ""))


@dataclass(frozen=True, slots=True)
class BasisRecord:
    """The basis that region vectors are stored on: SHA-256 of its file, and its number of directions."""

    sha256: str
    directions: int


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """The last build that changed the index: `at` in UTC (ISO 8601), and its `options` as `BuildOptions.as_dict`."""

    at: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """Settings of one index; a field that was never written has its default.

    index_id: random hexadecimal id, also in the folder (`layout.write_index_id`). generation: number of the searched
    generation. generation_stale: True while panels changed since. vector_high_water: one more than the highest vector
    row that was ever named and deleted. purge_pending: True while data of a removed source waits for its erasure.
    regions: region vectors per panel. region_basis: what they are stored on; None if they are stored as float16.
    dpi: resolution of drawn PDF pages. annotations: files and folders of collection annotations. language: OCR
    language. rebuild_sources: sources with damaged pages that a repair removed and a build reads again.
    """

    schema_version: int = NO_SCHEMA
    index_id: str = ""
    generation: int | None = None
    generation_stale: bool = False
    vector_high_water: int = 0
    purge_pending: bool = False
    regions: int = 0
    region_basis: BasisRecord | None = None
    encoder: EncoderRecord | None = None
    last_build: BuildRecord | None = None
    dpi: int | None = None
    annotations: tuple[str, ...] = ()
    language: str | None = None
    rebuild_sources: tuple[str, ...] = ()

    @property
    def build_options(self) -> dict[str, Any]:
        """The options of the last build; empty before the first."""
        return self.last_build.options if self.last_build else {}


class SettingChanges(TypedDict, total=False):
    """Fields of `IndexSettings` to write; a test compares the two."""

    schema_version: int
    index_id: str
    generation: int | None
    generation_stale: bool
    vector_high_water: int
    purge_pending: bool
    regions: int
    region_basis: BasisRecord | None
    encoder: EncoderRecord | None
    last_build: BuildRecord | None
    dpi: int | None
    annotations: tuple[str, ...]
    language: str | None
    rebuild_sources: tuple[str, ...]
