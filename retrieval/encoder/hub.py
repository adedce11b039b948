"""The published checkpoints on the model hub: their names, files and hashes, the cache, and the download."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import CheckpointError, HubUnreachable, first_line

log = logging.getLogger("panelseek")

HUB_TIMEOUT = 5
"""Seconds to wait for the hub's first answer: short, so that a missing connection is noticed at once."""


@dataclass(frozen=True, slots=True)
class PublishedCheckpoint:
    """A checkpoint on the model hub.

    files: names that it may have there, likeliest first.
    profile: how its geometry becomes numbers, one of `inputs.PROFILES`.
    size, sha256: of its file, in bytes and as hex digest; None if unknown.
    """

    name: str
    repo: str
    files: tuple[str, ...]
    profile: str
    size: int | None = None
    sha256: str | None = None


V1 = PublishedCheckpoint(
    name="comic-panel-encoder-v1",
    repo="RichardScottOZ/comic-panel-encoder-v1",
    files=("best_model.pt",),
    profile="v1",
    size=574_159_138,
    sha256="b7ae7fd02d17378eb4893d53830f37ad928cd201a626857b105d1823b13ae99a",
)
"""Size and hash as the model hub states them for best_model.pt."""

VLM = PublishedCheckpoint(
    name="comic-panel-vlm-v1",
    repo="RichardScottOZ/comic-panel-vlm-v1",
    files=("best_model_vlm.pt", "best_model.pt"),
    profile="vlm",
)
"""Its trainer writes best_model_vlm.pt. Neither the name in the repository nor a hash is known for certain."""

PUBLISHED = {checkpoint.name: checkpoint for checkpoint in (V1, VLM)}


def fetch(checkpoint: PublishedCheckpoint, cache_dir: str | Path | None = None) -> Path:
    """Return the local file of a published checkpoint: from the hub's cache, else downloaded with progress.

    Raises `HubUnreachable` if it is not cached and the hub does not answer or does not have the file.
    """
    return cached_file(checkpoint, cache_dir) or _download(checkpoint, cache_dir)


def cached_file(checkpoint: PublishedCheckpoint, cache_dir: str | Path | None = None) -> Path | None:
    """Return the file of a published checkpoint in the hub's cache, or None. Makes no connection."""
    # Not hf_hub_download(local_files_only=True): some versions connect to the hub before they look into the cache.
    from huggingface_hub import try_to_load_from_cache

    for file in checkpoint.files:
        path = try_to_load_from_cache(checkpoint.repo, file, cache_dir=cache_dir)
        if isinstance(path, str):
            return Path(path)
    return None


def _download(checkpoint: PublishedCheckpoint, cache_dir: str | Path | None) -> Path:
    from huggingface_hub import hf_hub_download

    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        raise _unreachable(checkpoint, "HF_HUB_OFFLINE is set")
    log.info("Looking for %s on the model hub (%s).", checkpoint.name, checkpoint.repo)
    for file in checkpoint.files:
        if not _is_on_hub(checkpoint, file):
            continue
        try:
            return Path(hf_hub_download(checkpoint.repo, file, cache_dir=cache_dir, etag_timeout=HUB_TIMEOUT))
        except Exception as error:  # the hub library's own HTTP errors differ between its versions
            raise _unreachable(checkpoint, first_line(error)) from error
    raise HubUnreachable(
        f"the repository {checkpoint.repo} has none of the files {', '.join(checkpoint.files)}",
        hint="Download its weights by hand and pass their path",
    )


def _is_on_hub(checkpoint: PublishedCheckpoint, file: str) -> bool:
    """Ask the hub for `file` with a single request: its own library retries for half a minute when offline."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError

    try:
        get_hf_file_metadata(hf_hub_url(checkpoint.repo, file), timeout=HUB_TIMEOUT)
    except EntryNotFoundError:
        return False
    except RepositoryNotFoundError as error:
        raise HubUnreachable(
            f"the model hub has no public repository {checkpoint.repo}", hint=_hint(checkpoint)
        ) from error
    except Exception as error:  # as above
        raise _unreachable(checkpoint, first_line(error)) from error
    return True


def _unreachable(checkpoint: PublishedCheckpoint, reason: str) -> HubUnreachable:
    return HubUnreachable(
        f"the weights of {checkpoint.name} are not in the cache, and the model hub does not answer ({reason})",
        hint=_hint(checkpoint),
    )


def _hint(checkpoint: PublishedCheckpoint) -> str:
    return (
        f"Use the encoder 'small' (--encoder small), or download {checkpoint.files[0]} of {checkpoint.repo} on "
        "another machine and pass its path, or point HF_HOME to a cache that has it"
    )


def check_published(checkpoint: PublishedCheckpoint, path: Path, digest: str) -> None:
    """Raise `CheckpointError` unless a file with a published name has the published content."""
    if checkpoint.sha256 is None:
        log.info("%s: no published hash is known for %s; only its keys are checked.", checkpoint.name, path.name)
    elif digest != checkpoint.sha256:
        raise CheckpointError(
            f"not the published {checkpoint.name}: found {path.stat().st_size} bytes with SHA-256 {digest}, "
            f"expected {checkpoint.size} bytes with SHA-256 {checkpoint.sha256}",
            path,
            "Delete it to download it again, or pass its path as encoder if it is a model of your own",
        )
