"""The published checkpoints: where they are and how to know them again."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import CheckpointError, HubUnreachable

log = logging.getLogger("panelseek")

ANSWER_SECONDS = 5
"""How long the hub may take to say what it has, so that being offline is noticed at once."""


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint on the model hub. `files`: names it may have there, likeliest first.

    `size` (bytes) and `sha256` are None where they are not known.
    """

    name: str
    repo: str
    files: tuple[str, ...]
    profile: str
    size: int | None = None
    sha256: str | None = None


V1 = Published(
    name="comic-panel-encoder-v1",
    repo="RichardScottOZ/comic-panel-encoder-v1",
    files=("best_model.pt",),
    profile="v1",
    size=574_159_138,
    sha256="b7ae7fd02d17378eb4893d53830f37ad928cd201a626857b105d1823b13ae99a",
)
"""Size and hash as the model hub states them for best_model.pt."""

VLM = Published(
    name="comic-panel-vlm-v1",
    repo="RichardScottOZ/comic-panel-vlm-v1",
    files=("best_model_vlm.pt", "best_model.pt"),
    profile="vlm",
)
"""Its trainer writes best_model_vlm.pt; neither the name in the repository nor a hash is known for sure."""

PUBLISHED = {model.name: model for model in (V1, VLM)}


def fetch(model: Published, cache_dir: str | Path | None = None) -> Path:
    """The local file of a published checkpoint: from the hub's cache, else downloaded with progress.

    Raises `HubUnreachable` where it is not cached and the hub does not answer, `CheckpointError` where
    the hub answers but has no such file.
    """
    return _cached(model, cache_dir) or _download(model, cache_dir)


def _cached(model: Published, cache_dir: str | Path | None) -> Path | None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    for file in model.files:
        try:
            return Path(hf_hub_download(model.repo, file, cache_dir=cache_dir, local_files_only=True))
        except LocalEntryNotFoundError:
            continue
    return None


def _download(model: Published, cache_dir: str | Path | None) -> Path:
    from huggingface_hub import hf_hub_download

    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        raise _unreachable(model, "HF_HUB_OFFLINE is set")
    log.info("Looking for %s on the model hub (%s).", model.name, model.repo)
    for file in model.files:
        if not offered(model, file):
            continue
        try:
            return Path(hf_hub_download(model.repo, file, cache_dir=cache_dir, etag_timeout=ANSWER_SECONDS))
        except Exception as error:  # the hub library's own HTTP errors differ between its versions
            raise _unreachable(model, str(error)) from error
    raise HubUnreachable(
        f"The repository {model.repo} has none of the files {', '.join(model.files)}. Download its weights "
        "by hand and pass their path."
    )


def offered(model: Published, file: str) -> bool:
    """Whether the hub has `file`, asked once: the hub library itself retries for half a minute offline."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError

    try:
        get_hf_file_metadata(hf_hub_url(model.repo, file), timeout=ANSWER_SECONDS)
    except EntryNotFoundError:
        return False
    except RepositoryNotFoundError as error:
        raise HubUnreachable(f"The model hub has no public repository {model.repo}. {_way_out(model)}") from error
    except Exception as error:  # as above
        raise _unreachable(model, str(error)) from error
    return True


def _unreachable(model: Published, reason: str) -> HubUnreachable:
    why = reason.strip().split("\n")[0][:200]
    return HubUnreachable(
        f"The weights of {model.name} are not in the cache, and the model hub does not answer ({why}). "
        + _way_out(model)
    )


def _way_out(model: Published) -> str:
    return (
        f"Use the encoder 'small' (--encoder small), or download {model.files[0]} of {model.repo} on another "
        "machine and pass its path, or point HF_HOME to a cache that has it."
    )


def check_published(model: Published, path: Path, digest: str) -> None:
    """Raise `CheckpointError` unless the file that carries a published name is the published one."""
    if model.sha256 is None:
        log.info("%s: no published hash is known for %s; only its keys are checked.", model.name, path.name)
    elif digest != model.sha256:
        raise CheckpointError(
            f"{path} is not the published {model.name}: found {path.stat().st_size} bytes with SHA-256 "
            f"{digest}, expected {model.size} bytes with SHA-256 {model.sha256}. Delete it and let it "
            "download again, or pass its path as encoder if it is a model of your own."
        )
