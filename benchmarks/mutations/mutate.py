"""Mutations of a file, as disks, networks and programs make them: each takes bytes and dice, and returns bytes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

Mutation = Callable[[bytearray, random.Random], bytes]

_LENGTHS = (0, 1, 7, 0x7F, 0xFF, 0x100, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)
_DIGITS = re.compile(rb"\d+")


def flip_bits(data: bytearray, dice: random.Random) -> bytes:
    """Flip one to eight bits."""
    for _ in range(dice.randint(1, 8)):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(data)


def truncate(data: bytearray, dice: random.Random) -> bytes:
    """Cut off the end."""
    return bytes(data[: dice.randrange(len(data))])


def splice(data: bytearray, dice: random.Random) -> bytes:
    """Write one block of the file over another."""
    start, end = _block(data, dice)
    place = dice.randrange(len(data))
    block = data[start:end]
    data[place : place + len(block)] = block
    return bytes(data)


def zero(data: bytearray, dice: random.Random) -> bytes:
    """Write zeros over a block, as after a crash of the file system."""
    start, end = _block(data, dice)
    data[start:end] = bytes(end - start)
    return bytes(data)


def double(data: bytearray, dice: random.Random) -> bytes:
    """Write a block twice."""
    start, end = _block(data, dice)
    return bytes(data[:end] + data[start:])


def drop(data: bytearray, dice: random.Random) -> bytes:
    """Leave out a block."""
    start, end = _block(data, dice)
    return bytes(data[:start] + data[end:])


def change_length(data: bytearray, dice: random.Random) -> bytes:
    """Overwrite a place, which may be a length, with another number; or change a number that is text."""
    numbers = list(_DIGITS.finditer(data)) if dice.random() < 0.3 else []
    if numbers:
        found = dice.choice(numbers)
        text = str(dice.choice([*_LENGTHS, len(data), dice.randrange(100)])).encode()
        data[found.start() : found.end()] = text
        return bytes(data)
    size = dice.choice((1, 2, 4, 8))
    place = dice.randrange(len(data))
    value = dice.choice([*_LENGTHS, len(data), dice.randrange(len(data))]) % 2 ** (8 * size)
    data[place : place + size] = value.to_bytes(size, dice.choice(("little", "big")))
    return bytes(data)


def _block(data: bytearray, dice: random.Random) -> tuple[int, int]:
    """Return (start, end) of a block of any length; half of them are sectors of a disk."""
    if dice.random() < 0.5 and len(data) > 1024:
        start = dice.randrange(len(data) // 512) * 512
        return start, min(len(data), start + 512 * dice.choice((1, 1, 2, 8)))
    start = dice.randrange(len(data))
    return start, min(len(data), start + 1 + int(dice.random() ** 3 * len(data)))


MUTATIONS: dict[str, Mutation] = {
    "flipped bits": flip_bits,
    "cut off": truncate,
    "spliced block": splice,
    "zeroed block": zero,
    "doubled block": double,
    "dropped block": drop,
    "changed length": change_length,
}


def mutate(data: bytes, dice: random.Random) -> tuple[str, bytes]:
    """Return the name of a mutation and the mutated bytes."""
    name = dice.choice(list(MUTATIONS))
    return name, MUTATIONS[name](bytearray(data), dice)
