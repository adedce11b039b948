"""Learning rate schedules."""

from __future__ import annotations

import math
from collections.abc import Sequence


def cosine_rate(highest: float, floor: float, epoch: int, epochs: int) -> float:
    """Return the learning rate of an epoch, counted from 0: half a cosine from `highest` down to `floor` of it.

    The closed form of SGDR without restarts (https://arxiv.org/abs/1608.03983, equation 5).
    """
    low = highest * floor
    return low + (highest - low) * (1 + math.cos(math.pi * epoch / epochs)) / 2


def cyclic_rate(highest: float, cycles: Sequence[tuple[int, float]], warm_up: int, step: int, steps: int) -> float:
    """Return the learning rate of a step, counted from 0: half a cosine to zero in each cycle.

    cycles: (length, share of `highest` at the start) of each; their lengths are stretched to `steps` steps in all.
    warm_up: length of the linear rise at the start of each cycle.
    """
    position = step * sum(length for length, _ in cycles) / steps
    for length, share in cycles:
        if position < length:
            rise = min((position + 1) / warm_up, 1.0) if warm_up else 1.0
            return highest * share * rise * 0.5 * (1 + math.cos(math.pi * position / length))
        position -= length
    return 0.0
