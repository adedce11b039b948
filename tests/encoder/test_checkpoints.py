"""Names, the hub, `auto`, devices. No test connects to a network."""

from __future__ import annotations

import logging
import socket

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

from retrieval.encoder import checkpoints, hub, load_encoder, weight_files
from retrieval.encoder.hub import V1, VLM, PublishedCheckpoint
from retrieval.errors import CheckpointError, HubUnreachable, UsageError


@pytest.fixture
def offline(monkeypatch):
    """A hub that does not answer and an empty cache; returns the list of lookups and downloads."""
    calls = []

    def look_up(repo, file, **_):
        calls.append((file, "cache"))

    def download(repo, file, **_):
        calls.append((file, "hub"))
        raise LocalEntryNotFoundError("not found")

    def metadata(url, **_):
        raise OSError("Name or service not known")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", look_up)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", metadata)
    return calls


@pytest.fixture
def cached(monkeypatch, tmp_path, small_state):
    """A cache that holds a file for v1, and a hub that must not be used; returns the file."""
    path = tmp_path / "best_model.pt"
    torch.save(small_state, path)

    def never(*_, **__):
        raise AssertionError("the file is cached")

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_, **__: str(path))
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", never)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", never)
    return path


def stand_in(path) -> PublishedCheckpoint:
    """v1's entry, with the size and hash of a small file."""
    return PublishedCheckpoint(V1.name, V1.repo, V1.files, V1.profile, path.stat().st_size, weight_files.sha256(path))


def use(monkeypatch, published: PublishedCheckpoint) -> None:
    monkeypatch.setattr(checkpoints, "V1", published)
    monkeypatch.setitem(checkpoints.PUBLISHED, published.name, published)


def test_an_unreachable_hub_comes_with_fixes(offline) -> None:
    with pytest.raises(HubUnreachable) as caught:
        load_encoder("comic-panel-encoder-v1")
    for words in ("comic-panel-encoder-v1", "Name or service"):
        assert words in caught.value.problem
    for words in ("--encoder small", "best_model.pt", "HF_HOME"):
        assert words in caught.value.hint
    assert offline == [("best_model.pt", "cache")]


def test_offline_mode_makes_no_request(offline, monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(HubUnreachable, match="HF_HUB_OFFLINE is set"):
        load_encoder("comic-panel-vlm-v1")
    assert offline == [(file, "cache") for file in VLM.files]


def test_a_broken_download_is_unreachable(offline, monkeypatch) -> None:
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda url, **_: None)
    with pytest.raises(HubUnreachable, match="not found"):
        load_encoder("comic-panel-encoder-v1")
    assert offline == [("best_model.pt", "cache"), ("best_model.pt", "hub")]


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
    for words in ("not the published", weight_files.sha256(cached), V1.sha256, "574159138"):
        assert words in caught.value.problem
    assert caught.value.path == str(cached)
    assert caught.value.hint.startswith("Delete it")


def test_the_vlm_model_has_its_own_profile(cached, caplog) -> None:
    with caplog.at_level(logging.INFO, "panelseek"):
        encoder = load_encoder("comic-panel-vlm-v1", device="cpu")
    assert (encoder.name, encoder.settings["profile"]) == ("comic-panel-vlm-v1", "vlm")
    assert "no published hash is known" in caplog.text


def test_auto_takes_small_if_v1_is_not_cached(offline, caplog) -> None:
    """It says so, and only looks into the cache."""
    with caplog.at_level(logging.INFO, "panelseek"):
        encoder = load_encoder("auto", device="cpu")
    assert (encoder.name, encoder.provisional) == ("small", False)
    assert "comic-panel-encoder-v1 is not in the model hub's cache" in caplog.text
    assert "Using the encoder small on cpu" in caplog.text
    assert offline == [("best_model.pt", "cache")]


@pytest.fixture
def attempts(monkeypatch):
    """A proxy that does not answer; returns the list of connections and name lookups, all of which fail."""

    def refuse(*address: object, **_: object) -> None:
        made.append(address)
        raise OSError("no connection in this test")

    made: list[object] = []
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://192.0.2.1:9")
    for name in ("HF_HUB_OFFLINE", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    return made


def test_auto_makes_no_connection(attempts, tmp_path) -> None:
    """With an empty cache: no socket is connected and no name looked up, not even that of a proxy."""
    assert load_encoder("auto", device="cpu", cache_dir=tmp_path).name == "small"
    assert attempts == []


def test_a_cached_encoder_makes_no_connection(attempts, tmp_path, small_state, monkeypatch) -> None:
    """With v1 in a cache as the hub's library lays it out, by name and with `auto`."""
    repository = tmp_path / "models--RichardScottOZ--comic-panel-encoder-v1"
    path = repository / "snapshots" / "1234abcd" / "best_model.pt"
    path.parent.mkdir(parents=True)
    torch.save(small_state, path)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("1234abcd")
    use(monkeypatch, stand_in(path))
    for name in ("auto", V1.name):
        assert load_encoder(name, device="cpu", cache_dir=tmp_path).name == V1.name
    assert attempts == []


def test_a_wrong_device_is_refused_before_a_download(attempts, tmp_path) -> None:
    with pytest.raises(UsageError, match="the device 'abacus' cannot be used"):
        load_encoder(V1.name, device="abacus", cache_dir=tmp_path)
    assert attempts == []


def test_only_a_published_name_connects(attempts, tmp_path) -> None:
    with pytest.raises(HubUnreachable, match="does not answer"):
        load_encoder(V1.name, device="cpu", cache_dir=tmp_path)
    assert attempts


def test_auto_takes_v1_if_it_is_cached(cached, monkeypatch, caplog) -> None:
    use(monkeypatch, stand_in(cached))
    with caplog.at_level(logging.INFO, "panelseek"):
        encoder = load_encoder(device="cpu")
    assert (encoder.name, encoder.provisional) == ("comic-panel-encoder-v1", False)
    assert "Using the encoder comic-panel-encoder-v1 on cpu" in caplog.text


def test_auto_does_not_hide_a_damaged_cache(cached) -> None:
    with pytest.raises(CheckpointError, match="not the published"):
        load_encoder("auto")


def test_the_published_file_is_known_by_any_name(cached, monkeypatch) -> None:
    other = cached.rename(cached.with_name("download(1).pt"))
    use(monkeypatch, stand_in(other))
    assert load_encoder(other, device="cpu").name == "comic-panel-encoder-v1"


def test_a_file_of_the_published_size_but_other_content(tmp_path, small_state, monkeypatch, caplog) -> None:
    """A further training of the published model has the same size; it is loaded under its file name."""
    path = tmp_path / "best_model.pt"
    torch.save(small_state, path)
    use(monkeypatch, PublishedCheckpoint(V1.name, V1.repo, V1.files, V1.profile, path.stat().st_size, "0" * 64))
    with caplog.at_level(logging.INFO, "panelseek"):
        assert load_encoder(path, device="cpu").name == "best_model"
    assert "a model of your own" in caplog.text


def test_a_file_that_names_the_vlm_trainer_has_its_profile(tmp_path, small_state) -> None:
    path = tmp_path / "best_model_vlm.pt"
    torch.save(small_state, path)
    guessed, given = load_encoder(path, device="cpu"), load_encoder(path, device="cpu", profile="v1")
    assert (guessed.settings["profile"], given.settings["profile"]) == ("vlm", "v1")
    assert guessed.fingerprint != given.fingerprint


def test_an_encoder_knows_the_weight_file_that_it_was_loaded_from(cached, monkeypatch, tmp_path, small_state) -> None:
    """Only one loaded by its path: names are loaded by name again. The fingerprint does not depend on the place."""
    path = tmp_path / "mine.pt"
    torch.save(small_state, path)
    mine = load_encoder(path, device="cpu")
    monkeypatch.chdir(tmp_path)
    assert mine.weights == load_encoder("./mine.pt", device="cpu").weights == path
    moved = path.rename(tmp_path / "renamed.pt")
    assert load_encoder(moved, device="cpu").fingerprint == mine.fingerprint
    use(monkeypatch, stand_in(cached))
    assert load_encoder(V1.name, device="cpu").weights is None
    assert load_encoder(cached, device="cpu").weights == cached


def test_names_devices_and_profiles_that_do_not_exist() -> None:
    with pytest.raises(UsageError, match="unknown encoder 'clip'; expected comic-panel-encoder-v1"):
        load_encoder("clip")
    with pytest.raises(UsageError, match="device 'abacus' cannot be used"):
        load_encoder("small", device="abacus")
    with pytest.raises(UsageError, match="unknown input profile 'v2'; expected one of v1, vlm"):
        load_encoder("small", profile="v2")


def test_another_text_encoder_is_refused(tmp_path, monkeypatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    monkeypatch.setattr(weight_files, "minilm_folder", lambda: tmp_path)
    with pytest.raises(CheckpointError, match="not the published all-MiniLM-L6-v2"):
        load_encoder("small")


def test_a_damaged_small_checkpoint_is_refused(tmp_path, monkeypatch) -> None:
    (tmp_path / "small.json").write_text((weight_files.WEIGHTS / "small.json").read_text())
    monkeypatch.setattr(weight_files, "WEIGHTS", tmp_path)
    with pytest.raises(CheckpointError, match=r"small\.safetensors: the file is missing"):
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
