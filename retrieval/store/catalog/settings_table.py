"""Settings of an index in the table `setting`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from retrieval.store.catalog.tables import SettingRow
from retrieval.store.settings import BuildRecord, EncoderRecord, IndexSettings, SettingChanges


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
    for name in ("annotations", "rebuild_sources"):
        values[name] = tuple(values.get(name) or ())
    return IndexSettings(**values)


def _record(cls: type[Any], value: Mapping[str, Any]) -> Any:
    """Make a record of the fields that it has; a later version may have written more."""
    names = {f.name for f in fields(cls)}
    return cls(**{key: item for key, item in value.items() if key in names})


def _to_json(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
