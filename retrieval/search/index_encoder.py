"""The encoder that built an index: loaded by name, or from a weight file that is found again by its fingerprint.

A weight file is looked for where it was given, where it was when the index was built, at the same place relative to
the index, next to the index, and where this user gave it before (`known_weights`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from retrieval.encoder.hub import PUBLISHED, cached_file
from retrieval.encoder.inputs import PROFILES
from retrieval.encoder.protocol import Encoder
from retrieval.encoder.runtime.int8_ranges import ranges_file
from retrieval.errors import CheckpointError, EncoderMismatch, IndexDamaged
from retrieval.search.known_weights import known_places, remember_place
from retrieval.store.hints import RESTORE_HINT
from retrieval.store.settings import EncoderRecord


class EncoderLoader(Protocol):
    """Loads an encoder by its name or path, device and precision. calibration: the ranges of int8, only given then."""

    def __call__(self, name: str, device: str | None, precision: str, /, *, calibration: Path = ...) -> Encoder:
        """Return the encoder."""
        ...


_NAMES = frozenset({*PUBLISHED, "small"})
_GIVE_PATH = "give their present place with --encoder PATH, in Python PanelIndex.open(index, encoder=PATH)"


def load_by_name(name: str, device: str | None, precision: str, *, calibration: Path | None = None) -> Encoder:
    """Load an encoder by its name or path."""
    from retrieval.encoder import load_encoder  # imports torch, but for a CPU

    return load_encoder(name, device=device, precision=precision, calibration=calibration)


def load_for_one_query(name: str, device: str | None, precision: str, *, calibration: Path | None = None) -> Encoder:
    """Load an encoder by its name or path, for a process that ends after one query."""
    from retrieval.encoder.checkpoints import load_for_one_query as load

    return load(name, device, precision, calibration)


def given_encoder(
    encoder: Encoder | str | Path | None, record: EncoderRecord | None, folder: Path, device: str | None
) -> Encoder | None:
    """Return the encoder that the caller gave, loaded from its name or path; None if the index finds its own."""
    if encoder is None or encoder == "auto":
        return None
    if not isinstance(encoder, str | Path):
        return encoder
    if record is None:
        raise missing_record(folder)
    loaded = load_requested(encoder, record, folder, device)
    if record.load != str(weight_file(loaded)):
        remember(loaded)
    return loaded


def load_requested(
    requested: str | Path,
    record: EncoderRecord,
    folder: Path,
    device: str | None,
    load: EncoderLoader = load_by_name,
    precision: str = "auto",
) -> Encoder:
    """Load the encoder that the caller names for the index in `folder`. precision: `auto` is that of the index.

    Raises `EncoderMismatch` if it did not build the index, and the errors of `load_encoder`.
    """
    encoder = _load(str(requested), record, folder, device, load, precision)
    check_fingerprint(encoder, record, folder)
    return encoder


def load_recorded(
    record: EncoderRecord,
    folder: Path,
    device: str | None,
    load: EncoderLoader = load_by_name,
    precision: str = "auto",
) -> Encoder:
    """Find and load the encoder that built the index in `folder`. precision: `auto` is that of the index.

    Raises `CheckpointError` if its weights are at none of the places, `EncoderMismatch` if there are only others.
    """
    if record.int8:
        ranges_file(folder, record.int8)  # weights in another place would not help
    failed: list[CheckpointError] = []
    other: EncoderMismatch | None = None
    for place in _places(record, folder):
        try:
            encoder = _load(place, record, folder, device, load, precision)
        except CheckpointError as error:
            failed.append(error)
            continue
        if encoder.fingerprint == record.fingerprint:
            return encoder
        other = other or encoder_mismatch(folder, record, encoder)
    if other is not None:
        raise other
    if failed and record.load in _NAMES:
        raise failed[-1]
    raise _not_found(record, folder, failed)


def remember(encoder: Encoder) -> None:
    """Note the weight file of an encoder for this user, if it was loaded from one."""
    weights = weight_file(encoder)
    if weights is not None:
        remember_place(encoder.fingerprint, weights)


def weight_file(encoder: Encoder) -> Path | None:
    """Return the weight file that an encoder was loaded from by its path; None for a name, or another object."""
    weights = getattr(encoder, "weights", None)
    return weights.absolute() if isinstance(weights, Path) else None


def encoder_record(encoder: Encoder, folder: Path, constant_gate: bool) -> EncoderRecord:
    """Return the record of an encoder that builds the index in `folder`."""
    weights = weight_file(encoder)
    return EncoderRecord(
        name=encoder.name,
        load=encoder.name if weights is None else str(weights),
        fingerprint=encoder.fingerprint,
        settings=encoder.settings,
        provisional=encoder.provisional,
        constant_gate=constant_gate,
        relative="" if weights is None else _relative(weights, folder),
        precision=getattr(encoder, "precision", "float32"),
    )


def can_be_loaded(record: EncoderRecord) -> bool:
    """Return True if `load` is a name or a path; False for that of an encoder object of the caller."""
    return record.load in _NAMES or Path(record.load).is_absolute()


def check_fingerprint(encoder: Encoder, record: EncoderRecord | None, folder: Path) -> None:
    """Raise `EncoderMismatch` unless the encoder built the index, `IndexDamaged` if nothing says which one did."""
    if record is None:
        raise missing_record(folder)
    if encoder.fingerprint != record.fingerprint:
        raise encoder_mismatch(folder, record, encoder)


def missing_record(folder: Path) -> IndexDamaged:
    """Return the error for an index whose settings do not say which encoder built it."""
    return IndexDamaged("the settings do not say which encoder built the index", folder, RESTORE_HINT)


def encoder_mismatch(folder: Path, built_by: EncoderRecord, encoder: Encoder) -> EncoderMismatch:
    """Return the error for an encoder that did not build the index."""
    weights = weight_file(encoder)
    place = "" if weights is None else f" from {weights}"
    if built_by.load in _NAMES or (built_by.load != str(weights) and Path(built_by.load).is_file()):
        use = f"use --encoder {built_by.load}"
    else:
        use = "use the weights that built it (--encoder PATH), or pass its encoder object"
    return EncoderMismatch(
        f"the index was built with encoder {built_by.name} ({built_by.fingerprint[:12]}{_int8(built_by.settings)}), "
        f"and this is {encoder.name} ({encoder.fingerprint[:12]}{_int8(encoder.settings)}){place}",
        folder,
        f"{use}, or build into another --index",
    )


# ---------------------------------------------------------------------- private


def _load(
    place: str, record: EncoderRecord, folder: Path, device: str | None, load: EncoderLoader, precision: str
) -> Encoder:
    """Load an encoder with the input profile of the index: that of a file is guessed from its name, which changes."""
    precision = record.precision if precision == "auto" else precision
    calibration: dict[str, Any] = {"calibration": ranges_file(folder, record.int8)} if record.int8 else {}
    encoder = load(place, device, precision, **calibration)
    profile = record.settings.get("profile")
    same = encoder.fingerprint == record.fingerprint or encoder.settings.get("profile") == profile
    if same or profile not in PROFILES or weight_file(encoder) is None:
        return encoder
    from retrieval.encoder import load_encoder

    again = load_encoder(place, device=device, profile=profile, precision=precision, **calibration)
    return again if again.fingerprint == record.fingerprint else encoder


def _int8(settings: dict[str, Any]) -> str:
    return ", int8" if settings.get("int8") else ""


def _places(record: EncoderRecord, folder: Path) -> Iterator[str]:
    """Return the names and existing files to try, the likeliest first; a name that is downloaded comes last."""
    download = record.load in PUBLISHED and cached_file(PUBLISHED[record.load]) is None
    if record.load in _NAMES and not download:
        yield record.load
    recorded = Path(record.load)
    files = [recorded] if recorded.is_absolute() else []
    files += [folder / record.relative] if record.relative else []
    files += [each / recorded.name for each in (folder, folder.absolute().parent) if recorded.is_absolute()]
    seen = set()
    for path in (*files, *known_places(record.fingerprint)):
        place = os.path.normpath(path.absolute())
        if place not in seen and Path(place).is_file():
            seen.add(place)
            yield place
    if download:
        yield record.load


def _relative(weights: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(weights, folder.absolute())).as_posix()
    except ValueError:  # another drive of Windows
        return ""


def _not_found(record: EncoderRecord, folder: Path, failed: list[CheckpointError]) -> CheckpointError:
    encoder = f"{record.name} ({record.fingerprint[:12]})"
    if not can_be_loaded(record):
        problem = f"the index was built with an encoder object, {encoder}, which has no name that can be loaded"
        hint = "pass it to PanelIndex.open(index, encoder=...), or give its weight file with --encoder PATH"
        return CheckpointError(problem, folder, hint)
    if failed:
        return CheckpointError(
            f"the weights of {encoder}, which built the index, cannot be used: {failed[0]}", folder, _GIVE_PATH
        )
    problem = f"the weights of {encoder}, which built the index, are no longer at {record.load}, nor next to the index"
    return CheckpointError(problem, folder, f"{_GIVE_PATH}; it is remembered")
