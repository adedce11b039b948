"""The network as OpenVINO graphs gives the same vectors as in torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from retrieval.encoder import PanelEncoder, inputs, load_encoder
from retrieval.encoder.checkpoints import load_for_one_query
from retrieval.encoder.runtime.graphs.small import antialiased
from retrieval.encoder.runtime.openvino_runtime import OpenVinoRuntime
from retrieval.encoder.runtime.torch_runtime import TorchRuntime
from retrieval.encoder.runtime.weights import WeightTensors

TOLERANCE = 1e-4
TEXTS = ["hello there", "", "I was never here", "word " * 200]
MASKS = np.array([[1, 1, 1], [1, 0, 1], [0, 1, 0], [0, 0, 0]], dtype=np.float32)

Pair = tuple[TorchRuntime, OpenVinoRuntime]


def openvino_of(encoder: PanelEncoder, **options: Any) -> OpenVinoRuntime:
    return OpenVinoRuntime({key: value.numpy() for key, value in encoder.model.state_dict().items()}, **options)


@pytest.fixture(scope="module")
def small_pair() -> Pair:
    runtime = TorchRuntime(load_encoder("small", device="cpu").model, torch.device("cpu"))
    return runtime, openvino_of(load_encoder("small", device="cpu"))


@pytest.fixture(scope="module")
def golden_pair(golden_encoder) -> Pair:
    return TorchRuntime(golden_encoder.model, torch.device("cpu")), openvino_of(golden_encoder)


@pytest.fixture
def images() -> np.ndarray:
    blocks = np.random.default_rng(5).integers(0, 256, (4, 28, 28, 3), dtype=np.uint8)
    return inputs.normalize(blocks.repeat(8, axis=1).repeat(8, axis=2))


@pytest.mark.parametrize("pair", ["small_pair", "golden_pair"])
def test_every_branch_agrees(pair, images, request) -> None:
    in_torch, in_openvino = request.getfixturevalue(pair)
    assert in_openvino.spec == in_torch.spec
    assert in_openvino.constant_gate == in_torch.constant_gate
    for name in ("image", "image_regions"):
        close(getattr(in_openvino, name)(images), getattr(in_torch, name)(images))
    for found, expected in zip(in_openvino.query_regions(images), in_torch.query_regions(images), strict=True):
        close(found, expected)
    tokens = inputs.tokenize(TEXTS)
    close(in_openvino.text(*tokens), in_torch.text(*tokens))
    fusion_input = (in_torch.image(images), in_torch.text(*tokens), geometry(), MASKS)
    for found, expected in zip(in_openvino.fuse(*fusion_input), in_torch.fuse(*fusion_input), strict=True):
        close(found, expected)


def geometry() -> np.ndarray:
    return np.random.default_rng(6).random((4, 7), dtype=np.float32)


def close(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_a_text_without_tokens_gives_the_same_vector(small_pair) -> None:
    ids, mask = inputs.tokenize(["hello", "there"])
    mask[1] = 0
    in_torch, in_openvino = small_pair
    close(in_openvino.text(ids, mask), in_torch.text(ids, mask))


@pytest.mark.parametrize("text", ["", "rain", "I was never here", "word " * 40, "word " * 200])
def test_a_text_of_one_query_is_read_without_a_graph(small_pair, text) -> None:
    """In NumPy, from tensors in memory or in the files; a long one goes through the graph."""
    expected = small_pair[1].text(*inputs.tokenize([text]))
    from_files = load_for_one_query("small").runtime
    for runtime in (OpenVinoRuntime(small_pair[1]._state, one_query=True), from_files):
        np.testing.assert_allclose(runtime.text(*inputs.tokenize([text])), expected, atol=1e-5)
        assert ("_text" in vars(runtime)) is (len(text) > 500)
    assert isinstance(from_files._state, WeightTensors)


def test_padding_of_a_text_of_one_query_is_left_out(small_pair) -> None:
    ids, mask = inputs.tokenize(["rain", "I was never here"])
    runtime = OpenVinoRuntime(small_pair[1]._state, one_query=True)
    np.testing.assert_allclose(runtime.text(ids[:1], mask[:1]), small_pair[1].text(ids, mask)[:1], atol=1e-5)


def test_a_batch_of_one_and_of_many_agree(small_pair, images) -> None:
    _, runtime = small_pair
    together = runtime.image_regions(images)
    for row, image in enumerate(images):
        np.testing.assert_allclose(runtime.image_regions(image[None])[0], together[row], atol=1e-5)


def test_unit_rows_and_rows_of_zeros(small_pair) -> None:
    in_torch, in_openvino = small_pair
    vectors = np.array([[[3, 4], [0, 0]], [[1e-20, 0], [5e15, 0]]], dtype=np.float32)
    np.testing.assert_allclose(in_openvino.unit(vectors), in_torch.unit(vectors), atol=1e-6)


@pytest.mark.parametrize("side", [80, 64, 1, 224])
def test_scaling_down_is_that_of_torch(side) -> None:
    image = np.random.default_rng(7).random((1, 1, 224, 224), dtype=np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(image), (side, side), mode="bilinear", antialias=True
    ).numpy()
    weights = antialiased(224, side)
    np.testing.assert_allclose(weights @ image[0, 0] @ weights.T, expected[0, 0], atol=1e-5)


@pytest.mark.parametrize("pair", ["small_pair", "golden_pair"])
def test_bfloat16_stays_close(pair, images, request) -> None:
    """The direction of each vector is that of float32 within a cosine of 0.999, on random blocks."""
    in_torch, in_openvino = request.getfixturevalue(pair)
    fast = OpenVinoRuntime(in_openvino._state, precision="bfloat16")
    found, expected = in_openvino.unit(fast.image(images)), in_torch.unit(in_torch.image(images))
    assert (found * expected).sum(axis=1).min() > 0.999
