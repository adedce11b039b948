"""A name, a path or `auto` -> a ready encoder with verified weights."""

from __future__ import annotations

import logging
import platform
import sys
from ctypes.util import find_library
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.encoder.encoder import PanelEncoder
from retrieval.encoder.hub import PUBLISHED, V1, PublishedCheckpoint, cached_file, check_published, fetch
from retrieval.encoder.inputs import check_profile
from retrieval.encoder.weight_files import WeightFile, minilm_file, sha256, small_file
from retrieval.errors import CheckpointError, UsageError, first_line

if TYPE_CHECKING:
    import torch

    from retrieval.encoder.network.model import PanelFeatureExtractor
    from retrieval.encoder.state_dicts import State

log = logging.getLogger("panelseek")

NAMES = (*PUBLISHED, "small", "auto")

_GPU_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""Files that the drivers of NVIDIA, of AMD, and of Windows below Linux make."""


def load_encoder(
    name_or_path: str | Path = "auto",
    device: str | torch.device | None = None,
    cache_dir: str | Path | None = None,
    profile: str | None = None,
) -> PanelEncoder:
    """Load the encoder of a published name, `small`, `auto`, or a weight file.

    name_or_path: `auto` is comic-panel-encoder-v1 if its weights are in the model hub's cache, else `small`. It
        never connects to the hub; only a published name downloads weights.
    device: None picks cuda if available, else mps, else cpu.
    cache_dir: the model hub's cache; None is its default.
    profile: how geometry becomes numbers, "v1" or "vlm". None is the profile that the model was trained with. For
        any other weight file, None is "vlm" if its name contains "vlm", else "v1".

    Raises `UsageError` for an unknown name, device or profile, `CheckpointError` for weights that are missing,
    damaged or not the published ones, `HubUnreachable` if they cannot be downloaded.
    """
    if profile is not None:
        check_profile(profile)
    name = str(name_or_path)
    if name == "auto":
        return _load_auto(device, cache_dir, profile)
    if name == "small":
        return _load_small(device, profile)
    if name in PUBLISHED:
        target = pick_device(device)
        return _load_published(PUBLISHED[name], fetch(PUBLISHED[name], cache_dir), target, profile)
    path = Path(name_or_path).expanduser()
    if not path.exists() and not path.suffix and path.parent == Path():
        raise UsageError(f"unknown encoder {name!r}; expected {', '.join(NAMES)}, or the path of a weight file")
    return _load_file(path, pick_device(device), profile)


def load_for_one_query(name_or_path: str | Path, device: str | None = None) -> PanelEncoder:
    """Load an encoder as `load_encoder` does, for a process that ends after one query.

    `small` then runs on the CPU unless a device is named: torch, which a GPU needs, takes seconds to load.
    """
    if str(name_or_path) == "small":
        return _load_small(device or "cpu", None, one_query=True)
    return load_encoder(name_or_path, device=device)


def pick_device(device: str | torch.device | None) -> torch.device:
    """Return `device` after a check, or the best device of this machine if it is None."""
    import torch

    if device is None:
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device(name)
    try:
        picked = torch.device(device)
        torch.empty(0, device=picked)
    except (RuntimeError, AssertionError, ValueError, NotImplementedError) as error:
        problem = f"the device {str(device)!r} cannot be used ({first_line(error)})"
        raise UsageError(problem, hint="Try 'cpu'") from error
    return picked


def _load_auto(device: str | torch.device | None, cache_dir: str | Path | None, profile: str | None) -> PanelEncoder:
    path = cached_file(V1, cache_dir)
    if path is None:
        log.info("%s is not in the model hub's cache. To download it, choose it by name.", V1.name)
        encoder = _load_small(device, profile)
    else:
        encoder = _load_published(V1, path, pick_device(device), profile)
    log.info("Using the encoder %s on %s.", encoder.name, encoder.device)
    return encoder


def _load_published(
    checkpoint: PublishedCheckpoint, path: Path, device: torch.device, profile: str | None
) -> PanelEncoder:
    digest = sha256(path)
    check_published(checkpoint, path, digest)
    return _make_encoder(checkpoint.name, path, digest, device, profile or checkpoint.profile)


def _load_small(device: str | torch.device | None, profile: str | None, one_query: bool = False) -> PanelEncoder:
    """Load the embedded checkpoint: without torch on a CPU."""
    weights, profile = small_file(), profile or "v1"
    if str(device) == "cpu" or (device is None and not _may_have_gpu()):
        return _make_light_encoder(weights, profile, one_query)
    target = pick_device(device)
    return _make_encoder("small", weights.path, weights.sha256, target, profile, provisional=weights.provisional)


def _may_have_gpu() -> bool:
    """Return True if torch may find a GPU on this machine. Asking torch would load it."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return any(Path(device).exists() for device in _GPU_DEVICES) or find_library("nvcuda") is not None


def _make_light_encoder(weights: WeightFile, profile: str, one_query: bool) -> PanelEncoder:
    from retrieval.encoder.runtime.openvino_runtime import OpenVinoRuntime
    from retrieval.encoder.runtime.weights import WeightTensors

    text = minilm_file()
    state = WeightTensors({weights.path: "", text.path: "text.encoder."})

    def torch_model() -> PanelFeatureExtractor:
        from retrieval.encoder.state_dicts import build_model

        return build_model(_state(weights.path)[0], weights.path)

    runtime = OpenVinoRuntime(state, torch_model=torch_model, one_query=one_query)
    return PanelEncoder(runtime, "small", [weights.sha256, text.sha256], profile, weights.provisional)


def _load_file(path: Path, device: torch.device, profile: str | None) -> PanelEncoder:
    """Load a weight file by path: the published file under its published name, any other under its file name."""
    if not path.is_file():
        raise CheckpointError("not a file; expected encoder weights (.pt or .safetensors)", path)
    digest = sha256(path)
    if digest == V1.sha256:
        return _make_encoder(V1.name, path, digest, device, profile or V1.profile, by_path=True)
    if path.stat().st_size == V1.size:
        log.info("%s has the size of %s but other content: loading it as a model of your own.", path, V1.name)
    guessed = "vlm" if "vlm" in path.stem.lower() else "v1"
    return _make_encoder(path.stem, path, digest, device, profile or guessed, by_path=True)


def _make_encoder(
    name: str,
    path: Path,
    digest: str,
    device: torch.device,
    profile: str,
    *,
    provisional: bool = False,
    by_path: bool = False,
) -> PanelEncoder:
    from retrieval.encoder.runtime.torch_runtime import TorchRuntime
    from retrieval.encoder.state_dicts import build_model

    state, text_digests = _state(path)
    runtime = TorchRuntime(build_model(state, path), device)
    weights = path.absolute() if by_path else None
    return PanelEncoder(runtime, name, [digest, *text_digests], profile, provisional, weights)


def _state(path: Path) -> tuple[State, list[str]]:
    """Return the tensors of a weight file, with MiniLM's if it is a `small` saved without them, and their SHA-256."""
    from retrieval.encoder.state_dicts import minilm_state, read_state

    state = read_state(path)
    is_small = any(key.startswith("vision.stem.") for key in state)
    if not is_small or any(key.startswith("text.encoder.") for key in state):
        return state, []
    text, digest = minilm_state()
    return state | text, [digest]
