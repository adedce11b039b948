"""int8 in a build: a sample of its pages, the calibration on their panels, and what an index may be built in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index_builder.decode.executors import PageExecutor
from index_builder.decode.records import DecodedPage, DecodeSettings
from index_builder.plan.plan import PageJob, Plan
from retrieval.encoder.protocol import Encoder
from retrieval.encoder.runtime.int8_ranges import Int8Ranges, write_ranges
from retrieval.errors import UsageError
from retrieval.progress import ProgressCallback
from retrieval.store.settings import EncoderRecord

_MIX = 0x9E3779B1
"""Odd number near 2^32 divided by the golden ratio: its multiples are spread evenly."""

Decoder = Callable[[DecodeSettings], PageExecutor]
"""Makes the executor that decodes pages."""


def check_precision_of_index(chosen: str, record: EncoderRecord, folder: Path) -> None:
    """Raise `UsageError` if one of the chosen precision and that of the index is int8, and the other is not."""
    if chosen == "auto" or (chosen == "int8") == bool(record.int8):
        return
    problem = f"the index was built in {record.precision}, whose vectors are not compared with those of {chosen}"
    raise UsageError(problem, folder, "leave out --precision, or build into another --index")


def check_object(chosen: str, encoder: Encoder) -> None:
    """Raise `UsageError` if int8 is chosen for an encoder object that is not in int8."""
    if chosen == "int8" and getattr(encoder, "precision", "float32") != "int8":
        problem = f"int8 is calibrated for encoders by their name or path; found the encoder object {encoder.name}"
        raise UsageError(problem, hint="give the name of the encoder, or the path of its weights")


def check_can_calibrate(encoder: Encoder) -> None:
    """Raise `UsageError` for an encoder that cannot be computed in int8."""
    runtime: Any = getattr(encoder, "runtime", None)
    if not callable(getattr(runtime, "check_int8", None)):
        problem = "int8 is for published encoders by OpenVINO on a CPU"
        raise UsageError(problem, hint="use --device cpu, or --precision auto")
    runtime.check_int8()


def sample_images(plan: Plan, settings: DecodeSettings, executor: Decoder) -> NDArray[np.uint8]:
    """Return the images of panels of the pages that were found, (P, S, S, 3), as many as int8 is calibrated on."""
    from retrieval.encoder.runtime.int8_calibration import MOST_PANELS as most

    images: list[NDArray[np.uint8]] = []
    plain = replace(settings, ocr=None, thumbnails=False, known_hashes=None, text_only=False)
    tasks = (replace(job.task, previous_digest=None, ocr_only=False) for job in _spread(plan, most))
    with executor(plain) as running:
        for _, page in running.decode((None, task) for task in tasks):
            if isinstance(page, DecodedPage):
                images += [panel.input.image for panel in page.panels or ()]
            if len(images) >= most:
                break
    return np.stack(images[:most]) if images else np.zeros((0, 1, 1, 3), np.uint8)


def _spread(plan: Plan, most: int) -> list[PageJob]:
    """Return at most so many jobs from all over the plan; the first few are spread as well as all of them."""
    order = sorted(range(plan.jobs), key=lambda number: number * _MIX % 2**32)[:most]
    chosen = set(order)
    jobs = {number: job for number, job in enumerate(plan.read()) if number in chosen}
    return [jobs[number] for number in order]


def calibrated(encoder: Encoder, images: NDArray[np.uint8], progress: ProgressCallback) -> Int8Ranges:
    """Return ranges of int8 for an encoder in float32. Raises `CheckpointError`; see `int8_calibration.calibrate`."""
    from retrieval.encoder.runtime.int8_calibration import calibrate

    runtime: Any = getattr(encoder, "runtime", None)  # see `check_can_calibrate`
    return calibrate(runtime, runtime.normalized(images), progress).ranges


def keep_ranges(folder: Path, encoder: Encoder) -> None:
    """Write the ranges of an encoder in int8 into the folder of its index."""
    ranges = getattr(getattr(encoder, "runtime", None), "ranges", None)
    if isinstance(ranges, Int8Ranges):
        write_ranges(folder, ranges)
