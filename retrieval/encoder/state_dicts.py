"""Weight file -> its tensors -> a model that holds exactly these.

No file is unpickled freely: it may hold tensors in plain dicts and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from retrieval.encoder.network.model import PanelFeatureExtractor
from retrieval.encoder.spec import DIMENSION, MODALITIES
from retrieval.encoder.weight_files import minilm_file
from retrieval.errors import CheckpointError, first_line

State = dict[str, Tensor]

SINGLE_BACKBONES = {"siglip": "vision.siglip.", "resnet": "vision.resnet.", "small": "vision.stem."}
"""First part of the vision keys of each variant with a single visual backbone."""

MAX_SHOWN_KEYS = 5
"""Keys named in an error; the rest is counted."""

OTHER_WEIGHTS = "Use the file as its trainer wrote it, or the encoder 'small'"
"""Suggested fix if weights do not fit the model."""


# ------------------------------------------------------------------- reading


def read_state(path: Path) -> State:
    """Return the tensors of a .pt or .safetensors file on the CPU, under the published key names.

    Raises `CheckpointError` for a file that is missing, damaged, or holds anything but tensors.
    """
    if not path.is_file():
        raise CheckpointError("not a file; expected encoder weights (.pt or .safetensors)", path)
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    return published_names(_extract_tensors(path, content))


def _read_safetensors(path: Path) -> Mapping[str, Any]:
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise _unreadable(path, "a safetensors file", error) from error


def _read_torch(path: Path) -> Any:
    # Only the zip layout (torch 1.6 and later) can be mapped instead of read twice.
    with path.open("rb") as file:
        zipped = file.read(4) == b"PK\x03\x04"
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except Exception as error:  # a damaged or foreign pickle can fail with any exception
        raise _unreadable(path, "a torch checkpoint that holds tensors and nothing else", error) from error


def _unreadable(path: Path, expected: str, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"unusable weights: found {_describe_content(path)}, {path.stat().st_size} bytes; expected {expected} "
        f"({first_line(error)})",
        path,
        "Download it again, or use the encoder 'small'",
    )


def _describe_content(path: Path) -> str:
    """Return the likely format of an unreadable file, from its first bytes."""
    with path.open("rb") as file:
        start = file.read(64).lstrip().lower()
    if path.stat().st_size == 0:
        return "an empty file"
    if start.startswith(b"<"):
        return "a web page (the download was probably refused or redirected)"
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer instead of the file itself"
    return "a file that cannot be read as one"


def _extract_tensors(path: Path, content: Any) -> State:
    """Return the state dict of `content`: itself, or its `model_state_dict`, as trainers save it."""
    expected = "expected a dict of named tensors, bare or under 'model_state_dict'"
    if isinstance(content, dict) and isinstance(content.get("model_state_dict"), dict):
        content = content["model_state_dict"]
    if not isinstance(content, dict) or not content:
        found = "an empty dict" if content == {} else type(content).__name__
        raise CheckpointError(f"the file holds {found}; {expected}", path)
    other = [str(k) for k, v in content.items() if not (isinstance(k, str) and isinstance(v, Tensor))]
    if other:
        raise CheckpointError(f"the file holds more than tensors: {shorten(other)}; {expected}", path)
    return dict(content)


def published_names(state: Mapping[str, Tensor]) -> State:
    """Return `state` under the published key names, which DataParallel and transformers versions change.

    Removes a leading `module.`, restores the `vision_model.` level of SigLIP keys, and drops the position tables
    (`position_ids`) that old transformers saved as buffers.
    """
    renamed = {_published_name(key): value for key, value in state.items()}
    return {key: value for key, value in renamed.items() if not key.endswith(".position_ids")}


def _published_name(key: str) -> str:
    key = key.removeprefix("module.")
    level = r"^(vision\.siglip\.(?:siglip\.)?)(?=(?:embeddings|encoder|post_layernorm|head)\.)"
    return re.sub(level, r"\1vision_model.", key)


def minilm_state() -> tuple[State, str]:
    """Return the text encoder's weights as `text.encoder.*` keys, and the SHA-256 of their file."""
    file = minilm_file()
    return published_names({f"text.encoder.{k}": v for k, v in read_state(file.path).items()}), file.sha256


def complete_state(path: Path) -> tuple[State, list[str]]:
    """Return the tensors of a weight file, with MiniLM's if it is a `small` saved without them, and their SHA-256."""
    state = read_state(path)
    is_small = any(key.startswith("vision.stem.") for key in state)
    if not is_small or any(key.startswith("text.encoder.") for key in state):
        return state, []
    text, digest = minilm_state()
    return state | text, [digest]


# ------------------------------------------------------------------- loading


def variant_settings(state: State, path: str | Path) -> dict[str, Any]:
    """Return the `PanelFeatureExtractor` settings that fit the keys of `state`. `path` appears in errors."""

    def has(prefix: str) -> bool:
        return any(key.startswith(prefix) for key in state)

    gate = state.get("fusion.gate.0.weight")
    without_mask = gate is not None and gate.dim() == 2 and gate.shape[1] == MODALITIES * DIMENSION
    settings: dict[str, Any] = {"use_modality_indicators": not without_mask}
    if has("vision.siglip.siglip.") or has("vision.resnet.resnet."):
        return settings | {"visual_backbone": "both", "visual_fusion": _visual_fusion(has, path)}
    for backbone, prefix in SINGLE_BACKBONES.items():
        if has(prefix):
            return settings | {"visual_backbone": backbone}
    raise CheckpointError(
        f"not a comic panel encoder: found keys {shorten(state)}; expected 'vision.*', 'text.*', 'comp.*' and "
        "'fusion.*'",
        path,
    )


def _visual_fusion(has: Callable[[str], bool], path: str | Path) -> str:
    for fusion in ("attention", "gate"):
        if has(f"vision.{fusion}."):
            return fusion
    raise CheckpointError(
        "the weights have two visual backbones but neither 'vision.attention.*' nor 'vision.gate.*': the 'concat' "
        "variant never worked with the full model and cannot be used",
        path,
    )


def build_model(state: State, path: str | Path) -> PanelFeatureExtractor:
    """Return the model of `state`, in eval mode on the CPU. Keys of model and state must be the same.

    `path` appears in errors. Raises `CheckpointError` for keys or shapes that do not fit, and for numbers that are
    not finite.
    """
    settings = variant_settings(state, path)
    # Built without storage: drawing 143 million numbers that are then overwritten takes seconds and
    # would advance the caller's random generator.
    with torch.device("meta"):
        model = PanelFeatureExtractor(**settings)
    expected = model.state_dict()
    _check_fit(state, expected, path)
    # Cast (stored float16) and copy: mapped pages must not change when the file does.
    copied = {k: state[k].to(v.dtype, copy=True).contiguous() for k, v in expected.items()}
    _check_finite(copied, path)
    model.load_state_dict(copied, strict=True, assign=True)
    _fill_index_buffers(model)
    return model.eval()


def _fill_index_buffers(model: torch.nn.Module) -> None:
    """Fill in the constant index tables of the transformers modules, which no state dict holds."""
    for module in model.modules():
        for name, buffer in module.named_buffers(recurse=False):
            if not buffer.is_meta:
                continue
            if name == "position_ids":
                table = torch.arange(buffer.shape[-1]).expand(buffer.shape).clone()
            elif name == "token_type_ids":
                table = torch.zeros(buffer.shape, dtype=buffer.dtype)
            else:
                raise RuntimeError(f"unknown constant {name!r} in {type(module).__name__}")
            module.register_buffer(name, table, persistent=False)


def _check_fit(state: State, expected: Mapping[str, Tensor], path: str | Path) -> None:
    missing = [k for k in expected if k not in state]
    extra = [k for k in state if k not in expected]
    shapes = [
        f"{k} (found {tuple(state[k].shape)}, expected {tuple(v.shape)})"
        for k, v in expected.items()
        if k in state and state[k].shape != v.shape
    ]
    by_fault = (("missing", missing), ("unexpected", extra), ("wrong shape", shapes))
    faults = [f"{len(keys)} {fault}: {shorten(keys)}" for fault, keys in by_fault if keys]
    if faults:
        raise CheckpointError(
            f"the weights do not fit the encoder: found {len(state)} tensors, expected {len(expected)}; "
            f"{'; '.join(faults)}",
            path,
            OTHER_WEIGHTS,
        )


def _check_finite(state: State, path: str | Path) -> None:
    # A number that is not finite spoils a sum, and summing is ten times faster than testing each number.
    broken = [k for k, v in state.items() if v.is_floating_point() and not bool(v.sum().isfinite())]
    if broken:
        raise CheckpointError(
            f"the weights hold numbers that are not finite in {shorten(broken)}: the training diverged or the file "
            "is damaged",
            path,
            "Use an earlier checkpoint",
        )


def shorten(names: Iterable[str]) -> str:
    """Return the first few names and the number of the others."""
    listed = list(names)
    more = f" and {len(listed) - MAX_SHOWN_KEYS} more" if len(listed) > MAX_SHOWN_KEYS else ""
    return ", ".join(name[:120] for name in listed[:MAX_SHOWN_KEYS]) + more
