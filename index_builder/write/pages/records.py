"""The catalog record of a page that was read."""

from __future__ import annotations

from collections.abc import Iterable

from index_builder.decode.records import DecodedPage
from index_builder.plan.plan import PageJob
from retrieval.store.catalog.records import NewPage, NewPanel


def new_page(job: PageJob, page: DecodedPage, panels: Iterable[NewPanel]) -> NewPage:
    """Return the record of a page with its panels."""
    return NewPage(
        job.book_id,
        job.page.name,
        job.page.number,
        job.fingerprint,
        page.digest,
        page.width,
        page.height,
        tuple(panels),
        label=job.label,
        ocr_engine=page.ocr_engine,
    )
