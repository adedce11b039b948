"""Limits of requests: bytes, time, places, memory, failed logins, uploads on disk."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from retrieval.errors import PictureError, UsageError
from tests.web.loops import run_coroutine
from ui.web import memory
from ui.web.memory import MIB, MemoryBudget, MemoryLimits, decoding_upload, memory_limits
from ui.web.security import bodies
from ui.web.security.bodies import BoundedBody, NotRead, Refusal, check_json, patient
from ui.web.security.logins import LoginGuard
from ui.web.security.shares import Shares
from ui.web.security.uploads import UploadShelf


def body(parts: Sequence[bytes], most: int, **headers: str) -> BoundedBody:
    """Return a body that arrives in parts."""
    left = list(parts)

    async def receive() -> Any:
        if not left:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return BoundedBody({"headers": raw}, receive, most)


def refused(work: Any) -> int:
    """Return the status of the refusal that work ends with."""
    with pytest.raises(Refusal) as error:
        run_coroutine(work()) if asyncio.iscoroutinefunction(work) else work()
    return error.value.status


def test_a_body_within_its_limits_is_read() -> None:
    assert run_coroutine(body([b"ab", b"", b"c"], 3).read()) == b"abc"


def test_a_body_is_counted_while_it_arrives() -> None:
    """Without a length, with a small one, and with too large a one before anything is read."""
    assert refused(body([b"ab", b"cd"], 3).read) == 413
    assert refused(body([b"ab", b"cd"], 3, content_length="1").read) == 413
    assert refused(lambda: body([], 3, content_length="4")) == 413
    assert refused(lambda: body([], 3, content_encoding="gzip")) == 415


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that comes byte by byte."""
    monkeypatch.setattr(bodies, "IDLE_SECONDS", 0.1)
    monkeypatch.setattr(bodies, "SLOWEST", 100)

    async def drop() -> Any:
        await asyncio.sleep(0.04)
        return {"type": "http.request", "body": b"x", "more_body": True}

    class Waits:
        async def __call__(self) -> Any:
            await asyncio.sleep(60)

    for receive in (drop, Waits()):
        started = time.monotonic()
        assert refused(BoundedBody({"headers": []}, receive, 1000).read) == 408
        assert time.monotonic() - started < 2


def test_an_answer_that_is_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SEND_SECONDS", 0.05)

    async def stuck(_: Any) -> None:
        await asyncio.sleep(60)

    with pytest.raises(NotRead):
        run_coroutine(patient(stuck)({"type": "http.response.body"}))


@pytest.mark.parametrize(
    "large",
    [
        b'{"data":[' + b"{}," * 400_000 + b"0]}",
        b'{"data":["' + b"\\u0041" * 200_000 + b'"]}',
        b'{"data":["' + "\u00e9".encode() * 600_000 + b'"]}',
        b"[" * 2_000_000,
    ],
)
def test_only_an_image_may_be_large(large: bytes) -> None:
    """A megabyte of small values would take thirty; base64 has none of their marks."""
    assert refused(lambda: check_json(large)) == 413
    check_json(large[: 2**20])
    check_json(b'{"data":["", "data:image/png;base64,' + b"A" * 3 * MIB + b'"]}')


@pytest.mark.parametrize(
    "file",
    [
        '{"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}',
        '{"path": "x", "url": "http://127.0.0.1/", "\\u006deta": {"_type": "gradio.FileData"}}',
        '[[{"a": [{"path": "x", "meta": {}}]}]]',
    ],
)
def test_objects_that_stand_for_files_are_refused(file: str) -> None:
    """Gradio would open the file, or fetch it from its address."""
    assert refused(lambda: check_json(f'{{"data": ["", {file}]}}'.encode())) == 400
    check_json(b'{"data": ["metadata \\u0041", {"_meta": 1}]}')


def test_shares_of_one_visitor_and_of_all() -> None:
    async def run() -> list[int]:
        places = Shares(2, 3, 0.05)
        statuses = []
        async with places.take("a"), places.take("a"), places.take("b"):
            for client in ("a", "c"):
                try:
                    async with places.take(client):
                        statuses.append(200)
                except Refusal as refusal:
                    statuses.append(refusal.status)
        async with places.take("c"):
            statuses.append(200)
        return statuses

    assert run_coroutine(run()) == [503, 503, 200]


def test_only_so_many_requests_of_one_visitor_wait() -> None:
    """Each holds a connection; those of another visitor still wait and are served."""

    async def run() -> tuple[int, bool]:
        places = Shares(1, 2, 0.3)

        async def ask(client: str) -> int:
            try:
                async with places.take(client):
                    await asyncio.sleep(0.2)
                    return 200
            except Refusal as refusal:
                return refusal.status

        tasks = [asyncio.create_task(ask("a")) for _ in range(60)]
        await asyncio.sleep(0.05)
        at_once = sum(task.done() for task in tasks)
        other = await ask("b")
        await asyncio.gather(*tasks)
        return at_once, other == 200

    assert run_coroutine(run()) == (60 - 1 - 36, True)


def test_a_share_waits_until_it_is_free() -> None:
    """Also for what is taken elsewhere."""

    async def run() -> bool:
        elsewhere = [5]
        places = Shares(10, 10, 5.0, lambda: elsewhere[0])

        async def end() -> None:
            await asyncio.sleep(0.1)
            elsewhere[0] = 0

        task = asyncio.create_task(end())
        async with places.take("a", 8):
            await task
            return True

    assert run_coroutine(run())


class Clock:
    """A clock that tests move."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_failed_logins_slow_down() -> None:
    """Those of one visitor more and more, those of others hardly; a success and a quarter of an hour forget them."""
    clock = Clock()
    guard = LoginGuard(clock)
    delays = []
    for _ in range(10):
        delays.append(guard.delay("a"))
        guard.note("a", failed=True)
    assert delays == [0, 0, 0, 1, 2, 4, 8, 16, 30, 30]
    assert guard.delay("b") == 0
    for number in range(100):
        guard.note(f"botnet {number}", failed=True)
    assert guard.delay("b") == 2
    clock.now = 61
    assert guard.delay("b") == 0
    clock.now = 1000
    assert guard.delay("a") == 0
    guard.note("c", failed=True)
    guard.note("c", failed=False)
    assert guard.delay("c") == 0


def test_logins_of_one_visitor_wait_for_each_other() -> None:
    """More than a person starts are refused; another visitor is not held up."""

    async def run() -> tuple[int, float]:
        guard = LoginGuard()
        running = most = 0

        async def attempt() -> bool:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.02)
            running -= 1
            return False

        found = await asyncio.gather(*(guard.login("a", attempt) for _ in range(20)), return_exceptions=True)
        assert most == 1
        started = time.monotonic()
        await guard.login("b", attempt)
        return sum(isinstance(each, Refusal) and each.status == 429 for each in found), time.monotonic() - started

    refusals, taken = run_coroutine(run())
    assert refusals == 16
    assert taken < 1


def upload(shelf: UploadShelf, folder: Path, client: str, name: str, size: int) -> Path:
    path = folder / name / "image.png"
    path.parent.mkdir()
    path.write_bytes(bytes(size))
    shelf.note(client, json.dumps([str(path)]).encode())
    return path


def test_uploads_are_bounded_by_visitor_and_in_sum(tmp_path: Path) -> None:
    """A visitor's oldest make room for the newest; those of others stay, until there is no room at all."""
    limits = MemoryLimits(120 * MIB)  # 30 MB a visitor, uploads of up to 4 MB
    shelf = UploadShelf(tmp_path, limits, 3600)
    other = upload(shelf, tmp_path, "b", "other", MIB)
    first, *_, last = [upload(shelf, tmp_path, "a", str(i), 4 * MIB) for i in range(9)]
    assert (first.exists(), last.exists(), other.exists()) == (False, True, True)
    shelf.check()
    for number in range(30):
        upload(shelf, tmp_path, f"c{number}", f"c{number}", 4 * MIB)
    assert refused(shelf.check) == 503


def test_old_and_unfinished_uploads_are_removed(tmp_path: Path) -> None:
    shelf = UploadShelf(tmp_path, MemoryLimits(), 0.0)
    path = upload(shelf, tmp_path, "a", "old", 1)
    unfinished = tmp_path / "tmpabc"
    unfinished.write_bytes(b"x")
    os.utime(unfinished, (0, 0))
    time.sleep(0.01)
    shelf.check()
    assert not path.exists()
    assert not unfinished.exists()


def test_an_answer_without_files_is_nothing(tmp_path: Path) -> None:
    for answer in (b"", b"null", b"{", b'["/nowhere"]', b"[1]"):
        UploadShelf(tmp_path, MemoryLimits(), 60).note("a", answer)


def test_the_bounds_follow_from_the_memory() -> None:
    """All of them fit into it together, whatever it is."""
    for gibibytes in (0.5, 0.75, 1.5, 8):
        limits = memory_limits(gibibytes)
        assert limits.decoding + limits.bodies < limits.total
        assert 3 * limits.body <= limits.bodies
    assert MemoryLimits().upload == 50 * MIB
    assert memory_limits(0.5).upload == 17 * MIB
    for few in (0.4, -1, float("nan")):
        with pytest.raises(UsageError, match="too little"):
            memory_limits(few)


def test_claims_wait_for_each_other_in_order() -> None:
    """Never more than the budget at once; a large claim is not overtaken by small ones for ever."""
    budget = MemoryBudget(10)
    taken = most = 0
    lock = threading.Lock()

    def work(size: int) -> None:
        nonlocal taken, most
        with budget.claim(size):
            with lock:
                taken += size
                most = max(most, taken)
            time.sleep(0.005)
            with lock:
                taken -= size

    threads = [threading.Thread(target=work, args=(size,)) for size in (4, 10, 3, 3, 7, 10, 2) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    assert most <= 10


def test_a_claim_that_is_not_granted_in_time_is_an_error() -> None:
    budget = MemoryBudget(10)
    with budget.claim(8):
        with pytest.raises(UsageError, match="busy"), budget.claim(5, wait=0.05):
            pass
        with budget.claim(2, wait=0.05):
            pass
    with budget.claim(100):  # takes all there is
        pass


def test_an_image_larger_than_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory._PROCESS, "decoding", MemoryBudget(100 * MIB))
    with (
        pytest.raises(PictureError, match=r"takes 200 MB of memory; the server has 100 MB"),
        decoding_upload(200 * MIB, 0),
    ):
        pass
    with decoding_upload(50 * MIB, 10), decoding_upload(20 * MIB, 10):
        pass
