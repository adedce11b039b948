"""`PanelEncoder`: views, batches, queries."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from retrieval.encoder import PanelEncoder, inputs
from retrieval.encoder.passes import text_passes
from retrieval.encoder.protocol import Encoder, PanelEmbeddings, PanelInput, QueryInput
from retrieval.encoder.runtime.torch_runtime import TorchRuntime
from retrieval.errors import UsageError
from retrieval.progress import Progress
from retrieval.records import Box, View


@pytest.fixture(scope="module", params=["small", "golden_encoder"])
def encoder(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def some(encoder, panels) -> list[PanelInput]:
    """All panels for the quick encoder, four for the large one."""
    return panels if encoder.name == "small" else panels[:4]


@pytest.fixture(scope="module")
def encoded(encoder, some) -> PanelEmbeddings:
    return encoder.encode(some)


def assert_same(found: PanelEmbeddings, expected: PanelEmbeddings) -> None:
    for name in ("picture", "dialogue", "fused", "gate"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-5, err_msg=name)


def unit(vectors: torch.Tensor) -> np.ndarray:
    return torch.nn.functional.normalize(vectors, dim=1).numpy()


def test_views_are_unit_rows(encoded, some) -> None:
    silent = [not panel.text.strip() for panel in some]
    for view in View:
        rows = encoded.view(view)
        assert rows.dtype == np.float32
        assert rows.shape == (len(some), 512)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(encoded.gate.sum(axis=1), 1.0, atol=1e-6)
    assert (encoded.gate[silent, 1] < 1e-6).all(), "no weight for missing text"


def test_views_are_the_branches_of_the_model(encoder, encoded, some) -> None:
    """One plain pass over the same panels, padded to 128 tokens, gives the same rows."""
    ids, mask = (np.pad(part, ((0, 0), (0, 128 - part.shape[1]))) for part in inputs.tokenize([p.text for p in some]))
    batch = {
        "images": torch.from_numpy(inputs.normalize(np.stack([p.image for p in some]))),
        "input_ids": torch.from_numpy(ids),
        "attention_mask": torch.from_numpy(mask),
        "comp_feats": torch.from_numpy(np.stack([inputs.composition(p.box, 1000, 1500) for p in some])),
        "modality_mask": torch.from_numpy(np.stack([inputs.modality_mask(p.text) for p in some])),
    }
    with torch.inference_mode():
        made = encoder.model.branches(batch)
    expected = PanelEmbeddings(unit(made.vision), unit(made.text), unit(made.fused), made.gate.numpy())
    assert_same(encoded, expected)


def test_the_batch_size_changes_nothing(encoder, encoded, some) -> None:
    assert_same(encoder.encode(some, batch_size=3), encoded)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_forty_panels_in_any_batches(small, panels, batch_size) -> None:
    """Batches of 1, 3 and 32 over texts of 2 to 128 tokens agree."""
    assert_same(small.encode(panels * 5, batch_size=batch_size), small.encode(panels * 5, batch_size=32))


def test_progress_is_reported_after_each_batch(small, panels) -> None:
    reports: list[Progress] = []
    small.encode(panels, batch_size=3, progress=reports.append)
    assert [(p.stage, p.unit, p.done, p.total) for p in reports] == [
        ("encode", "panels", done, 8) for done in (3, 6, 8)
    ]


def test_an_exception_in_the_progress_callback_cancels(small, panels) -> None:
    def cancel(progress: Progress) -> None:
        raise InterruptedError(progress.done)

    with pytest.raises(InterruptedError, match="3"):
        small.encode(panels, batch_size=3, progress=cancel)


def test_no_panels_give_no_rows(small) -> None:
    found = small.encode([])
    assert (found.picture.shape, found.gate.shape) == ((0, 512), (0, 3))
    assert small.encode_queries([], View.PICTURE).shape == (0, 512)


def test_twins_get_the_same_vectors(small, panels) -> None:
    """Panels 2 and 7 have the same text."""
    dialogue = small.encode(panels).dialogue
    np.testing.assert_array_equal(dialogue[2], dialogue[7])


def test_the_fingerprint_covers_weights_and_settings(small, golden_encoder) -> None:
    assert len({small.fingerprint, golden_encoder.fingerprint}) == 2
    assert len(small.fingerprint) == 64
    assert small.settings["provisional"] is False
    assert golden_encoder.settings["provisional"] is False
    assert golden_encoder.settings["max_tokens"] == 128


def test_attributes_cannot_be_set(small) -> None:
    as_promised: Encoder = small
    with pytest.raises(AttributeError, match="'name' of an encoder cannot be changed"):
        as_promised.name = "other"


def test_only_the_vlm_profile_counts_panels(small, panels) -> None:
    """Two panels that differ in their number alone: one vector under v1, two under vlm."""
    twins = [PanelInput(panels[0].image, "", Box(0, 0, 500, 500), 1000, 1500, number=n) for n in (1, 9)]
    first, second = small.encode(twins).fused
    np.testing.assert_array_equal(first, second)
    vlm = PanelEncoder(TorchRuntime(small.model, small.device), "vlm", ["0"], "vlm")
    first, second = vlm.encode(twins).fused
    assert not np.allclose(first, second, atol=1e-6)


def test_threads_take_turns(small, panels) -> None:
    alone = small.encode(panels)
    with ThreadPoolExecutor(3) as pool:
        for found in pool.map(lambda _: small.encode(panels, batch_size=3), range(3)):
            assert_same(found, alone)


# --------------------------------------------------------------------- queries


def test_a_query_meets_its_own_panel(encoder, encoded, some) -> None:
    """An image against `picture` and text against `dialogue` score 1 with themselves."""
    pictures = encoder.encode_queries([QueryInput(image=some[0].image)], View.PICTURE)
    words = encoder.encode_queries([QueryInput(text=some[1].text)], View.DIALOGUE)
    np.testing.assert_allclose(pictures[0], encoded.picture[0], atol=1e-5)
    np.testing.assert_allclose(words[0], encoded.dialogue[1], atol=1e-5)


def test_one_modality_is_the_same_for_either_branch(small, panels) -> None:
    """A query of one modality has one vector, for `picture` and `dialogue` alike."""
    for query in (QueryInput(text="rain"), QueryInput(image=panels[0].image)):
        both = [small.encode_queries([query], view) for view in (View.PICTURE, View.DIALOGUE)]
        np.testing.assert_array_equal(*both)


def test_fused_queries(encoder, panels) -> None:
    """The published servers' inputs: zeros for geometry, CLS SEP without text, zeros without an image."""
    shown = panels[3].image
    queries = [QueryInput(shown), QueryInput(shown, "rain"), QueryInput(text="rain")]
    ids, attention = map(torch.from_numpy, inputs.tokenize(["", "rain", "rain"]))
    picture = torch.from_numpy(inputs.normalize(shown[None]))
    images = torch.cat([picture, picture, torch.zeros_like(picture)])
    batch = {"images": images, "input_ids": ids, "attention_mask": attention, "comp_feats": torch.zeros(3, 7)}
    batch["modality_mask"] = torch.tensor([[1.0, 0, 1], [1, 1, 0], [0, 1, 0]])
    with torch.inference_mode():
        expected = unit(encoder.model(batch))
    np.testing.assert_allclose(encoder.encode_queries(queries, View.FUSED), expected, atol=1e-5)


def test_whole_page_geometry_is_an_encoding_by_name(small, panels) -> None:
    query = [QueryInput(panels[0].image)]
    plain, page = (small.fuse_queries(query, name) for name in ("image_only", "image_fullpage_comp"))
    np.testing.assert_array_equal(plain, small.encode_queries(query, View.FUSED))
    assert not np.allclose(plain, page, atol=1e-6)
    with pytest.raises(UsageError, match="unknown query encoding 'best'; expected one of image_only"):
        small.fuse_queries(query, "best")


def test_mixed_queries_keep_their_order(small, panels) -> None:
    queries = [QueryInput(text="rain"), QueryInput(panels[0].image, "rain"), QueryInput(panels[1].image)]
    together = small.encode_queries(queries, View.PICTURE)
    alone = [small.encode_queries([query], View.PICTURE)[0] for query in queries]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_query_computes_only_its_branch(small, panels, monkeypatch) -> None:
    """No vision pass for text, no text pass for an image."""

    def never(*_):
        raise AssertionError("this branch is not needed")

    with monkeypatch.context() as patch:
        patch.setattr(small.model.vision, "forward", never)
        small.encode_queries([QueryInput(text="rain")], View.DIALOGUE)
    with monkeypatch.context() as patch:
        patch.setattr(small.model.text, "forward", never)
        small.encode_queries([QueryInput(image=panels[0].image)], View.PICTURE)


def test_nothing_keeps_a_gradient(golden_encoder, panels) -> None:
    seen: list[torch.Tensor] = []
    hook = golden_encoder.model.text.proj.register_forward_hook(lambda module, args, out: seen.append(out))
    golden_encoder.encode(panels[1:2])
    hook.remove()
    assert [out.is_inference() for out in seen] == [True]


@pytest.mark.parametrize("query", [QueryInput(), QueryInput(text="  \n")])
def test_an_empty_query_is_refused(small, query) -> None:
    with pytest.raises(UsageError, match="query is empty"):
        small.encode_queries([query], View.DIALOGUE)


def test_bad_arguments_are_refused(small, panels) -> None:
    with pytest.raises(UsageError, match="unknown view 'sound'; expected one of picture, dialogue, fused"):
        small.encode_queries([QueryInput(text="x")], "sound")
    with pytest.raises(UsageError, match="batch_size is 0"):
        small.encode(panels, batch_size=0)
    with pytest.raises(UsageError, match=r"an image is \(10, 10, 3\) uint8; expected \(224, 224, 3\)"):
        small.encode_queries([QueryInput(np.zeros((10, 10, 3), np.uint8))], View.PICTURE)


def test_strange_text_is_encoded(small) -> None:
    """Half a surrogate, control characters, emoji, very long text: 128 tokens at most, finite numbers."""
    texts = ["\ud83d", "a\x00b\x1b", "💥" * 50, "word " * 5000, "漫画のコマ", "x" * 5000]
    found = small.encode_queries([QueryInput(text=text) for text in texts], View.DIALOGUE)
    assert np.isfinite(found).all()
    assert max(map(len, inputs.token_ids(texts))) == 128


def test_texts_are_read_in_passes_of_like_length() -> None:
    """A pass has at most 32 texts, and never costs more than reading them one by one or all together."""
    rng = np.random.default_rng(2)
    for lengths in ([], [5], [2] * 100, sorted(rng.integers(2, 129, 200).tolist()), [4] * 20 + [100] * 3 + [128]):
        for cpu, most, fixed in ((True, 32, 16), (False, 256, 4096)):
            passes = text_passes(lengths, on_cpu=cpu)
            assert [place for own in passes for place in range(len(lengths))[own]] == list(range(len(lengths)))
            assert all(1 <= own.stop - own.start <= most for own in passes)
            cost = sum((own.stop - own.start) * lengths[own.stop - 1] + fixed for own in passes)
            chunks = [slice(at, min(at + most, len(lengths))) for at in range(0, len(lengths), most)]
            assert cost <= sum((own.stop - own.start) * lengths[own.stop - 1] + fixed for own in chunks)
            assert cost <= sum(length + fixed for length in lengths)
    assert text_passes([4] * 20 + [100] * 3, on_cpu=True) == [slice(0, 20), slice(20, 23)]
    assert text_passes([4] * 20 + [100] * 3, on_cpu=False) == [slice(0, 23)]


def test_panels_beyond_one_pool_of_texts(small, panels) -> None:
    """Texts are sorted in pools of 256 panels; each panel gets the vector of its own text."""
    many = [replace(panels[n % 8], text=f"{'word ' * (n % 40)}{n}") for n in range(300)]
    encoded = small.encode(many, batch_size=100)
    for n in (0, 99, 255, 256, 299):
        alone = small.encode([many[n]])
        np.testing.assert_allclose(encoded.dialogue[n], alone.dialogue[0], atol=1e-5)
        np.testing.assert_allclose(encoded.fused[n], alone.fused[0], atol=1e-5)
