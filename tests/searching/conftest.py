"""Fixtures of the tests of searching."""

from __future__ import annotations

from collections.abc import Iterator

import faiss
import pytest


@pytest.fixture(scope="session", autouse=True)
def one_faiss_thread() -> Iterator[None]:
    """Training tiny indexes is quicker without threads that wait for each other."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(before)
