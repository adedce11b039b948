"""Panels and queries -> unit vectors, through one model and its input settings."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from retrieval.encoder import inputs
from retrieval.encoder.inputs import QUERY_ENCODINGS
from retrieval.encoder.network.model import PanelFeatureExtractor
from retrieval.encoder.network.small import PARTS, SmallBackbone
from retrieval.encoder.protocol import DIMENSION, PICTURE_SIDE, PanelEmbeddings, PanelInput, QueryInput, QueryVectors
from retrieval.errors import UsageError
from retrieval.records import View

Floats = NDArray[np.float32]

PICTURE = (PICTURE_SIDE, PICTURE_SIDE, 3)

TEXT_ROWS = 32
"""Texts of one pass, taken in order of length so that short ones are not padded to the longest."""


class PanelEncoder:
    """The `Encoder` that builds and asks an index. Its attributes cannot be set again.

    name         what it is called: a published name, `small`, or the stem of a weight file
    fingerprint  SHA-256 over the weight files and `settings`: two encoders of one fingerprint agree
    settings     how inputs are prepared; plain values, to be saved with an index
    provisional  True for weights that wait for their training
    model        the `PanelFeatureExtractor`, in eval mode
    device       where it runs

    Calls from several threads take turns.
    """

    name: str
    fingerprint: str
    settings: dict[str, Any]
    provisional: bool
    model: PanelFeatureExtractor
    device: torch.device
    _lock: threading.Lock

    def __init__(
        self,
        model: PanelFeatureExtractor,
        name: str,
        digests: Sequence[str],
        profile: str,
        device: torch.device,
        provisional: bool = False,
    ) -> None:
        settings = {
            "profile": profile,
            "max_tokens": inputs.MAX_TOKENS,
            "side": PICTURE_SIDE,
            "resample": "bilinear",
            "mean": list(inputs.MEAN),
            "std": list(inputs.STD),
            "provisional": provisional,
        }
        if isinstance(model.vision, SmallBackbone):
            settings["regions"] = PARTS - 1
        self.__dict__.update(
            model=model.eval(),
            name=name,
            settings=settings,
            provisional=provisional,
            fingerprint=_fingerprint(digests, settings),
            device=device,
            _lock=threading.Lock(),
        )

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name!r} of an encoder cannot be changed; load another one.")

    def __repr__(self) -> str:
        return f"PanelEncoder({self.name!r}, {self.fingerprint[:12]}, {self.device})"

    # ------------------------------------------------------------------ panels

    def encode(
        self,
        panels: Sequence[PanelInput],
        *,
        batch_size: int = 32,
        progress: Callable[[int, int], None] | None = None,
    ) -> PanelEmbeddings:
        """All three views of P panels from one pass each; see `PanelEmbeddings`.

        picture = vision branch, dialogue = text branch, fused = the embedding, each made a unit row.
        Where the picture branch has vectors for the parts of a panel, they come along.
        The batch size changes speed and memory, not the result (to 1e-5).
        """
        if batch_size < 1:
            raise UsageError(f"batch_size is {batch_size}; expected at least 1.")
        known: dict[str, Tensor] = {}
        parts = [_Rows.empty(self.regions)]
        for start in range(0, len(panels), batch_size):
            parts.append(self._encode_batch(panels[start : start + batch_size], known))
            if progress:
                progress(min(start + batch_size, len(panels)), len(panels))
        found = _Rows(*(np.concatenate(column) for column in zip(*parts, strict=True)))
        return PanelEmbeddings(*found[:-1], regions=found.parts if self.regions else None)

    @property
    def regions(self) -> int:
        """How many vectors a panel has beside the one of its whole picture."""
        return int(self.settings.get("regions", 0))

    def _encode_batch(self, panels: Sequence[PanelInput], known: dict[str, Tensor]) -> _Rows:
        pictures = _stack([panel.image for panel in panels])
        geometry = np.stack([self._composition(panel) for panel in panels])
        mask = np.stack([inputs.modality_mask(panel.text) for panel in panels])
        with self._lock, torch.inference_mode():
            text = self._text_vectors([panel.text for panel in panels], known)
            seen = self._seen(inputs.to_tensor(pictures).to(self.device))
            made = self.model.combine(seen[:, 0], text, self._tensor(geometry), self._tensor(mask))
            vectors = (_unit(made.vision), _unit(made.text), _unit(made.fused))
            return _Rows(*vectors, _numpy(made.gate), _unit(seen[:, 1:]))

    def _seen(self, images: Tensor) -> Tensor:
        """(P, 1 + parts, 512): the vision branch of the whole, and of its parts where it has them."""
        branch = self.model.vision
        seen: Tensor = branch.parts(images) if isinstance(branch, SmallBackbone) else branch(images)[:, None]
        return seen

    def _composition(self, panel: PanelInput) -> Floats:
        return inputs.composition(
            panel.box, panel.page_width, panel.page_height, panel.number, self.settings["profile"]
        )

    def _text_vectors(self, texts: Sequence[str], known: dict[str, Tensor]) -> Tensor:
        """(P, 512) on the device, each different text encoded once; `known` remembers them."""
        new = sorted({text for text in texts if text not in known})
        rows = sorted(zip(inputs.token_ids(new), new, strict=True), key=lambda row: len(row[0]))
        for start in range(0, len(rows), TEXT_ROWS):
            some = rows[start : start + TEXT_ROWS]
            ids, mask = inputs.pad([ids for ids, _ in some])
            vectors = self.model.encode_text_only(self._tensor(ids), self._tensor(mask))
            known.update(zip((text for _, text in some), vectors, strict=True))
        return torch.stack([known[text] for text in texts])

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self.device)

    # ----------------------------------------------------------------- queries

    def encode_queries(self, queries: Sequence[QueryInput], view: View) -> Floats:
        """(Q, 512) unit rows to compare with the stored vectors of `view`.

        A picture alone is its vision vector and words alone are their text vector, whichever of
        `picture` and `dialogue` they are compared with. Both together, and anything compared with
        `fused`, go through the fusion. Raises `UsageError` for an empty query or an unknown view.
        """
        try:
            view = View(view)
        except ValueError as error:
            raise UsageError(f"The view is {view!r}; expected one of {', '.join(View)}.") from error
        out = np.zeros((len(queries), DIMENSION), dtype=np.float32)
        groups: dict[str, list[int]] = {}
        for i, query in enumerate(queries):
            groups.setdefault(_query_kind(query, view), []).append(i)
        for kind, rows in groups.items():
            out[rows] = self._encode_kind(kind, [queries[i] for i in rows])
        return out

    def _encode_kind(self, kind: str, queries: Sequence[QueryInput]) -> Floats:
        with self._lock, torch.inference_mode():
            if kind == "picture":
                return _unit(self._vision_vectors(queries))
            if kind == "words":
                return _unit(self._text_vectors([query.text or "" for query in queries], {}))
            return _unit(self._fused(kind, queries))

    def encode_query_regions(self, queries: Sequence[QueryInput]) -> list[QueryVectors]:
        """Each query's picture as a whole panel and as each size of part, with windows of it at each size."""
        with self._lock, torch.inference_mode():
            images = inputs.to_tensor(_stack([query.image for query in queries])).to(self.device)
            branch = self.model.vision
            seen = branch.query_parts(images) if isinstance(branch, SmallBackbone) else [branch(images)[:, None]]
            sizes = [_unit(size) for size in seen]
        return [
            QueryVectors(np.stack([size[i, 0] for size in sizes]), tuple(size[i, 1:] for size in sizes))
            for i in range(len(queries))
        ]

    def fuse_queries(self, queries: Sequence[QueryInput], encoding: str) -> Floats:
        """(Q, 512) unit rows through the fusion under a named encoding of `inputs.QUERY_ENCODINGS`."""
        if encoding not in QUERY_ENCODINGS:
            names = ", ".join(QUERY_ENCODINGS)
            raise UsageError(f"The query encoding is {encoding!r}; expected one of {names}.")
        with self._lock, torch.inference_mode():
            return _unit(self._fused(encoding, queries))

    def _fused(self, encoding: str, queries: Sequence[QueryInput]) -> Tensor:
        """(Q, 512) embeddings; what the encoding's mask leaves out is replaced by its filler."""
        chosen = QUERY_ENCODINGS[encoding]
        sees, reads, _ = chosen.mask
        count = len(queries)
        vision = self._vision_vectors(queries) if sees else self._no_picture(count)
        text = self._text_vectors([(query.text or "") if reads else "" for query in queries], {})
        geometry = torch.tensor([chosen.features], device=self.device).expand(count, -1)
        mask = torch.tensor([chosen.mask], device=self.device).expand(count, -1)
        return self.model.combine(vision, text, geometry, mask).fused

    def _vision_vectors(self, queries: Sequence[QueryInput]) -> Tensor:
        pictures = _stack([query.image for query in queries])
        return self.model.encode_image_only(inputs.to_tensor(pictures).to(self.device))

    def _no_picture(self, count: int) -> Tensor:
        """(count, 512): the vision branch of a picture of zeros, computed once."""
        zeros = torch.zeros(1, 3, PICTURE_SIDE, PICTURE_SIDE, device=self.device)
        return self.model.encode_image_only(zeros).expand(count, -1)


class _Rows(NamedTuple):
    """One batch of `PanelEmbeddings`."""

    picture: Floats
    dialogue: Floats
    fused: Floats
    gate: Floats
    parts: Floats

    @classmethod
    def empty(cls, parts: int) -> _Rows:
        shapes = ((DIMENSION,), (DIMENSION,), (DIMENSION,), (3,), (parts, DIMENSION))
        return cls(*(np.zeros((0, *shape), dtype=np.float32) for shape in shapes))


def _query_kind(query: QueryInput, view: View) -> str:
    """`picture`, `words`, or the name of a query encoding."""
    sees, reads = query.image is not None, bool(query.text and query.text.strip())
    if not sees and not reads:
        raise UsageError("The query is empty; give a picture, words, or both.")
    if sees and reads:
        return "multimodal"
    if view is View.FUSED:
        return "image_only" if sees else "text_only"
    return "picture" if sees else "words"


def _stack(pictures: Sequence[NDArray[np.uint8] | None]) -> NDArray[np.uint8]:
    """P pictures -> (P, 224, 224, 3) uint8."""
    for picture in pictures:
        found = "nothing" if picture is None else f"{picture.shape} {picture.dtype}"
        if picture is None or picture.shape != PICTURE or picture.dtype != np.uint8:
            raise UsageError(f"A picture is {found}; expected {PICTURE} uint8, as inputs.resize makes it.")
    return np.stack([picture for picture in pictures if picture is not None])


def _unit(vectors: Tensor) -> Floats:
    """Rows scaled to length 1; rows of zeros stay zero."""
    return _numpy(normalize(vectors.float(), dim=-1, eps=1e-12))


def _numpy(tensor: Tensor) -> Floats:
    array: Floats = tensor.float().cpu().numpy()
    return array


def _fingerprint(digests: Sequence[str], settings: dict[str, Any]) -> str:
    text = json.dumps({"weights": list(digests), "settings": settings}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
