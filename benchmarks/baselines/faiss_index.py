"""Plain FAISS: one index in memory, with the training and the vectors of Panelseek's index."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from retrieval.store.ann.base import IndexFiles


def one_index(files: IndexFiles) -> Any:
    """Return a plain FAISS index in memory, of all vectors of a view and with the same training."""
    whole = faiss.read_index(str(files.trained))
    for path in files.parts():
        part = faiss.read_index(str(path))
        whole.ntotal += part.ntotal
        whole.invlists.merge_from(part.invlists, 0)
    return whole


class PlainFaiss:
    """One index, searched with the settings of Panelseek's."""

    name = "plain FAISS"

    def __init__(self, files: IndexFiles, nprobe: int) -> None:
        self.index = one_index(files)
        self.bytes = sum(path.stat().st_size for path in [files.trained, *files.parts()])
        self._parameters: Any = faiss.SearchParametersIVF()
        self._parameters.nprobe = nprobe

    def candidates(self, query: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        """Return the panels of the `count` nearest vectors by PQ codes, those of a panel several times."""
        ids: NDArray[np.int64] = self.index.search(query[None], count, params=self._parameters)[1][0]
        return ids[ids >= 0]

    def search(self, query: NDArray[np.float32], count: int) -> list[int]:
        """Return the `count` nearest by PQ codes."""
        return [int(i) for i in self.candidates(query, count)]
