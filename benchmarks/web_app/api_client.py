"""Clients of the endpoint, and many of them at once."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from .questions import ARGUMENTS


class ApiClient:
    """One question through the endpoint, as a program asks it."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}gradio_api/call/search_panels"

    def __call__(self, arguments: dict[str, Any], client: int = 0) -> dict[str, Any]:
        """Return the answer. Raises `RuntimeError` with the server's reply if it is an error.

        client: number of the client; each has an address of its own, as a proxy reports it.
        """
        body = json.dumps({"data": list((ARGUMENTS | arguments).values())}).encode()
        headers = {"content-type": "application/json", "x-forwarded-for": f"192.0.2.{client}"}
        try:
            with urlopen(Request(self._url, body, headers), timeout=300) as reply:
                event = json.load(reply)["event_id"]
            with urlopen(Request(f"{self._url}/{event}", headers=headers), timeout=300) as stream:
                text = stream.read().decode()
        except HTTPError as error:
            raise RuntimeError(f"HTTP {error.code}: {error.read().decode(errors='replace')[:200]}") from error
        name, _, data = text.strip().rpartition("\n\n")[2].partition("\n")
        if name != "event: complete":
            raise RuntimeError(text.strip()[:200])
        answer: dict[str, Any] = json.loads(data.removeprefix("data: "))[0]
        return answer


@dataclass
class Load:
    """Answers and errors of many clients. seconds: of each answer. errors: of the others. lasted: seconds in all."""

    seconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    lasted: float = 0.0

    @property
    def rate(self) -> float:
        """Return the answers a second."""
        return len(self.seconds) / self.lasted if self.lasted else 0.0


def load(ask: ApiClient, question: Callable[[int], dict[str, Any]], clients: int, seconds: float) -> Load:
    """Let clients ask for so many seconds, each its next question as soon as it has an answer.

    question: returns the arguments of a question by its number; all numbers of a load are different. The last
    questions of all clients are waited for, and count.
    """
    found, stopped, lock = Load(), threading.Event(), threading.Lock()

    def client(number: int) -> None:
        place = number
        while not stopped.is_set():
            began = time.perf_counter()
            try:
                ask(question(place), number)
            except Exception as error:  # whatever a client meets is counted
                with lock:
                    found.errors[f"{type(error).__name__}: {str(error)[:160]}"] += 1
                continue
            finally:
                place += clients
            with lock:
                found.seconds.append(time.perf_counter() - began)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    try:
        stopped.wait(seconds)
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    found.lasted = time.perf_counter() - began
    return found
