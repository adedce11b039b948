"""Vectors of queries: images and text are encoded in batches, panels are read from the index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.inputs import resize
from retrieval.encoder.protocol import Encoder, QueryInput, QueryVectors, RegionEncoder
from retrieval.records import View
from retrieval.search.batching import MicroBatcher
from retrieval.search.candidates import Retriever
from retrieval.search.query import ViewQuery


@dataclass(frozen=True, slots=True)
class EncodedQuery:
    """The vectors of one part of a query, and (512,) vectors of its negative text by view."""

    vectors: QueryVectors
    negative: dict[View, NDArray[np.float32]] = field(default_factory=dict)


class QueryEncoder:
    """Encoding of queries, many at once; concurrent callers share encoder passes."""

    def __init__(self, encoder: Callable[[], Encoder]) -> None:
        self._encoder = encoder
        self._batcher = MicroBatcher(self._encode_batch)

    def encode(self, queries: Sequence[Sequence[ViewQuery]], retriever: Retriever) -> list[list[EncodedQuery]]:
        """Return the vectors of each part of each query, in order; one encoder batch for each view."""
        parts = [part for query in queries for part in query]
        vectors, negative = self._query_vectors(parts, retriever), self._negative_vectors(parts)
        encoded = iter([EncodedQuery(*item) for item in zip(vectors, negative, strict=True)])
        return [list(islice(encoded, len(query))) for query in queries]

    def _query_vectors(self, parts: Sequence[ViewQuery], retriever: Retriever) -> list[QueryVectors]:
        vectors: dict[int, QueryVectors] = {}
        by_view: dict[View, list[tuple[int, QueryInput]]] = {}
        grey_images: dict[int, NDArray[np.uint8]] = {}
        for place, part in enumerate(parts):
            if part.query.panel is not None:
                vectors[place] = QueryVectors(retriever.stored_vector(part.query.panel, part.view)[None])
                continue
            with_grey = part.view is View.PICTURE and not part.query.query_text
            pixels, grey = (None, None) if part.query.image is None else _read_image(part.query.image, with_grey)
            by_view.setdefault(part.view, []).append((place, QueryInput(pixels, part.query.query_text or None)))
            if grey is not None:
                grey_images[place] = grey
        for view, items in by_view.items():
            encoded = self._submit([item for _, item in items], view, regions=retriever.vectors.regions > 0)
            vectors.update((place, vector) for (place, _), vector in zip(items, encoded, strict=True))
        vectors.update((place, replace(vectors[place], grey_image=grey)) for place, grey in grey_images.items())
        return [vectors[place] for place in range(len(parts))]

    def _negative_vectors(self, parts: Sequence[ViewQuery]) -> list[dict[View, NDArray[np.float32]]]:
        vectors: list[dict[View, NDArray[np.float32]]] = [{} for _ in parts]
        for view in View:
            places = [place for place, part in enumerate(parts) if view in part.query.negative_views]
            texts = [QueryInput(None, parts[place].query.negative) for place in places]
            encoded = self._batcher.submit((view, False), texts) if texts else ()
            for place, vector in zip(places, encoded, strict=True):
                vectors[place][view] = vector.vectors[0]
        return vectors

    def _submit(self, items: list[QueryInput], view: View, regions: bool) -> list[QueryVectors]:
        """Encode queries of one view; images alone give one vector for each region size where panels have regions."""
        with_regions = view is View.PICTURE and regions and not any(item.text for item in items)
        return list(self._batcher.submit((view, with_regions), items))

    def _encode_batch(self, batch_key: tuple[View, bool], items: Sequence[QueryInput]) -> list[QueryVectors]:
        view, with_regions = batch_key
        encoder = self._encoder()
        if with_regions:
            return cast(RegionEncoder, encoder).encode_query_regions(items)
        return [QueryVectors(vector[None]) for vector in encoder.encode_queries(items, view)]


def _read_image(image: Any, with_grey: bool) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Return a query image as the encoder reads it, and in grey for its keypoints. Raises `PictureError`."""
    # words need neither Pillow nor OpenCV
    from retrieval.images.decode import open_image
    from retrieval.images.keypoints import to_grey
    from retrieval.images.sources import image_source

    opened = open_image(image_source(image))
    return resize(opened), to_grey(np.asarray(opened)) if with_grey else None
