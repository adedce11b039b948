"""Settings of an index in the table `setting`.

A damaged row counts as never written where a build makes the value again or its default is safe, with a warning.
Otherwise the index is refused: without these values its vectors and pages cannot be understood.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from retrieval.encoder.spec import DIMENSION
from retrieval.errors import IndexDamaged
from retrieval.store.catalog.tables import SettingRow
from retrieval.store.hints import RESTORE_HINT
from retrieval.store.settings import BasisRecord, BuildRecord, EncoderRecord, IndexSettings, SettingChanges

log = logging.getLogger("panelseek")

_Record = TypeVar("_Record", BasisRecord, BuildRecord, EncoderRecord)


_SHA256 = re.compile("[0-9a-f]{64}")


class _NotJson:
    """The value of a row that holds no JSON."""

    def __repr__(self) -> str:
        return "no JSON"


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_build(value: Any) -> bool:
    return value is None or _has_types(value, at=str, options=dict)


def _is_basis(value: Any) -> bool:
    if value is None:
        return True
    whole = _has_types(value, sha256=str, directions=int)
    return whole and bool(_SHA256.fullmatch(value["sha256"])) and 0 < value["directions"] <= DIMENSION


def _is_encoder(value: Any) -> bool:
    optional = {"settings": dict, "provisional": bool, "constant_gate": bool, "relative": str, "precision": str}
    given = {name: kind for name, kind in optional.items() if isinstance(value, dict) and name in value}
    return value is None or _has_types(value, name=str, load=str, fingerprint=str, **given)


def _has_types(value: Any, **types: type) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(name), kind) for name, kind in types.items())


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "schema_version": lambda value: type(value) is int,
    "index_id": lambda value: isinstance(value, str),
    "generation": lambda value: value is None or _is_count(value),
    "generation_stale": lambda value: isinstance(value, bool),
    "vector_high_water": _is_count,
    "purge_pending": lambda value: isinstance(value, bool),
    "regions": _is_count,
    "region_basis": _is_basis,
    "encoder": _is_encoder,
    "last_build": _is_build,
    "dpi": lambda value: value is None or (_is_count(value) and value > 0),
    "annotations": _is_texts,
    "language": lambda value: value is None or isinstance(value, str),
    "rebuild_sources": _is_texts,
}
"""Whether a stored value is one of its setting."""

INSTEAD_OF_DAMAGED: dict[str, Any] = {
    "generation": None,
    "generation_stale": True,
    "vector_high_water": 0,
    "purge_pending": True,
    "last_build": None,
    "annotations": [],
    "language": None,
    "rebuild_sources": [],
}
"""Values taken instead of damaged ones, also by a repair; settings that are not listed have none."""

_UNREADABLE = (ValueError, TypeError, RecursionError, OperationalError, IndexDamaged)
"""Errors of a value that is no JSON or no text."""

_warned: set[tuple[str, str]] = set()


def read_settings(engine: Engine) -> IndexSettings:
    """Read all settings of an index. Raises `IndexDamaged` if one that cannot be made again is damaged."""
    with engine.connect() as connection:
        stored = _stored(connection)
    place = engine.url.database or engine.url.render_as_string(hide_password=True)
    return _from_json({key: _checked(key, value, place) for key, value in stored.items() if key in _CHECKS})


def write_settings(session: Session, changes: SettingChanges) -> None:
    """Write some settings in the transaction of `session`."""
    # not `merge`, which reads the row first: it may be damaged
    session.execute(delete(SettingRow).where(SettingRow.key.in_(list(changes))))
    session.add_all(SettingRow(key=key, value=_to_json(value)) for key, value in changes.items())
    session.flush()


def high_water(connection: Connection) -> int:
    """Return the setting `vector_high_water`, 0 if it is missing or damaged."""
    value = _value(connection, "vector_high_water")
    return int(value) if _is_count(value) else 0


def _stored(connection: Connection) -> dict[str, Any]:
    """Return every stored value by its key; one that cannot be read is `_NotJson`."""
    try:
        return {row.key: row.value for row in connection.execute(select(SettingRow.key, SettingRow.value))}
    except _UNREADABLE:
        keys = connection.scalars(select(SettingRow.key)).all()
        return {key: _value(connection, key) for key in keys}


def _value(connection: Connection, key: str) -> Any:
    try:
        return connection.scalar(select(SettingRow.value).where(SettingRow.key == key))
    except _UNREADABLE:
        return _NotJson()


def _checked(key: str, value: Any, place: str) -> Any:
    """Return a stored value, or what is taken instead of a damaged one."""
    if _CHECKS[key](value):
        return value
    shown = repr(value)[:60]
    if key not in INSTEAD_OF_DAMAGED:
        raise IndexDamaged(f"the setting {key} of the index is damaged (found {shown})", place, RESTORE_HINT)
    if (place, key) not in _warned:
        _warned.add((place, key))
        log.warning("%s: the setting %s is damaged (found %s) and counts as never written", place, key, shown)
    return INSTEAD_OF_DAMAGED[key]


def _from_json(values: dict[str, Any]) -> IndexSettings:
    if values.get("encoder") is not None:
        values["encoder"] = _record(EncoderRecord, values["encoder"])
    if values.get("region_basis") is not None:
        values["region_basis"] = _record(BasisRecord, values["region_basis"])
    if values.get("last_build") is not None:
        values["last_build"] = _record(BuildRecord, values["last_build"])
    for name in ("annotations", "rebuild_sources"):
        values[name] = tuple(values.get(name) or ())
    return IndexSettings(**values)


def _record(cls: type[_Record], value: Mapping[str, Any]) -> _Record:
    """Make a record of the fields that it has; a later version may have written more."""
    names = {f.name for f in fields(cls)}
    return cls(**{key: item for key, item in value.items() if key in names})


def _to_json(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
