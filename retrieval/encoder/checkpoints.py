"""A name, a path or `auto` -> a ready encoder over verified weights."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import torch

from retrieval.encoder.encoder import PanelEncoder
from retrieval.encoder.hub import PUBLISHED, V1, Published, check_published, fetch
from retrieval.encoder.inputs import PROFILES
from retrieval.encoder.state_dicts import State, build_model, minilm_state, read_state, sha256
from retrieval.errors import CheckpointError, HubUnreachable, UsageError

log = logging.getLogger("panelseek")

WEIGHTS = Path(__file__).parent / "weights"
NAMES = (*PUBLISHED, "small", "auto")


def load_encoder(
    name_or_path: str | Path = "auto",
    device: str | torch.device | None = None,
    cache_dir: str | Path | None = None,
    profile: str | None = None,
) -> PanelEncoder:
    """The encoder of a published name, of `small`, of `auto`, or of a weight file.

    `auto` is comic-panel-encoder-v1 where it is cached or can be downloaded, else `small`.
    `device` None: cuda where there is one, else mps, else cpu. `cache_dir`: the model hub's cache.
    `profile`: how geometry becomes numbers, "v1" or "vlm"; None: as the model was trained, for a file of
    your own "vlm" where its name says so, else "v1".

    Raises `UsageError` for an unknown name, device or profile, `CheckpointError` for weights that are
    missing, damaged or not the ones their name promises, `HubUnreachable` where they cannot be had.
    """
    target = pick_device(device)
    if profile is not None and profile not in PROFILES:
        raise UsageError(f"The input profile is {profile!r}; expected one of {', '.join(PROFILES)}.")
    name = str(name_or_path)
    if name == "auto":
        return _auto(target, cache_dir, profile)
    if name == "small":
        return _small(target, profile)
    if name in PUBLISHED:
        return _published(PUBLISHED[name], target, cache_dir, profile)
    path = Path(name_or_path).expanduser()
    if not path.exists() and not path.suffix and path.parent == Path():
        names = ", ".join(NAMES)
        raise UsageError(f"There is no encoder {name!r}; expected {names}, or the path of a weight file.")
    return _own(path, target, profile)


def pick_device(device: str | torch.device | None) -> torch.device:
    """`device` checked, or the best one of this machine."""
    if device is None:
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device(name)
    try:
        picked = torch.device(device)
        torch.empty(0, device=picked)
    except (RuntimeError, AssertionError, ValueError, NotImplementedError) as error:
        reason = str(error).split("\n")[0]
        raise UsageError(f"The device {str(device)!r} cannot be used ({reason}); try 'cpu'.") from error
    return picked


def _auto(device: torch.device, cache_dir: str | Path | None, profile: str | None) -> PanelEncoder:
    try:
        encoder = _published(V1, device, cache_dir, profile)
    except HubUnreachable as error:
        log.info("Not taking %s: %s", V1.name, error)
        encoder = _small(device, profile)
    log.info("The encoder is %s on %s.", encoder.name, encoder.device)
    return encoder


def _published(
    model: Published, device: torch.device, cache_dir: str | Path | None, profile: str | None
) -> PanelEncoder:
    path = fetch(model, cache_dir)
    digest = sha256(path)
    check_published(model, path, digest)
    return _encoder(model.name, path, [digest], device, profile or model.profile)


def _small(device: torch.device, profile: str | None) -> PanelEncoder:
    """The embedded checkpoint, checked against its card."""
    path, card = WEIGHTS / "small.safetensors", _card()
    if not path.is_file():
        raise CheckpointError(f"{path} is missing. Install panelseek again.")
    digest = sha256(path)
    if digest != card["sha256"]:
        raise CheckpointError(
            f"{path} is damaged: found SHA-256 {digest}, its card says {card['sha256']}. Install panelseek again."
        )
    return _encoder("small", path, [digest], device, profile or "v1", provisional=bool(card["provisional"]))


def _card() -> dict[str, Any]:
    path = WEIGHTS / "small.json"
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}). Install panelseek again.") from error
    return card


def _own(path: Path, device: torch.device, profile: str | None) -> PanelEncoder:
    """A weight file by path: a published one under its name, any other under its file name."""
    if not path.is_file():
        raise CheckpointError(f"{path} is not a file; expected encoder weights (.pt or .safetensors).")
    digest = sha256(path)
    if digest == V1.sha256:
        return _encoder(V1.name, path, [digest], device, profile or V1.profile)
    if path.stat().st_size == V1.size:
        log.info("%s has the size of %s but other content: taken as a model of your own.", path, V1.name)
    guessed = "vlm" if "vlm" in path.stem.lower() else "v1"
    return _encoder(path.stem, path, [digest], device, profile or guessed)


def _encoder(
    name: str, path: Path, digests: list[str], device: torch.device, profile: str, provisional: bool = False
) -> PanelEncoder:
    state, text_digests = _with_text(read_state(path))
    model = build_model(state, str(path)).to(device)
    return PanelEncoder(model, name, digests + text_digests, profile, device, provisional)


def _with_text(state: State) -> tuple[State, list[str]]:
    """`state`, with MiniLM's weights where it was saved without a text encoder, as `small` is."""
    small = any(key.startswith("vision.stem.") for key in state)
    if not small or any(key.startswith("text.encoder.") for key in state):
        return state, []
    text, digest = minilm_state()
    return state | text, [digest]
