"""Images as programs have them: paths, bytes, open files, Pillow images, arrays, tensors and lists."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retrieval.errors import PictureError
from retrieval.images.decode import MAX_BYTES
from retrieval.values import path_argument

_TAKEN = "give a path, bytes, an open file, a PIL image, an array, a tensor, or nested lists of numbers"
_CHANNELS = (1, 3, 4)


def image_source(value: Any) -> bytes | Path | Image.Image | NDArray[Any]:
    """Return an image in a form that `open_image` takes. Raises `PictureError` for anything else.

    Arrays and tensors are (H, W), (H, W, C) or (C, H, W) with 1, 3 or 4 channels. Where both ends could be the
    channels, the last one is. Lists are arrays of whole numbers 0-255 or of floats 0-1. An open file is read from its
    beginning.
    """
    if isinstance(value, Image.Image):
        return value
    if isinstance(value, str | os.PathLike):
        return path_argument("the path of the image", value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, list | tuple):
        return _with_channels_last(_from_lists(value))
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return _with_channels_last(_from_tensor(value))
    if hasattr(value, "read"):
        return _from_file(value)
    raise PictureError(f"{type(value).__name__} is not an image", hint=_TAKEN)


def _from_lists(value: Any) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except ValueError:
        raise PictureError("the rows of the list differ in length", hint=_TAKEN) from None
    if array.dtype.kind in "iu" and array.size and array.min() >= 0 and array.max() <= 255:
        return array.astype(np.uint8)
    return array


def _from_tensor(value: Any) -> NDArray[Any]:
    """Return an array; a tensor is copied from its device, without its gradient."""
    try:
        if hasattr(value, "detach"):
            value = value.detach().cpu()
            value = value.float() if str(value.dtype) in ("torch.bfloat16", "torch.float16") else value
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise PictureError(f"{type(value).__name__} cannot be read as an array ({error})", hint=_TAKEN) from error


def _with_channels_last(array: NDArray[Any]) -> NDArray[Any]:
    """Return (H, W) or (H, W, C); other shapes stay, for `open_image` to name them."""
    if array.ndim != 3:
        return array
    if array.shape[2] not in _CHANNELS and array.shape[0] in _CHANNELS:
        array = array.transpose(1, 2, 0)
    return array[:, :, 0] if array.shape[2] == 1 else array


def _from_file(file: Any) -> bytes:
    try:
        if hasattr(file, "seek"):
            file.seek(0)
        data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: the file is closed
        raise PictureError(f"the file cannot be read ({error})") from error
    if not isinstance(data, bytes):
        raise PictureError("the file is open as text", hint="open it with mode 'rb'")
    return data
