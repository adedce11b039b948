"""Panels and queries -> unit vectors, through one runtime and its input settings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder import inputs
from retrieval.encoder.embeddings import concatenate, no_panels, norms
from retrieval.encoder.inputs import QUERY_ENCODINGS
from retrieval.encoder.passes import one_ahead, text_passes
from retrieval.encoder.protocol import PanelEmbeddings, PanelInput, QueryInput, QueryVectors, on_cpu
from retrieval.encoder.runtime.base import EncoderRuntime, Floats, Fusion
from retrieval.encoder.spec import EncoderSpec
from retrieval.encoder.weight_files import fingerprint, input_settings
from retrieval.errors import UsageError
from retrieval.progress import ProgressCallback, StageProgress, no_progress
from retrieval.records import View

if TYPE_CHECKING:
    from retrieval.encoder.network.model import PanelFeatureExtractor
    from retrieval.encoder.runtime.torch_runtime import TorchRuntime

TEXT_POOL = 256
"""Panels whose texts are sorted by length together, so that texts of one length are read in one pass."""


class PanelEncoder:
    """The `Encoder` of one checkpoint. Its attributes cannot be set again.

    name: a published name, `small`, or the stem of a weight file.
    fingerprint: SHA-256 over the weight files and `settings`; equal fingerprints mean equal vectors.
    settings: how inputs are prepared, and the SHA-256 of the ranges of int8; plain values, saved with an index.
    provisional: True for weights that are not trained yet.
    runtime: what executes the network.
    weights: the weight file that it was loaded from by its path; None for a name.

    Safe to share between threads: calls run one after the other.
    """

    name: str
    fingerprint: str
    settings: dict[str, Any]
    provisional: bool
    runtime: EncoderRuntime
    weights: Path | None
    _basis: Callable[[], Floats | None]
    _lock: threading.Lock

    def __init__(
        self,
        runtime: EncoderRuntime,
        name: str,
        digests: Sequence[str],
        profile: str,
        provisional: bool = False,
        weights: Path | None = None,
        basis: Callable[[], Floats | None] = lambda: None,
    ) -> None:
        """Wrap a runtime. digests: SHA-256 of each weight file. basis: reads the basis of the region vectors.

        profile: how geometry becomes numbers, one of `inputs.PROFILES`.
        """
        settings = input_settings(runtime.spec, profile, provisional)
        ranges = getattr(runtime, "ranges", None)
        if ranges is not None:
            settings["int8"] = ranges.sha256
        self.__dict__.update(
            runtime=runtime,
            name=name,
            settings=settings,
            provisional=provisional,
            fingerprint=fingerprint(digests, settings),
            weights=weights,
            _basis=basis,
            _lock=threading.Lock(),
        )

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name!r} of an encoder cannot be changed; load another one.")

    def __repr__(self) -> str:
        return f"PanelEncoder({self.name!r}, {self.fingerprint[:12]}, {self.device})"

    @property
    def spec(self) -> EncoderSpec:
        """Return the sizes of the encoder."""
        return self.runtime.spec

    @property
    def device(self) -> Any:
        """Return the device that the network runs on."""
        return self.runtime.device

    @property
    def precision(self) -> str:
        """Return the number type of the network: float32, bfloat16 or int8. Vectors are float32."""
        return self.runtime.precision

    @property
    def model(self) -> PanelFeatureExtractor:
        """Return the network as a torch module, in eval mode. Raises `AttributeError` if the runtime has none."""
        return cast("TorchRuntime", self.runtime).model

    @property
    def constant_gate(self) -> bool:
        """Return True if the gate weights are fixed: they depend only on which branches are present.

        `small` has such a gate, set by hand. The published encoder computes its gate from each panel.
        """
        return self.runtime.constant_gate

    @property
    def region_basis(self) -> Floats | None:
        """Return the (K, 512) basis on which region vectors are stored; None without one."""
        return self._basis() if self.spec.regions else None

    # ------------------------------------------------------------------ panels

    def encode(
        self, panels: Sequence[PanelInput], *, batch_size: int = 32, progress: ProgressCallback = no_progress
    ) -> PanelEmbeddings:
        """Return all three views of P panels, computed in one pass; see `PanelEmbeddings`.

        picture = image branch, dialogue = text branch, fused = the embedding, each as unit rows. The dialogue row is
        zeros if the tokenizer cannot read the text. Region vectors are included if the encoder has them. The batch size
        changes speed and memory, not the result (to 1e-5).
        `progress` is called after each batch, with stage "encode" and unit "panels".
        """
        if batch_size < 1:
            raise UsageError(f"batch_size is {batch_size}; expected at least 1")
        report = StageProgress(progress, "encode", "panels", len(panels))
        text_vectors: dict[str, Floats] = {}
        encoded = [no_panels(self.spec)]
        batches = [panels[start : start + batch_size] for start in range(0, len(panels), batch_size)]
        pool = max(1, TEXT_POOL // batch_size)
        for number, images in enumerate(self._images_of(batches)):
            if number % pool == 0:
                with self._lock:
                    texts = [panel.text for batch in batches[number : number + pool] for panel in batch]
                    self._add_text_vectors(texts, text_vectors)
            encoded.append(self._encode_batch(batches[number], images, text_vectors))
            report(min((number + 1) * batch_size, len(panels)))
        return concatenate(encoded)

    def _images_of(self, batches: Sequence[Sequence[PanelInput]]) -> Iterator[Any]:
        """Return the normalised images of each batch; for a GPU, those of the next batch are prepared meanwhile."""
        images = ([panel.image for panel in batch] for batch in batches)
        return map(self._normalized, images) if on_cpu(self) else one_ahead(self._normalized, images)

    def _encode_batch(
        self, panels: Sequence[PanelInput], images: Any, text_vectors: dict[str, Floats]
    ) -> PanelEmbeddings:
        geometry = np.stack([self._composition(panel) for panel in panels])
        mask = np.stack([inputs.modality_mask(panel.text) for panel in panels])
        unit = self.runtime.unit
        with self._lock:
            text = self._text_vectors([panel.text for panel in panels], text_vectors)
            vectors = self.runtime.image_regions(images)
            image, regions = vectors[:, 0], vectors[:, 1:]
            fused, gate = self.runtime.fuse(image, text, geometry, mask)
            dialogue = np.where(self.unreadable([panel.text for panel in panels])[:, None], 0, unit(text))
            unit_regions = unit(regions) if self.spec.regions else None
            return PanelEmbeddings(unit(image), dialogue, unit(fused), gate, unit_regions, norms(image))

    def encode_texts(self, panels: Sequence[PanelInput], image_vectors: Floats) -> PanelEmbeddings:
        """Return the views of P panels with known image vectors, (P, D) float32; region vectors are not included.

        image_vectors: not scaled to 1, as the image branch gives them; `PanelEmbeddings.picture_norms` has the lengths.
        """
        if not panels:
            return no_panels(self.spec)
        texts = [panel.text for panel in panels]
        geometry = np.stack([self._composition(panel) for panel in panels])
        mask = np.stack([inputs.modality_mask(text) for text in texts])
        unit = self.runtime.unit
        with self._lock:
            text = self._text_vectors(texts, {})
            fused, gate = self.runtime.fuse(image_vectors, text, geometry, mask)
            dialogue = np.where(self.unreadable(texts)[:, None], 0, unit(text))
            return PanelEmbeddings(unit(image_vectors), dialogue, unit(fused), gate, picture_norms=norms(image_vectors))

    def _composition(self, panel: PanelInput) -> Floats:
        return inputs.composition(
            panel.box, panel.page_width, panel.page_height, panel.number, self.settings["profile"]
        )

    def _text_vectors(self, texts: Sequence[str], cached: dict[str, Floats]) -> Floats:
        """Return the text vectors, (P, D). Each distinct text is encoded once and added to `cached`."""
        self._add_text_vectors(texts, cached)
        return np.stack([cached[text] for text in texts])

    def _add_text_vectors(self, texts: Sequence[str], cached: dict[str, Floats]) -> None:
        """Encode each distinct text that is not in `cached`, and add its vector."""
        new = sorted({text for text in texts if text not in cached})
        rows = sorted(zip(inputs.token_ids(new), new, strict=True), key=lambda row: len(row[0]))
        for own in text_passes([len(ids) for ids, _ in rows], on_cpu=on_cpu(self)):
            vectors = self.runtime.text(*inputs.pad([ids for ids, _ in rows[own]]))
            cached.update(zip((text for _, text in rows[own]), vectors, strict=True))

    def unreadable(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return (P,) True for each text of which the tokenizer knows no word; see `inputs.unreadable`."""
        return inputs.unreadable(texts)

    # ----------------------------------------------------------------- queries

    def encode_queries(self, queries: Sequence[QueryInput], view: View) -> Floats:
        """Return unit rows, (Q, D), to compare with the stored vectors of `view`.

        An image alone is encoded by the image branch and text alone by the text branch, for `picture` and
        `dialogue` alike. Image and text together go through the fusion, and so does every query for `fused`.
        Text that the tokenizer cannot read counts as absent; such text alone gives a row of zeros.
        Raises `UsageError` for an empty query or an unknown view.
        """
        view = _checked_view(view)
        vectors = np.zeros((len(queries), self.spec.dimension), dtype=np.float32)
        rows_of: dict[str, list[int]] = {}
        unread = self.unreadable([query.text or "" for query in queries])
        for row, query in enumerate(queries):
            rows_of.setdefault(inputs.query_type(query, view, bool(unread[row])), []).append(row)
        rows_of.pop(inputs.UNREADABLE, None)
        for query_type, rows in rows_of.items():
            vectors[rows] = self._encode_query_type(query_type, [queries[row] for row in rows])
        return vectors

    def _encode_query_type(self, query_type: str, queries: Sequence[QueryInput]) -> Floats:
        with self._lock:
            if query_type == "image":
                return self.runtime.unit(self._image_vectors(queries))
            if query_type == "text":
                return self.runtime.unit(self._text_vectors([query.text or "" for query in queries], {}))
            return self.runtime.unit(self._fuse(query_type, queries).fused)

    def encode_query_regions(self, queries: Sequence[QueryInput]) -> list[QueryVectors]:
        """Return the vectors of each query image, read as a whole panel and as each size of region."""
        images = self._normalized([query.image for query in queries])
        with self._lock:
            sizes = [self.runtime.unit(vectors) for vectors in self.runtime.query_regions(images)]
        return [
            QueryVectors(np.stack([size[row, 0] for size in sizes]), tuple(size[row, 1:] for size in sizes))
            for row in range(len(queries))
        ]

    def fuse_queries(self, queries: Sequence[QueryInput], encoding: str) -> Floats:
        """Return unit rows, (Q, D), from the fusion under an encoding named in `inputs.QUERY_ENCODINGS`.

        Reproduces the query vectors of the published model card and search servers, which the golden tests compare.
        A search uses `encode_queries`.
        """
        if encoding not in QUERY_ENCODINGS:
            names = ", ".join(QUERY_ENCODINGS)
            raise UsageError(f"unknown query encoding {encoding!r}; expected one of {names}")
        with self._lock:
            return self.runtime.unit(self._fuse(encoding, queries).fused)

    def _fuse(self, encoding: str, queries: Sequence[QueryInput]) -> Fusion:
        """Fuse Q queries; a filler replaces each branch that the encoding masks."""
        chosen = QUERY_ENCODINGS[encoding]
        has_image, has_text, _ = chosen.mask
        count = len(queries)
        image = self._image_vectors(queries) if has_image else self._zero_image_vectors(count)
        text = self._text_vectors([(query.text or "") if has_text else "" for query in queries], {})
        geometry = np.array([chosen.features] * count, dtype=np.float32)
        mask = np.array([chosen.mask] * count, dtype=np.float32)
        return self.runtime.fuse(image, text, geometry, mask)

    def _image_vectors(self, queries: Sequence[QueryInput]) -> Floats:
        return self.runtime.image(self._normalized([query.image for query in queries]))

    def _zero_image_vectors(self, count: int) -> Floats:
        """Return the image vector of an all-zero normalised image, `count` times."""
        size = self.spec.image_size
        vector = self.runtime.image(np.zeros((1, 3, size, size), dtype=np.float32))
        return np.repeat(vector, count, axis=0)

    def _normalized(self, images: Sequence[np.ndarray | None]) -> Any:
        """Check P images, (S, S, 3) uint8 each, and return them normalised, as the runtime takes them."""
        expected = (self.spec.image_size, self.spec.image_size, 3)
        for image in images:
            if image is None or image.shape != expected or image.dtype != np.uint8:
                actual = "missing" if image is None else f"{image.shape} {image.dtype}"
                raise UsageError(
                    f"an image is {actual}; expected {expected} uint8", hint="Prepare it with inputs.resize"
                )
        return self.runtime.normalized(np.stack([image for image in images if image is not None]))


def _checked_view(view: View | str) -> View:
    try:
        return View(view)
    except ValueError as error:
        raise UsageError(f"unknown view {str(view)!r}; expected one of {', '.join(View)}") from error
