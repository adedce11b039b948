"""Settings of an index: typed, written together, and read from files that other versions wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from index_builder.write import CatalogWriter
from retrieval.errors import IndexDamaged
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.tables import SCHEMA_VERSION
from retrieval.store.settings import BasisRecord, BuildRecord, EncoderRecord, IndexSettings, SettingChanges

EVERYTHING = IndexSettings(
    schema_version=SCHEMA_VERSION,
    index_id="0123abcd",
    generation=7,
    generation_stale=True,
    vector_high_water=12,
    purge_pending=True,
    regions=13,
    region_basis=BasisRecord("0123456789abcdef" * 4, 224),
    encoder=EncoderRecord("ü", "small", "abc", {"x": [1, 2.5, None]}, provisional=True, constant_gate=True),
    last_build=BuildRecord("2026-01-02T03:04:05Z", {"index_kind": "auto", "sources": ["a", "b"]}),
    dpi=150,
    annotations=("a.json", "ü"),
    language="de",
    rebuild_sources=("/comics", "ü"),
)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[CatalogWriter]:
    with CatalogWriter.create(f"sqlite:///{tmp_path / 'c.sqlite'}") as created:
        yield created


def write_raw(catalog: Catalog, key: str, value: Any) -> None:
    """Write a setting as another version of Panelseek might have written it."""
    with catalog.engine.begin() as connection:
        statement = text("INSERT OR REPLACE INTO setting (key, value) VALUES (:key, :value)")
        connection.execute(statement, {"key": key, "value": json.dumps(value)})


def test_every_setting_round_trips(catalog: CatalogWriter) -> None:
    """All fields, written together, are read as they were written, also by a new connection."""
    everything = {f.name: getattr(EVERYTHING, f.name) for f in fields(EVERYTHING)}
    catalog.write_settings(**everything)  # type: ignore[typeddict-item]
    assert catalog.settings() == EVERYTHING
    with Catalog.open(catalog.engine.url) as reader:
        assert reader.settings() == EVERYTHING


def test_a_new_index_has_an_id_and_defaults(catalog: CatalogWriter) -> None:
    """Fields that were never written have their defaults; others are unchanged by a write."""
    created = catalog.settings()
    assert len(created.index_id) == 32
    assert created == IndexSettings(schema_version=SCHEMA_VERSION, index_id=created.index_id)
    assert created.build_options == {}
    catalog.write_settings(dpi=150)
    assert catalog.settings() == IndexSettings(SCHEMA_VERSION, created.index_id, dpi=150)
    catalog.write_settings(dpi=None)
    assert catalog.settings() == created


def test_settings_are_written_all_or_none(catalog: CatalogWriter) -> None:
    """If one value cannot be stored, none of the write stays."""
    catalog.write_settings(language="de")
    with pytest.raises(Exception, match="not JSON serializable"):
        catalog.write_settings(language="fr", annotations=(object(),))  # type: ignore[arg-type]
    assert catalog.settings().language == "de"


def test_settings_of_a_later_version_are_ignored(catalog: CatalogWriter) -> None:
    """Unknown keys, and unknown fields of records, are left out; those known are read."""
    write_raw(catalog, "colour", {"any": "thing"})
    write_raw(catalog, "encoder", {"name": "n", "load": "l", "fingerprint": "f", "licence": "MIT"})
    write_raw(catalog, "last_build", {"at": "2026", "options": {"dpi": 3}, "host": "x"})
    found = catalog.settings()
    assert found.encoder == EncoderRecord("n", "l", "f")
    assert found.last_build == BuildRecord("2026", {"dpi": 3})
    assert found.build_options == {"dpi": 3}


DAMAGE: dict[str, list[Any]] = {
    "schema_version": ["3", 2.5, None, True, [3]],
    "index_id": [5, None, ["a"]],
    "regions": ["13", -1, None, 1.5],
    "encoder": ["small", [], {"name": "n"}, {"name": "n", "load": 5, "fingerprint": "f"}],
    "dpi": ["150", 0, -3, [150]],
    "generation": ["7", -1, 1.5, {}],
    "generation_stale": ["yes", 1, None],
    "vector_high_water": ["12", -1, None],
    "purge_pending": ["no", 0, None],
    "last_build": ["2026", {"at": 5, "options": {}}, {"at": "2026", "options": []}],
    "annotations": [5, "a.json", [1], {"a": 1}, None],
    "language": [5, ["de"]],
    "rebuild_sources": [5, "/comics", [1], {"a": 1}, None],
}
"""Values of another type than the setting has; each is tried, and text that is no JSON."""

INSTEAD = {
    "generation": None,
    "generation_stale": True,
    "vector_high_water": 0,
    "purge_pending": True,
    "last_build": None,
    "annotations": (),
    "language": None,
    "rebuild_sources": (),
}


def write_text(catalog: Catalog, key: str, value: str | bytes) -> None:
    with catalog.engine.begin() as connection:
        statement = text("INSERT OR REPLACE INTO setting (key, value) VALUES (:key, CAST(:value AS TEXT))")
        connection.execute(statement, {"key": key, "value": value})


@pytest.mark.parametrize("key", DAMAGE)
def test_a_damaged_setting(catalog: CatalogWriter, key: str, caplog: pytest.LogCaptureFixture) -> None:
    """It counts as never written, with a warning, or the index is refused with the setting and what was found."""
    catalog.write_settings(dpi=300)
    broken: list[str | bytes] = ["{", "", "nul", b"\xff\xfe"]
    for value in [*map(json.dumps, DAMAGE[key]), *broken]:
        write_text(catalog, key, value)
        if key in INSTEAD:
            assert getattr(catalog.settings(), key) == INSTEAD[key]
            assert catalog.settings().dpi == 300
        else:
            with pytest.raises(IndexDamaged, match=f"the setting {key} of the index is damaged \\(found") as caught:
                catalog.settings()
            assert "restore it from a copy" in str(caught.value.hint)
            with pytest.raises(IndexDamaged):
                Catalog.open(catalog.engine.url)
    warned = [record.message for record in caplog.records if f"the setting {key} is damaged" in record.message]
    assert len(warned) == (1 if key in INSTEAD else 0)
    change: Any = {key: getattr(EVERYTHING, key)}
    catalog.write_settings(**change)
    assert getattr(catalog.settings(), key) == getattr(EVERYTHING, key)


def test_a_lost_version(catalog: CatalogWriter) -> None:
    """A catalog with content and without a version is damaged; one without content was never finished."""
    with catalog.engine.begin() as connection:
        connection.execute(text("DELETE FROM setting WHERE key = 'schema_version'"))
    with pytest.raises(IndexDamaged, match="not complete"):
        Catalog.open(catalog.engine.url)
    catalog.source_id(Path("/comics"))
    for opened in (Catalog.open, CatalogWriter.open, CatalogWriter.create):
        with pytest.raises(IndexDamaged, match="the setting schema_version of the index is missing"):
            opened(catalog.engine.url)


def test_changes_have_the_fields_of_the_settings() -> None:
    """`SettingChanges` has exactly the fields of `IndexSettings`, of the same types."""
    declared = {name: annotation.__forward_arg__ for name, annotation in SettingChanges.__annotations__.items()}
    assert declared == {f.name: f.type for f in fields(IndexSettings)}
