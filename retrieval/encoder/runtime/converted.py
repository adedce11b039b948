"""Weight files converted once, so that they load without torch; in the cache folder, and made again at any time."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors.numpy import save_file

from retrieval.encoder.runtime.weights import State, WeightTensors
from retrieval.encoder.weight_files import minilm_file, sha256
from retrieval.errors import CheckpointError
from retrieval.files import replace_file
from retrieval.user_cache import cache_folder

log = logging.getLogger("panelseek")

FOLDER = "encoders"
_MOST = 4
"""Converted files kept, the newest."""

_TEXT = "text.encoder."


def converted_state(path: Path, digest: str) -> tuple[State, list[str]]:
    """Return the tensors of a weight file, and the SHA-256 of the file of MiniLM if its text encoder is that one.

    digest: SHA-256 of the file. The first call converts it, which loads torch, and checks that it fits the model.
    Raises `CheckpointError`.
    """
    target = cache_folder() / FOLDER / f"{digest}.safetensors"
    state = _read(target)
    return state if state is not None else _convert(path, target)


def _convert(path: Path, target: Path) -> tuple[State, list[str]]:
    from retrieval.encoder.state_dicts import build_model, complete_state

    state, text_digests = complete_state(path)
    tensors = {key: value.numpy() for key, value in build_model(state, path).state_dict().items()}
    _write(target, {key: array for key, array in tensors.items() if not (text_digests and key.startswith(_TEXT))})
    return tensors, text_digests


def _read(target: Path) -> tuple[State, list[str]] | None:
    """Return the converted tensors; None if they are missing or not what was written."""
    try:
        note = json.loads(target.with_suffix(".json").read_text(encoding="utf-8"))
        if not isinstance(note, dict) or note.get("sha256") != sha256(target):
            return None
        if note.get("has_text"):
            return WeightTensors({target: ""}), []
        text = minilm_file()
        return WeightTensors({target: "", text.path: _TEXT}), [text.sha256]
    except (OSError, ValueError, RecursionError):
        return None
    except CheckpointError:
        if not target.exists():
            return None
        raise


def _write(target: Path, tensors: dict[str, NDArray[Any]]) -> None:
    """Write the tensors, then the note of their checksum; without room for them, it is only logged."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, lambda partial: save_file(tensors, partial))
        note = {"sha256": sha256(target), "has_text": any(key.startswith(_TEXT) for key in tensors)}
        replace_file(target.with_suffix(".json"), lambda partial: partial.write_text(json.dumps(note) + "\n"))
        for old in sorted(target.parent.glob("*.safetensors"), key=lambda file: -file.stat().st_mtime)[_MOST:]:
            old.with_suffix(".json").unlink(missing_ok=True)
            old.unlink(missing_ok=True)
    except Exception as error:  # safetensors has an error class of its own for a full disk
        log.warning("%s: the converted weights are not kept (%s)", target, error)
