"""Precision: the number type that a network is computed in.

bfloat16 has 8 bits of precision, float32 has 24. Their vectors differ so little that they answer each other's indexes,
and they have one fingerprint. `auto` is bfloat16 where it is faster and near enough to float32, as measured once for
each file of weights and each processor. int8 is calibrated on panels and has a fingerprint of its own: see
`int8_calibration`.
"""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from retrieval.encoder.inputs import normalize
from retrieval.encoder.runtime.base import EncoderRuntime, Floats
from retrieval.errors import UsageError
from retrieval.user_cache import cache_folder, read_notes, write_notes

log = logging.getLogger("panelseek")

PRECISIONS = ("auto", "float32", "bfloat16", "int8")

NO_INT8, NO_INT8_HINT = "the encoder small has no int8: it is fast without", "leave out --precision"

LEAST_COSINE = 0.9999
"""Between the vectors of an image in bfloat16 and in float32, for `auto`."""

FILE = "precisions.json"
_CELLS = (4, 7, 14, 28)
"""Areas along one side of each drawn image."""

_ROUNDS, _SEED = 3, 19


def check_precision(precision: str) -> str:
    """Return the precision. Raises `UsageError` if there is none of this name."""
    if precision not in PRECISIONS:
        raise UsageError(f"unknown precision {precision!r}; expected one of {', '.join(PRECISIONS)}")
    return precision


def choose_runtime(
    make: Callable[[str], EncoderRuntime], precision: str, key: str, *, bfloat16: bool
) -> EncoderRuntime:
    """Return the runtime of a precision.

    make: makes the runtime of a precision. key: of the weights and the device, for the note of what was measured.
    bfloat16: whether the device computes in it; without, every runtime is that of float32.
    """
    if precision == "float32" or not bfloat16:
        if precision == "bfloat16":
            log.warning("This device does not compute in bfloat16. Using float32.")
        return make("float32")
    if precision == "bfloat16":
        return make("bfloat16")
    noted = read_notes(FILE).get(key)
    if noted in PRECISIONS[1:3]:
        return make(noted)
    chosen = _faster(make("float32"), make("bfloat16"))
    _note(key, chosen.precision)
    return chosen


def processor() -> str:
    """Return the name of the processor, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _faster(exact: EncoderRuntime, quick: EncoderRuntime) -> EncoderRuntime:
    """Return `quick` if its image vectors are near those of `exact` and come sooner. The rounds are in turn."""
    images = _images(exact.spec.image_size)
    found, expected = quick.unit(quick.image(images)), exact.unit(exact.image(images))
    cosine = float((found * expected).sum(axis=1).min())
    best: dict[str, float] = {}
    for _ in range(_ROUNDS):
        for runtime in (exact, quick):
            began = time.perf_counter()
            runtime.image(images)
            seconds = time.perf_counter() - began
            best[runtime.precision] = min(seconds, best.get(runtime.precision, seconds))
    ratio = best[quick.precision] / best[exact.precision]
    chosen = quick if cosine >= LEAST_COSINE and ratio < 1 else exact
    log.info("bfloat16 takes %.2f times as long as float32, cosine %.5f: using %s.", ratio, cosine, chosen.precision)
    return chosen


def _images(side: int) -> Floats:
    """Return drawn images, (4, 3, side, side): areas of one colour, edges, and fine lines."""
    rng = np.random.default_rng(_SEED)
    images = []
    for cells in _CELLS:
        blocks = rng.integers(0, 256, (cells, cells, 3)).repeat(side // cells, 0).repeat(side // cells, 1)
        lines = np.where(np.arange(side) % 9 == 0, -90, 0)[:, None, None]
        images.append(np.clip(blocks + lines, 0, 255).astype(np.uint8))
    return normalize(np.stack(images))


def _note(key: str, precision: str) -> None:
    try:
        write_notes(FILE, read_notes(FILE) | {key: precision})
    except OSError as error:
        log.warning("%s: the precision is not noted (%s)", cache_folder() / FILE, error.strerror or error)
