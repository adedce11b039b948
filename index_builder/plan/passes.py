"""The two passes of a build that reads text later: pictures of all pages first, then their text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from index_builder.plan.plan import PageJob, Plan
from retrieval.store.catalog.catalog import Catalog


def count(jobs: Iterator[PageJob]) -> int:
    """Return the number of jobs."""
    return sum(1 for _ in jobs)


def picture_jobs(jobs: Iterator[PageJob]) -> Iterator[PageJob]:
    """Return the jobs of the first pass: all but those of pages whose content is known and only lacks its text."""
    return (job for job in jobs if not job.task.ocr_only)


def text_jobs(plan: Plan, catalog: Catalog) -> Iterator[PageJob]:
    """Return the jobs of the second pass: pages of the plan that the catalog has, and that need their text read."""
    for book_id, jobs in groupby(plan.read(), key=lambda job: job.book_id):
        pages = catalog.pages.previous_pages(book_id)
        for job in jobs:
            page = pages.get(job.page.name)
            if page is None or page.missing or not (job.task.ocr_only or page.ocr_engine is None):
                continue
            task = replace(job.task, previous_digest=page.digest, ocr_only=True)
            yield replace(job, previous=page, task=task, counted=not job.task.ocr_only)
