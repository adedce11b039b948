"""Typed settings of an index, kept in the table `setting` as one JSON value a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, TypedDict

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from retrieval.store.catalog.tables import SettingRow


@dataclass(frozen=True, slots=True)
class EncoderRecord:
    """The encoder that built an index.

    load: the name or path that `load_encoder` takes. settings: how its inputs are prepared. provisional: True for
    weights without training. constant_gate: True if the gate has fixed weights, which say nothing about a panel.
    """

    name: str
    load: str
    fingerprint: str
    settings: dict[str, Any] = field(default_factory=dict)
    provisional: bool = False
    constant_gate: bool = False


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
    regions: region vectors per panel. dpi: resolution of drawn PDF pages. annotations: files and folders of
    collection annotations. language: OCR language.
    """

    schema_version: int = 0
    index_id: str = ""
    generation: int | None = None
    generation_stale: bool = False
    vector_high_water: int = 0
    purge_pending: bool = False
    regions: int = 0
    encoder: EncoderRecord | None = None
    last_build: BuildRecord | None = None
    dpi: int | None = None
    annotations: tuple[str, ...] = ()
    language: str | None = None

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
    encoder: EncoderRecord | None
    last_build: BuildRecord | None
    dpi: int | None
    annotations: tuple[str, ...]
    language: str | None


def read_settings(engine: Engine) -> IndexSettings:
    """Read all settings of an index."""
    with engine.connect() as connection:
        rows = connection.execute(select(SettingRow.key, SettingRow.value))
        return _from_json({row.key: row.value for row in rows})


def write_settings(session: Session, changes: SettingChanges) -> None:
    """Write some settings in the transaction of `session`."""
    for key, value in changes.items():
        session.merge(SettingRow(key=key, value=_to_json(value)))


def _from_json(stored: Mapping[str, Any]) -> IndexSettings:
    names = {f.name for f in fields(IndexSettings)}
    values = {key: value for key, value in stored.items() if key in names}
    if values.get("encoder") is not None:
        values["encoder"] = _record(EncoderRecord, values["encoder"])
    if values.get("last_build") is not None:
        values["last_build"] = _record(BuildRecord, values["last_build"])
    values["annotations"] = tuple(values.get("annotations") or ())
    return IndexSettings(**values)


def _record(cls: type[Any], value: Mapping[str, Any]) -> Any:
    """Make a record of the fields that it has; a later version may have written more."""
    names = {f.name for f in fields(cls)}
    return cls(**{key: item for key, item in value.items() if key in names})


def _to_json(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
