"""The text branch: token ids -> one vector per panel."""

from __future__ import annotations

from torch import Tensor, nn
from transformers import BertConfig, BertModel

from retrieval.encoder.network.vision import freeze

TEXT_WIDTH = 384
"""Width of the hidden states of MiniLM."""

MAX_POSITIONS = 512
"""Rows of the position table, so the largest number of tokens that can be encoded."""


class TextBranch(nn.Module):
    """BERT with the sizes of all-MiniLM-L6-v2, mean over tokens, one linear layer.

    Sizes, eps and GELU variant are from the encoder specification (docs/encoder.md). The pooler of `BertModel` is
    part of the published keys; its output is not used.
    """

    def __init__(self, dim: int, frozen: bool) -> None:
        super().__init__()
        config = BertConfig(
            vocab_size=30522,
            hidden_size=TEXT_WIDTH,
            num_hidden_layers=6,
            num_attention_heads=12,
            intermediate_size=1536,
            hidden_act="gelu",
            hidden_dropout_prob=0.1,
            attention_probs_dropout_prob=0.1,
            max_position_embeddings=MAX_POSITIONS,
            type_vocab_size=2,
            layer_norm_eps=1e-12,
            pad_token_id=0,
        )
        self.encoder = BertModel(config)
        self.proj = nn.Linear(TEXT_WIDTH, dim)
        if frozen:
            freeze(self.encoder)

    def pooled(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the mean of the last hidden states over masked-in tokens, (P, 384), of ids and mask (P, L) int64.

        A row without tokens gives zeros.
        """
        # Some attention kernels give NaN for a row without tokens. Such a row attends to everything instead;
        # the mean below uses the original mask and still gives zeros.
        empty = attention_mask.sum(dim=1, keepdim=True) == 0
        attend = attention_mask.masked_fill(empty, 1)
        states: Tensor = self.encoder(input_ids=input_ids, attention_mask=attend).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        return (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1e-6)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the text vectors, (P, dim), before any norm, of ids and mask (P, L)."""
        projected: Tensor = self.proj(self.pooled(input_ids, attention_mask))
        return projected
