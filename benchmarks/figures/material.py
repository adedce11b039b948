"""Material of several benchmarks: weights of v1's shape, and an index of the sample comics."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .programs import ROOT


def sample_index(folder: Path) -> Path:
    """Build an index of the sample comics with `small`."""
    index = folder / "sample.index"
    command = [sys.executable, "-m", "ui.cli", "build", str(ROOT / "sample_data" / "comics"), "--index", str(index)]
    options = ["--encoder", "small", "--no-ocr", "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([*command, *options], env=environment, check=True, stdout=subprocess.DEVNULL)
    return index


def random_weights(path: Path) -> Path:
    """Write random weights of v1's shape, always the same, and return their path."""
    import torch

    from retrieval.encoder import PanelFeatureExtractor

    path.parent.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    torch.save(PanelFeatureExtractor().state_dict(), path)
    return path
