"""The comic panel encoder as a torch module with the published key names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from retrieval.encoder.network.composition import CompositionBranch
from retrieval.encoder.network.fusion import AdaptiveFusion
from retrieval.encoder.network.text import MAX_POSITIONS, TextBranch
from retrieval.encoder.network.vision import build_vision
from retrieval.encoder.spec import DIMENSION, FEATURES, IMAGE_SIZE, MODALITIES
from retrieval.errors import UsageError

BACKBONES = ("both", "siglip", "resnet", "small")
FUSIONS = ("attention", "gate")
IMAGE_SHAPE = (3, IMAGE_SIZE, IMAGE_SIZE)


class Branches(NamedTuple):
    """Result of one pass, not normalised: four vectors, (P, dim) each, and `gate` (P, 3)."""

    vision: Tensor
    text: Tensor
    comp: Tensor
    fused: Tensor
    gate: Tensor


class PanelFeatureExtractor(nn.Module):
    """Pixels, text and geometry of panels -> embeddings.

    A batch is a dict of flat tensors over P panels:

    ==================  ===================  ===========================================
    images              (P, 3, 224, 224)     float32, see `inputs.normalize`
    input_ids           (P, L), L <= 512     int64
    attention_mask      (P, L)               int64, 1 = token
    comp_feats          (P, 7)               float32, see `inputs.composition`
    modality_mask       (P, 3), optional     vision, text, composition; 1 or True = present
    ==================  ===================  ===========================================

    or of the same tensors with a page dimension in front, (B, N, ...).
    Raises `UsageError` for unknown settings and for tensors of other shapes.
    """

    def __init__(
        self,
        visual_backbone: str = "both",
        visual_fusion: str = "attention",
        feature_dim: int = DIMENSION,
        freeze_backbones: bool = True,
        use_modality_indicators: bool = True,
    ) -> None:
        super().__init__()
        _check_settings(visual_backbone, visual_fusion, feature_dim)
        self.vision = build_vision(visual_backbone, visual_fusion, feature_dim, freeze_backbones)
        self.text = TextBranch(feature_dim, frozen=freeze_backbones)
        self.comp = CompositionBranch(feature_dim)
        self.fusion = AdaptiveFusion(feature_dim, use_modality_indicators)

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return the embeddings, not normalised: (P, dim) of a flat batch, (B, N, dim) of pages.

        Pages with a single panel give (B, dim), the shape that the published model card prints.
        """
        fused = self.branches(batch).fused
        lead = _get(batch, "images").shape[:-3]
        return fused.reshape(*lead, -1) if len(lead) == 2 and lead[1] != 1 else fused

    def branches(self, batch: Mapping[str, Tensor]) -> Branches:
        """Return all branches, the embedding and the gate from one pass; pages are flattened to panels."""
        flat = _flatten(batch)
        vision: Tensor = self.vision(flat["images"])
        text: Tensor = self.text(flat["input_ids"], flat["attention_mask"])
        return self.combine(vision, text, flat["comp_feats"], flat.get("modality_mask"))

    def combine(self, vision: Tensor, text: Tensor, comp_feats: Tensor, mask: Tensor | None) -> Branches:
        """Return the same as `branches` from vision and text vectors, (P, dim) each. Mask None: all present."""
        comp: Tensor = self.comp(comp_feats)
        if mask is None:
            mask = torch.ones(len(vision), MODALITIES, device=vision.device)
        fused = self.fusion.fuse(vision, text, comp, mask.to(vision.dtype))
        return Branches(vision, text, comp, fused.embedding, fused.gate)

    def encode_image_only(self, images: Tensor) -> Tensor:
        """Return the vision vectors, (..., dim), before the fusion's norm, of images (..., 3, 224, 224)."""
        lead = images.shape[:-3]
        _check("images", images, lead, IMAGE_SHAPE)
        vectors: Tensor = self.vision(images.flatten(0, -4))
        return vectors.reshape(*lead, -1)

    def encode_text_only(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the text vectors, (..., dim), before the fusion's norm, of ids and mask (..., L)."""
        lead = input_ids.shape[:-1]
        _check_tokens(input_ids, attention_mask, lead)
        vectors: Tensor = self.text(input_ids.flatten(0, -2), attention_mask.flatten(0, -2))
        return vectors.reshape(*lead, -1)


def _check_settings(backbone: str, fusion: str, dim: int) -> None:
    if backbone not in BACKBONES:
        raise UsageError(f"visual_backbone is {backbone!r}; expected one of {', '.join(BACKBONES)}")
    if fusion == "concat":
        raise UsageError(
            "visual_fusion 'concat' is not supported: it makes the vision branch twice as wide as the fusion "
            "with text and composition accepts",
            hint=f"Use one of {', '.join(FUSIONS)}",
        )
    if fusion not in FUSIONS:
        raise UsageError(f"visual_fusion is {fusion!r}; expected one of {', '.join(FUSIONS)}")
    if dim < 1:
        raise UsageError(f"feature_dim is {dim}; expected a positive number (the published model has 512)")


def _get(batch: Mapping[str, Tensor], key: str) -> Tensor:
    if key not in batch:
        raise UsageError(
            f"the batch has no {key!r}; expected images, input_ids, attention_mask, comp_feats and optionally "
            "modality_mask"
        )
    return batch[key]


def _flatten(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Check every tensor of `batch` and remove its page dimension, if it has one."""
    images = _get(batch, "images")
    lead = images.shape[:-3]
    if len(lead) not in (1, 2):
        raise UsageError(f"images has shape {_show(images.shape)}; expected (P, 3, 224, 224) or (B, N, 3, 224, 224)")
    _check("images", images, lead, IMAGE_SHAPE)
    ids, attention = _get(batch, "input_ids"), _get(batch, "attention_mask")
    _check_tokens(ids, attention, lead)
    flat = {"images": images, "input_ids": ids, "attention_mask": attention}
    flat["comp_feats"] = _check("comp_feats", _get(batch, "comp_feats"), lead, (FEATURES,))
    if batch.get("modality_mask") is not None:
        flat["modality_mask"] = _check("modality_mask", batch["modality_mask"], lead, (MODALITIES,))
    return {key: tensor.flatten(0, len(lead) - 1) for key, tensor in flat.items()}


def _check(name: str, tensor: Tensor, lead: tuple[int, ...], tail: tuple[int, ...]) -> Tensor:
    expected = (*lead, *tail)
    if tuple(tensor.shape) != expected or not lead:
        shown = _show(expected) if lead else _show(("P", *tail))
        raise UsageError(f"{name} has shape {_show(tensor.shape)}; expected {shown}")
    return tensor


def _check_tokens(ids: Tensor, attention: Tensor, lead: tuple[int, ...]) -> None:
    if ids.dim() != len(lead) + 1 or not lead:
        expected = _show((*(lead or ("P",)), "L"))
        raise UsageError(f"input_ids has shape {_show(ids.shape)}; expected {expected}")
    length = ids.shape[-1]
    if not 1 <= length <= MAX_POSITIONS:
        raise UsageError(
            f"input_ids holds {length} tokens per panel; expected 1 to {MAX_POSITIONS}",
            hint="Truncate the text: the model was trained with 128 tokens",
        )
    _check("input_ids", ids, lead, (length,))
    _check("attention_mask", attention, lead, (length,))


def _show(shape: tuple[int | str, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
