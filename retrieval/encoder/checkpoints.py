"""A name, a path or `auto` -> a ready encoder with verified weights."""

from __future__ import annotations

import logging
import platform
import sys
from collections.abc import Collection
from ctypes.util import find_library
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.encoder.encoder import PanelEncoder
from retrieval.encoder.hub import PUBLISHED, V1, PublishedCheckpoint, cached_file, check_published, fetch
from retrieval.encoder.inputs import check_profile
from retrieval.encoder.runtime.base import EncoderRuntime
from retrieval.encoder.runtime.int8_ranges import FILE as INT8_FILE
from retrieval.encoder.runtime.int8_ranges import read_ranges
from retrieval.encoder.runtime.precision import NO_INT8, NO_INT8_HINT, check_precision, choose_runtime, processor
from retrieval.encoder.weight_files import minilm_file, read_basis, sha256, small_basis, small_file
from retrieval.errors import CheckpointError, UsageError, first_line

if TYPE_CHECKING:
    import torch

    from retrieval.encoder.network.model import PanelFeatureExtractor
    from retrieval.encoder.runtime.weights import State

log = logging.getLogger("panelseek")

NAMES = (*PUBLISHED, "small", "auto")
RUNTIMES = ("openvino", "torch")

_GPU_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""Files that the drivers of NVIDIA, of AMD, and of Windows below Linux make."""


@dataclass(frozen=True, slots=True)
class Execution:
    """How a network is to be executed; see `load_encoder`. one_query: in a process that ends after one query."""

    device: str | torch.device | None
    precision: str
    runtime: str | None
    one_query: bool = False
    calibration: str | Path | None = None

    @property
    def by_openvino(self) -> bool:
        """Return True if OpenVINO executes it, which needs no torch: on a CPU, unless torch is chosen."""
        no_gpu = self.device is None and (self.precision == "int8" or not _may_have_gpu())
        return (str(self.device) == "cpu" or no_gpu) and self.runtime != "torch"

    def check(self, name: str) -> None:
        """Raise `UsageError` if an encoder cannot be executed in int8 like this."""
        if self.precision != "int8":
            return
        if name == "small":
            raise UsageError(NO_INT8, hint=NO_INT8_HINT)
        if not self.by_openvino:
            problem = f"int8 runs by OpenVINO on a CPU only; found device {self.device} and runtime {self.runtime}"
            raise UsageError(problem, hint="use --device cpu, or --precision auto")
        if self.calibration is None:
            hint = f"give the file {INT8_FILE} in the folder of an index that was built with --precision int8"
            raise UsageError("int8 needs ranges that were measured on panels (calibration=FILE)", hint=hint)


def load_encoder(
    name_or_path: str | Path = "auto",
    device: str | torch.device | None = None,
    cache_dir: str | Path | None = None,
    profile: str | None = None,
    precision: str = "auto",
    runtime: str | None = None,
    calibration: str | Path | None = None,
) -> PanelEncoder:
    """Load the encoder of a published name, `small`, `auto`, or a weight file.

    name_or_path: `auto` is comic-panel-encoder-v1 if its weights are in the model hub's cache, else `small`. It
        never connects to the hub; only a published name downloads weights.
    device: None picks cuda if available, else mps, else cpu.
    cache_dir: the model hub's cache; None is its default.
    profile: how geometry becomes numbers, "v1" or "vlm". None is the profile that the model was trained with. For
        any other weight file, None is "vlm" if its name contains "vlm", else "v1".
    precision: float32, bfloat16, or auto, the faster one on this device whose vectors have a cosine of at least
        0.9999 with those of float32. `small` has float32 with auto. int8 runs on a CPU and needs `calibration`.
    runtime: what executes the network, openvino or torch; None is OpenVINO on a CPU, else torch.
    calibration: the ranges of int8, a file that `build_index(..., precision="int8")` makes in the folder of the index.
        They are part of the fingerprint.

    Raises `UsageError` for an unknown name, device, profile, precision or runtime, `CheckpointError` for weights that
    are missing, damaged or not the published ones, `HubUnreachable` if they cannot be downloaded.
    """
    if profile is not None:
        check_profile(profile)
    how = Execution(device, check_precision(precision), _check_runtime(runtime), calibration=calibration)
    return _load(name_or_path, how, cache_dir, profile)


def load_for_one_query(
    name_or_path: str | Path,
    device: str | None = None,
    precision: str = "auto",
    calibration: str | Path | None = None,
) -> PanelEncoder:
    """Load an encoder as `load_encoder` does, for a process that ends after one query.

    `small` then runs on the CPU unless a device is named: torch, which a GPU needs, takes seconds to load.
    """
    if str(name_or_path) == "small":
        device = device or "cpu"
    return _load(name_or_path, Execution(device, precision, None, True, calibration), None, None)


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


def _check_runtime(runtime: str | None) -> str | None:
    if runtime is not None and runtime not in RUNTIMES:
        raise UsageError(f"unknown runtime {runtime!r}; expected one of {', '.join(RUNTIMES)}")
    return runtime


def _load(name_or_path: str | Path, how: Execution, cache_dir: str | Path | None, profile: str | None) -> PanelEncoder:
    how.check(str(name_or_path))
    if not how.by_openvino:
        pick_device(how.device)  # a wrong name is refused before anything is downloaded
    name = str(name_or_path)
    if name == "auto":
        return _load_auto(how, cache_dir, profile)
    if name == "small":
        return _load_small(how, profile)
    if name in PUBLISHED:
        return _load_published(PUBLISHED[name], fetch(PUBLISHED[name], cache_dir), how, profile)
    path = Path(name_or_path).expanduser()
    if not path.exists() and not path.suffix and path.parent == Path():
        raise UsageError(f"unknown encoder {name!r}; expected {', '.join(NAMES)}, or the path of a weight file")
    return _load_file(path, how, profile)


def _load_auto(how: Execution, cache_dir: str | Path | None, profile: str | None) -> PanelEncoder:
    path = cached_file(V1, cache_dir)
    if path is None:
        log.info("%s is not in the model hub's cache. To download it, choose it by name.", V1.name)
        encoder = _load_small(how, profile)
    else:
        encoder = _load_published(V1, path, how, profile)
    log.info("Using the encoder %s on %s.", encoder.name, encoder.device)
    return encoder


def _load_published(checkpoint: PublishedCheckpoint, path: Path, how: Execution, profile: str | None) -> PanelEncoder:
    digest = sha256(path)
    check_published(checkpoint, path, digest)
    return _make_encoder(checkpoint.name, path, digest, how, profile or checkpoint.profile)


def _load_small(how: Execution, profile: str | None) -> PanelEncoder:
    """Load the embedded checkpoint."""
    weights, profile = small_file(), profile or "v1"
    if not how.by_openvino:
        provisional = weights.provisional
        return _make_encoder("small", weights.path, weights.sha256, how, profile, provisional=provisional)
    from retrieval.encoder.runtime.weights import WeightTensors

    text = minilm_file()
    state = WeightTensors({weights.path: "", text.path: "text.encoder."})
    runtime = _openvino_runtime(state, weights.path, weights.sha256, how)
    digests = [weights.sha256, text.sha256]
    return PanelEncoder(runtime, "small", digests, profile, weights.provisional, basis=small_basis)


def _may_have_gpu() -> bool:
    """Return True if torch may find a GPU on this machine. Asking torch would load it."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return any(Path(device).exists() for device in _GPU_DEVICES) or find_library("nvcuda") is not None


def _load_file(path: Path, how: Execution, profile: str | None) -> PanelEncoder:
    """Load a weight file by path: the published file under its published name, any other under its file name."""
    if not path.is_file():
        raise CheckpointError("not a file; expected encoder weights (.pt or .safetensors)", path)
    digest = sha256(path)
    if digest == V1.sha256:
        return _make_encoder(V1.name, path, digest, how, profile or V1.profile, by_path=True)
    if path.stat().st_size == V1.size:
        log.info("%s has the size of %s but other content: loading it as a model of your own.", path, V1.name)
    guessed = "vlm" if "vlm" in path.stem.lower() else "v1"
    return _make_encoder(path.stem, path, digest, how, profile or guessed, by_path=True)


def _make_encoder(
    name: str,
    path: Path,
    digest: str,
    how: Execution,
    profile: str,
    *,
    provisional: bool = False,
    by_path: bool = False,
) -> PanelEncoder:
    """Return the encoder of a weight file; digest: its SHA-256."""
    weights = path.absolute() if by_path else None
    if how.by_openvino:
        from retrieval.encoder.runtime.converted import converted_state

        state, text_digests = converted_state(path, digest)
        runtime = _openvino_runtime(state, path, digest, how)
    else:
        runtime, text_digests = _torch_runtime(path, digest, how)
    basis = small_basis if name == "small" and not by_path else partial(read_basis, path, digest)
    return PanelEncoder(runtime, name, [digest, *text_digests], profile, provisional, weights, basis)


def _openvino_runtime(state: State, path: Path, digest: str, how: Execution) -> EncoderRuntime:
    """Return the runtime of tensors that were read from a weight file."""
    from retrieval.encoder.runtime.openvino_runtime import OpenVinoRuntime, has_bfloat16

    make = partial(OpenVinoRuntime, state, torch_model=lambda: _torch_model(path)[0], one_query=how.one_query)
    if how.precision == "int8":
        assert how.calibration is not None  # see `Execution.check`
        return make("float32").in_int8(read_ranges(Path(how.calibration)))
    precision = _settled(how.precision, state)
    bfloat16 = precision != "float32" and has_bfloat16()  # asking loads OpenVINO
    return choose_runtime(make, precision, f"{digest} {processor()} openvino", bfloat16=bfloat16)


def _torch_runtime(path: Path, digest: str, how: Execution) -> tuple[EncoderRuntime, list[str]]:
    from retrieval.encoder.runtime.torch_runtime import TorchRuntime, device_name, has_bfloat16

    device = pick_device(how.device)
    model, text_digests = _torch_model(path)
    make = partial(TorchRuntime, model, device)
    precision = _settled(how.precision, model.state_dict())
    key = f"{digest} {device_name(device)} torch"
    return choose_runtime(make, precision, key, bfloat16=has_bfloat16(device)), text_digests


def _settled(precision: str, state: Collection[str]) -> str:
    """Return the precision; `auto` is float32 for `small`, whose time goes into other things than its network."""
    return "float32" if precision == "auto" and "vision.stem.0.weight" in state else precision


def _torch_model(path: Path) -> tuple[PanelFeatureExtractor, list[str]]:
    """Return the network of a weight file in torch, and the SHA-256 of MiniLM's file if it has no text encoder."""
    from retrieval.encoder.state_dicts import build_model, complete_state

    state, text_digests = complete_state(path)
    return build_model(state, path), text_digests
