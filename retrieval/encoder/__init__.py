"""The comic panel encoder: pixels, text and geometry -> vectors of 512 numbers.

The three names below are imported at their first use: only `PanelFeatureExtractor` loads torch by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieval.encoder.checkpoints import load_encoder
    from retrieval.encoder.encoder import PanelEncoder
    from retrieval.encoder.network.model import PanelFeatureExtractor

__all__ = ["PanelEncoder", "PanelFeatureExtractor", "load_encoder"]

_MODULES = {"PanelEncoder": "encoder", "PanelFeatureExtractor": "network.model", "load_encoder": "checkpoints"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
