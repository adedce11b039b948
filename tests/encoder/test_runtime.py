"""The seam between `PanelEncoder` and what executes its network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from retrieval import load_encoder
from retrieval.encoder import PanelEncoder, PanelFeatureExtractor, inputs
from retrieval.encoder.passes import one_ahead
from retrieval.encoder.protocol import QueryInput, has_constant_gate
from retrieval.encoder.runtime.base import EncoderRuntime, Fusion
from retrieval.encoder.runtime.openvino_runtime import OpenVinoRuntime
from retrieval.encoder.runtime.torch_runtime import TorchRuntime, normalized_tensor
from retrieval.encoder.spec import DIMENSION, IMAGE_SIZE, EncoderSpec
from retrieval.records import View


class PlainRuntime(EncoderRuntime):
    """A network of sums in NumPy: vectors one can work out by hand, no regions."""

    spec = EncoderSpec(dimension=4)
    device = "abacus"
    precision = "float32"
    constant_gate = True

    def image(self, images):
        return np.pad(images.mean(axis=(2, 3)), ((0, 0), (0, 1)))

    def image_regions(self, images):
        return self.image(images)[:, None]

    def query_regions(self, images):
        return [self.image(images)[:, None]]

    def text(self, ids, mask):
        return np.tile((ids * mask).sum(axis=1, keepdims=True), 4).astype(np.float32)

    def fuse(self, image, text, geometry, mask):
        gate = mask / mask.sum(axis=1, keepdims=True)
        return Fusion(gate[:, :1] * image + gate[:, 1:2] * text + geometry[:, :1], gate)

    def unit(self, vectors):
        return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture
def plain() -> PanelEncoder:
    return PanelEncoder(PlainRuntime(), "plain", ["0"], "v1")


def test_any_runtime_serves_an_encoder(plain, panels) -> None:
    """Views and queries come from the runtime's arrays alone."""
    encoded = plain.encode(panels, batch_size=3)
    colour = inputs.normalize(panels[1].image[None]).mean(axis=(2, 3))[0]
    expected = np.append(colour, 0) / np.linalg.norm(colour)
    np.testing.assert_allclose(encoded.picture[1], expected, atol=1e-6)
    np.testing.assert_allclose(encoded.dialogue, np.full((8, 4), 0.5))
    np.testing.assert_allclose(encoded.gate[:2], [[0.5, 0, 0.5], [1 / 3] * 3])
    assert encoded.regions is None
    (query,) = plain.encode_queries([QueryInput(panels[1].image)], View.PICTURE)
    np.testing.assert_allclose(query, expected, atol=1e-6)


def test_the_filler_of_a_missing_image_is_zero_after_normalisation(plain) -> None:
    """So its vector is zero here, and the gate, all on the text, leaves half of every number."""
    np.testing.assert_allclose(plain.encode_queries([QueryInput(text="rain")], View.FUSED), [[0.5] * 4])


def test_an_encoder_shows_its_runtime(plain, small, golden_encoder) -> None:
    assert (plain.device, plain.spec, plain.constant_gate) == ("abacus", EncoderSpec(dimension=4), True)
    assert getattr(plain, "model", None) is None, "there is no torch module"
    assert isinstance(small.runtime, OpenVinoRuntime)
    assert isinstance(golden_encoder.runtime, TorchRuntime)
    assert isinstance(small.model, PanelFeatureExtractor)
    assert small.model is small.runtime.model
    assert str(small.device) == "cpu"


def test_specs(small, golden_encoder) -> None:
    assert small.spec == EncoderSpec(DIMENSION, IMAGE_SIZE, (View.PICTURE, View.DIALOGUE, View.FUSED), regions=13)
    assert golden_encoder.spec == EncoderSpec(512, 224, tuple(View), regions=0)


def test_the_gate_of_small_is_constant_and_that_of_v1_is_not(small, golden_encoder) -> None:
    assert (small.constant_gate, golden_encoder.constant_gate) == (True, False)
    assert (has_constant_gate(small), has_constant_gate(golden_encoder)) == (True, False)
    assert has_constant_gate(object()) is False  # an encoder of another kind, without the property


def test_the_fingerprint_of_small_stays(small) -> None:
    """It is that of indexes that exist; with another one they would not open."""
    assert small.fingerprint == "b76aa3fd0676f89f50d56b8e5c6d6e3ca82e5640a9dd7f0e3d3c4f35e8997e2e"
    assert small.settings["regions"] == 13


def test_torch_takes_images_that_were_normalised_on_its_device(panels) -> None:
    """A GPU gets bytes and normalises them there; the numbers are those of `inputs.normalize`."""
    pixels = np.stack([panel.image for panel in panels])
    tensor = normalized_tensor(torch.from_numpy(pixels))
    np.testing.assert_allclose(tensor.numpy(), inputs.normalize(pixels), atol=1e-6)
    runtime = load_encoder("small", device="cpu", runtime="torch").runtime
    assert isinstance(runtime, TorchRuntime)
    np.testing.assert_allclose(runtime.image(tensor), runtime.image(inputs.normalize(pixels)), atol=1e-6)


def test_the_next_batch_is_prepared_while_one_is_in_use() -> None:
    """All results come in order, one call more is begun, and none is lost when a call fails."""
    begun = []

    def double(number: int) -> int:
        begun.append(number)
        if number == 3:
            raise ValueError("three")
        return 2 * number

    results = one_ahead(double, [0, 1, 2, 3, 4])
    assert [next(results) for _ in range(2)] == [0, 2]
    assert begun[:3] == [0, 1, 2]
    assert next(results) == 4
    with pytest.raises(ValueError, match="three"):
        next(results)
    assert list(one_ahead(double, [])) == []


def test_an_encoder_on_a_gpu_gives_the_same_vectors(plain, panels) -> None:
    """There, batches are prepared ahead and texts are read in larger passes."""
    on_gpu, on_cpu = (PanelEncoder(PlainRuntime(), "plain", ["0"], "v1") for _ in range(2))
    on_cpu.runtime.device = "cpu"
    assert (str(on_gpu.device), str(on_cpu.device)) == ("abacus", "cpu")
    for name in ("picture", "dialogue", "fused", "gate"):
        ahead, plainly = (getattr(each.encode(panels, batch_size=3), name) for each in (on_gpu, on_cpu))
        np.testing.assert_array_equal(ahead, plainly)
