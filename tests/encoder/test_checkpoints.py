"""Names, the hub, `auto`, devices. No test reaches for the network."""

from __future__ import annotations

import logging

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

from retrieval.encoder import checkpoints, hub, load_encoder, state_dicts
from retrieval.encoder.hub import V1, VLM, Published
from retrieval.errors import CheckpointError, HubUnreachable, UsageError


@pytest.fixture
def offline(monkeypatch):
    """A hub that does not answer and an empty cache; gives the list of download calls."""
    calls = []

    def download(repo, file, *, local_files_only=False, **_):
        calls.append((file, local_files_only))
        raise LocalEntryNotFoundError("not cached")

    def metadata(url, **_):
        raise OSError("Name or service not known")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", metadata)
    return calls


@pytest.fixture
def cached(monkeypatch, tmp_path, small_state):
    """A cache that holds a file for v1, and a hub that must not be asked; gives the file."""
    path = tmp_path / "best_model.pt"
    torch.save(small_state, path)

    def download(repo, file, *, local_files_only=False, **_):
        assert local_files_only, "the cache is asked first"
        return str(path)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return path


def stand_in(path) -> Published:
    """v1's entry, with the size and hash of a small file."""
    return Published(V1.name, V1.repo, V1.files, V1.profile, path.stat().st_size, state_dicts.sha256(path))


def use(monkeypatch, published: Published) -> None:
    monkeypatch.setattr(checkpoints, "V1", published)
    monkeypatch.setitem(checkpoints.PUBLISHED, published.name, published)


def test_an_unreachable_hub_names_the_ways_out(offline) -> None:
    with pytest.raises(HubUnreachable) as caught:
        load_encoder("comic-panel-encoder-v1")
    message = str(caught.value)
    for part in ("comic-panel-encoder-v1", "Name or service", "--encoder small", "best_model.pt", "HF_HOME"):
        assert part in message
    assert offline == [("best_model.pt", True)]


def test_offline_mode_asks_nobody(offline, monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(HubUnreachable, match="HF_HUB_OFFLINE is set"):
        load_encoder("comic-panel-vlm-v1")
    assert offline == [(file, True) for file in VLM.files]


def test_a_broken_download_is_unreachable(offline, monkeypatch) -> None:
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda url, **_: None)
    with pytest.raises(HubUnreachable, match="not cached"):
        load_encoder("comic-panel-encoder-v1")
    assert offline == [("best_model.pt", True), ("best_model.pt", False)]


def test_a_repository_without_the_file(offline, monkeypatch) -> None:
    """The VLM model's file name is not known for sure: all candidates are tried and named."""

    def metadata(url, **_):
        raise EntryNotFoundError("404")

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", metadata)
    with pytest.raises(CheckpointError, match=r"none of the files best_model_vlm\.pt, best_model\.pt"):
        load_encoder("comic-panel-vlm-v1")


def test_a_cached_file_needs_no_hub(cached, monkeypatch) -> None:
    published = stand_in(cached)
    use(monkeypatch, published)
    encoder = load_encoder("comic-panel-encoder-v1", device="cpu")
    assert (encoder.name, encoder.settings["profile"]) == ("comic-panel-encoder-v1", "v1")


def test_a_file_that_is_not_the_published_one(cached) -> None:
    """Under the published name only the published bytes are taken."""
    with pytest.raises(CheckpointError) as caught:
        load_encoder("comic-panel-encoder-v1")
    message = str(caught.value)
    for part in ("is not the published", str(cached), state_dicts.sha256(cached), V1.sha256, "574159138"):
        assert part in message


def test_the_vlm_model_has_its_own_profile(cached, caplog) -> None:
    with caplog.at_level(logging.INFO, "panelseek"):
        encoder = load_encoder("comic-panel-vlm-v1", device="cpu")
    assert (encoder.name, encoder.settings["profile"]) == ("comic-panel-vlm-v1", "vlm")
    assert "no published hash is known" in caplog.text


def test_auto_takes_small_where_v1_cannot_be_had(offline, caplog) -> None:
    with caplog.at_level(logging.INFO, "panelseek"):
        encoder = load_encoder("auto", device="cpu")
    assert (encoder.name, encoder.provisional) == ("small", False)
    assert "does not answer" in caplog.text
    assert "The encoder is small on cpu" in caplog.text


def test_auto_takes_v1_where_it_is_cached(cached, monkeypatch, caplog) -> None:
    use(monkeypatch, stand_in(cached))
    with caplog.at_level(logging.INFO, "panelseek"):
        encoder = load_encoder(device="cpu")
    assert (encoder.name, encoder.provisional) == ("comic-panel-encoder-v1", False)
    assert "The encoder is comic-panel-encoder-v1 on cpu" in caplog.text


def test_auto_does_not_hide_a_damaged_cache(cached) -> None:
    with pytest.raises(CheckpointError, match="is not the published"):
        load_encoder("auto")


def test_the_published_file_is_known_by_any_name(cached, monkeypatch) -> None:
    other = cached.rename(cached.with_name("download(1).pt"))
    use(monkeypatch, stand_in(other))
    assert load_encoder(other, device="cpu").name == "comic-panel-encoder-v1"


def test_a_file_of_the_published_size_but_other_content(tmp_path, small_state, monkeypatch, caplog) -> None:
    """Somebody's own training has the same size; it is theirs, and that is said."""
    path = tmp_path / "best_model.pt"
    torch.save(small_state, path)
    use(monkeypatch, Published(V1.name, V1.repo, V1.files, V1.profile, path.stat().st_size, "0" * 64))
    with caplog.at_level(logging.INFO, "panelseek"):
        assert load_encoder(path, device="cpu").name == "best_model"
    assert "a model of your own" in caplog.text


def test_a_file_that_names_the_vlm_trainer_has_its_profile(tmp_path, small_state) -> None:
    path = tmp_path / "best_model_vlm.pt"
    torch.save(small_state, path)
    guessed, told = load_encoder(path, device="cpu"), load_encoder(path, device="cpu", profile="v1")
    assert (guessed.settings["profile"], told.settings["profile"]) == ("vlm", "v1")
    assert guessed.fingerprint != told.fingerprint


def test_names_devices_and_profiles_that_do_not_exist() -> None:
    with pytest.raises(UsageError, match="no encoder 'clip'; expected comic-panel-encoder-v1"):
        load_encoder("clip")
    with pytest.raises(UsageError, match="device 'abacus' cannot be used"):
        load_encoder("small", device="abacus")
    with pytest.raises(UsageError, match="profile is 'v2'; expected one of v1, vlm"):
        load_encoder("small", profile="v2")


def test_another_text_encoder_is_refused(tmp_path, monkeypatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    monkeypatch.setattr(state_dicts, "model_folder", lambda: tmp_path)
    with pytest.raises(CheckpointError, match="not the published all-MiniLM-L6-v2"):
        load_encoder("small")


def test_a_damaged_small_checkpoint_is_refused(tmp_path, monkeypatch) -> None:
    (tmp_path / "small.json").write_text((checkpoints.WEIGHTS / "small.json").read_text())
    monkeypatch.setattr(checkpoints, "WEIGHTS", tmp_path)
    with pytest.raises(CheckpointError, match="is missing"):
        load_encoder("small")
    (tmp_path / "small.safetensors").write_bytes(b"torn")
    with pytest.raises(CheckpointError, match=r"is damaged: found SHA-256"):
        load_encoder("small")


def test_loading_leaves_the_random_generator_alone(offline) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_encoder("small", device="cpu")
    assert torch.equal(torch.rand(3), expected)


def test_the_published_facts() -> None:
    assert (V1.size, V1.sha256[:8], V1.sha256[-1]) == (574_159_138, "b7ae7fd0", "a")
    assert hub.PUBLISHED == {"comic-panel-encoder-v1": V1, "comic-panel-vlm-v1": VLM}
