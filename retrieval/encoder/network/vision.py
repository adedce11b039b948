"""The vision branch: pixels -> one vector per panel.

Module and attribute names are those of the published checkpoint, so that its keys load unchanged. Constants are from
the encoder specification (docs/encoder.md), which follows the source of the published model.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models import resnet50
from transformers import SiglipVisionConfig, SiglipVisionModel

from retrieval.encoder.network.small import SmallBackbone

SIGLIP_WIDTH = 768
RESNET_WIDTH = 2048
"""Width of the pooled output of each backbone."""


def adaptation(width: int, dim: int) -> nn.Sequential:
    """Return the two-layer head of a published backbone: (P, width) -> (P, dim).

    Layers 0, 1, 4 and 5 have weights. Their numbers are part of the published key names.
    """
    hidden = width // 2
    return nn.Sequential(
        nn.Linear(width, hidden),
        nn.LayerNorm(hidden),
        nn.GELU(),
        nn.Dropout(0.1),
        nn.Linear(hidden, dim),
        nn.LayerNorm(dim),
    )


def freeze(module: nn.Module) -> None:
    """Exclude the parameters from training; BatchNorm statistics still follow `train()`."""
    for parameter in module.parameters():
        parameter.requires_grad_(False)


class SiglipTower(nn.Module):
    """The vision half of siglip-base-patch16-224: (P, 3, 224, 224) -> (P, 768).

    In transformers before 5.6 the tower is the attribute `vision_model`; in later versions it is the model itself.
    The published keys have that level, so this class adds it for both.
    """

    def __init__(self) -> None:
        super().__init__()
        config = SiglipVisionConfig(
            hidden_size=SIGLIP_WIDTH,
            intermediate_size=3072,
            num_hidden_layers=12,
            num_attention_heads=12,
            num_channels=3,
            image_size=224,
            patch_size=16,
            hidden_act="gelu_pytorch_tanh",
            layer_norm_eps=1e-6,
            attention_dropout=0.0,
        )
        model = SiglipVisionModel(config)
        self.vision_model: nn.Module = getattr(model, "vision_model", model)

    def forward(self, images: Tensor) -> Tensor:
        """Return the output of the attention-pooling head, (P, 768)."""
        pooled: Tensor = self.vision_model(pixel_values=images).pooler_output
        return pooled


class SiglipBackbone(nn.Module):
    """SigLIP with its adaptation: (P, 3, 224, 224) -> (P, dim)."""

    def __init__(self, dim: int, frozen: bool) -> None:
        super().__init__()
        self.siglip = SiglipTower()
        self.adaptation = adaptation(SIGLIP_WIDTH, dim)
        if frozen:
            freeze(self.siglip)

    def pooled(self, images: Tensor) -> Tensor:
        """Return the output of the attention-pooling head, (P, 768)."""
        pooled: Tensor = self.siglip(images)
        return pooled

    def forward(self, images: Tensor) -> Tensor:
        """Return the adapted vectors, (P, dim)."""
        adapted: Tensor = self.adaptation(self.pooled(images))
        return adapted


class ResnetBackbone(nn.Module):
    """ResNet-50 v1.5 without classifier, with its adaptation: (P, 3, 224, 224) -> (P, dim)."""

    def __init__(self, dim: int, frozen: bool) -> None:
        super().__init__()
        self.resnet: nn.Module = resnet50(weights=None)
        self.resnet.fc = nn.Identity()
        self.adaptation = adaptation(RESNET_WIDTH, dim)
        if frozen:
            freeze(self.resnet)

    def pooled(self, images: Tensor) -> Tensor:
        """Return the global average, (P, 2048)."""
        pooled: Tensor = self.resnet(images)
        return pooled

    def forward(self, images: Tensor) -> Tensor:
        """Return the adapted vectors, (P, dim)."""
        adapted: Tensor = self.adaptation(self.pooled(images))
        return adapted


class BothBackbones(nn.Module):
    """SigLIP and ResNet-50, each with one weight per panel: (P, 3, 224, 224) -> (P, dim)."""

    def __init__(self, fusion: str, dim: int) -> None:
        super().__init__()
        # Always frozen: the published model does not pass its freeze flag to these backbones.
        self.siglip = SiglipBackbone(dim, frozen=True)
        self.resnet = ResnetBackbone(dim, frozen=True)
        self.fusion = fusion
        if fusion == "attention":
            self.attention = nn.Sequential(nn.Linear(2 * dim, 2))
        else:
            self.gate = nn.Sequential(nn.Linear(2 * dim, dim), nn.GELU(), nn.Linear(dim, 2))

    def weights(self, siglip: Tensor, resnet: Tensor) -> Tensor:
        """Return the weights of SigLIP and ResNet, (P, 2); rows sum to 1."""
        scorer = self.attention if self.fusion == "attention" else self.gate
        return torch.softmax(scorer(torch.cat([siglip, resnet], dim=-1)), dim=-1)

    def forward(self, images: Tensor) -> Tensor:
        """Return the weighted sum of both backbones, (P, dim)."""
        siglip, resnet = self.siglip(images), self.resnet(images)
        weights = self.weights(siglip, resnet)
        vectors: Tensor = weights[:, :1] * siglip + weights[:, 1:] * resnet
        return vectors


def build_vision(backbone: str, fusion: str, dim: int, freeze_backbones: bool) -> nn.Module:
    """Return the vision branch for valid names; see `PanelFeatureExtractor`."""
    if backbone == "both":
        return BothBackbones(fusion, dim)
    if backbone == "siglip":
        return SiglipBackbone(dim, freeze_backbones)
    if backbone == "resnet":
        return ResnetBackbone(dim, freeze_backbones)
    return SmallBackbone(dim)
