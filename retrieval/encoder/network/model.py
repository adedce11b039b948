"""The comic panel encoder as a torch module, key for key the published one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from retrieval.encoder.network.composition import FEATURES, CompositionBranch
from retrieval.encoder.network.fusion import MODALITIES, AdaptiveFusion
from retrieval.encoder.network.text import MAX_POSITIONS, TextBranch
from retrieval.encoder.network.vision import build_vision
from retrieval.encoder.protocol import DIMENSION, PICTURE_SIDE
from retrieval.errors import UsageError

BACKBONES = ("both", "siglip", "resnet", "small")
FUSIONS = ("attention", "gate")
PICTURE = (3, PICTURE_SIDE, PICTURE_SIDE)


class Branches(NamedTuple):
    """Everything one pass gives, not normalised: (P, dim) four times, and `gate` (P, 3)."""

    vision: Tensor
    text: Tensor
    comp: Tensor
    fused: Tensor
    gate: Tensor


class PanelFeatureExtractor(nn.Module):
    """Pixels, words and geometry of panels -> embeddings.

    A batch is a dict of flat tensors over P panels:

    ==================  ===================  ===========================================
    images              (P, 3, 224, 224)     float32, see `inputs.to_tensor`
    input_ids           (P, L), L <= 512     int64
    attention_mask      (P, L)               int64, 1 = token
    comp_feats          (P, 7)               float32, see `inputs.composition`
    modality_mask       (P, 3), optional     vision, text, composition; 1 or True = present
    ==================  ===================  ===========================================

    or of the same tensors with a page dimension in front, (B, N, ...).
    Raises `UsageError` for settings that do not exist and for tensors of other shapes.
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
        """The embeddings, not normalised: flat batches (P, dim); pages (B, N, dim).

        Pages of a single panel give (B, dim), the shape that the published model card prints.
        """
        fused = self.branches(batch).fused
        lead = _get(batch, "images").shape[:-3]
        return fused.reshape(*lead, -1) if len(lead) == 2 and lead[1] != 1 else fused

    def branches(self, batch: Mapping[str, Tensor]) -> Branches:
        """All branches, the embedding and the gate from one pass; pages are flattened to panels."""
        flat = _flatten(batch)
        vision: Tensor = self.vision(flat["images"])
        text: Tensor = self.text(flat["input_ids"], flat["attention_mask"])
        return self.combine(vision, text, flat["comp_feats"], flat.get("modality_mask"))

    def combine(self, vision: Tensor, text: Tensor, comp_feats: Tensor, mask: Tensor | None) -> Branches:
        """What remains once vision and text, (P, dim) each, are known. Mask None: all present."""
        comp: Tensor = self.comp(comp_feats)
        if mask is None:
            mask = torch.ones(len(vision), MODALITIES, device=vision.device)
        fused = self.fusion.fuse(vision, text, comp, mask.to(vision.dtype))
        return Branches(vision, text, comp, fused.embedding, fused.gate)

    def encode_image_only(self, images: Tensor) -> Tensor:
        """(..., 3, 224, 224) -> (..., dim): the vision branch, before the fusion's norm."""
        lead = images.shape[:-3]
        _check("images", images, lead, PICTURE)
        vectors: Tensor = self.vision(images.flatten(0, -4))
        return vectors.reshape(*lead, -1)

    def encode_text_only(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """(..., L) twice -> (..., dim): the text branch, before the fusion's norm."""
        lead = input_ids.shape[:-1]
        _check_tokens(input_ids, attention_mask, lead)
        vectors: Tensor = self.text(input_ids.flatten(0, -2), attention_mask.flatten(0, -2))
        return vectors.reshape(*lead, -1)


def _check_settings(backbone: str, fusion: str, dim: int) -> None:
    if backbone not in BACKBONES:
        raise UsageError(f"visual_backbone is {backbone!r}; expected one of {', '.join(BACKBONES)}.")
    if fusion == "concat":
        raise UsageError(
            "visual_fusion 'concat' is not supported: it makes the vision branch twice as wide as the fusion "
            f"with text and composition accepts. Use one of {', '.join(FUSIONS)}."
        )
    if fusion not in FUSIONS:
        raise UsageError(f"visual_fusion is {fusion!r}; expected one of {', '.join(FUSIONS)}.")
    if dim < 1:
        raise UsageError(f"feature_dim is {dim}; expected a positive number (the published model has 512).")


def _get(batch: Mapping[str, Tensor], key: str) -> Tensor:
    if key not in batch:
        raise UsageError(
            f"The batch has no {key!r}; expected images, input_ids, attention_mask, comp_feats "
            "and optionally modality_mask."
        )
    return batch[key]


def _flatten(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Check every tensor of `batch` and drop its page dimension, if it has one."""
    images = _get(batch, "images")
    lead = images.shape[:-3]
    if len(lead) not in (1, 2):
        raise UsageError(f"images has shape {_show(images.shape)}; expected (P, 3, 224, 224) or (B, N, 3, 224, 224).")
    _check("images", images, lead, PICTURE)
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
        wanted = _show(expected) if lead else _show(("P", *tail))
        raise UsageError(f"{name} has shape {_show(tensor.shape)}; expected {wanted}.")
    return tensor


def _check_tokens(ids: Tensor, attention: Tensor, lead: tuple[int, ...]) -> None:
    if ids.dim() != len(lead) + 1 or not lead:
        expected = _show((*(lead or ("P",)), "L"))
        raise UsageError(f"input_ids has shape {_show(ids.shape)}; expected {expected}.")
    length = ids.shape[-1]
    if not 1 <= length <= MAX_POSITIONS:
        raise UsageError(
            f"input_ids holds {length} tokens per panel; expected 1 to {MAX_POSITIONS}. "
            "Truncate the text: the model was trained with 128 tokens."
        )
    _check("input_ids", ids, lead, (length,))
    _check("attention_mask", attention, lead, (length,))


def _show(shape: tuple[int | str, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
