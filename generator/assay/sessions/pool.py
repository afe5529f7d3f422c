"""The pool: jobs are asked for by threads, a few at a time, and answered as they end.

Law: as many answers come out as jobs went in, or the first error does; nothing waits for ever.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Generic, TypeVar

from .setup import Started

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Pool(Generic[Asked, Answer]):
    """Runs *ask* for numbered jobs in *workers* daemon threads; an interrupt ends it at once."""

    def __init__(self, ask: Callable[[Asked], Answer], started: Started, workers: int) -> None:
        self._ask, self._started, self._workers = ask, started, workers
        self._waiting: queue.SimpleQueue[tuple[int, Asked] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[int, Answer | BaseException]] = queue.SimpleQueue()

    def run(self, jobs: Iterable[tuple[int, Asked]]) -> Iterator[tuple[int, Answer]]:
        """Yield the answer of each job as it comes; raise the first error that is met."""
        numbered = list(jobs)
        for job in numbered:
            self._waiting.put(job)
        for _ in range(min(self._workers, len(numbered))):
            self._waiting.put(None)
            threading.Thread(target=self._work, daemon=True).start()
        for _ in numbered:
            number, answer = self._done.get()
            if isinstance(answer, BaseException):
                raise answer
            yield number, answer

    def _work(self) -> None:
        while (item := self._waiting.get()) is not None:
            number, job = item
            try:
                self._started(number)
                self._done.put((number, self._ask(job)))
            except BaseException as error:  # noqa: BLE001 - raised again where it is seen
                self._drop()
                self._done.put((number, error))

    def _drop(self) -> None:
        """Take what waits out of the queue, so that threads end with what they are at."""
        with suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
        for _ in range(self._workers):
            self._waiting.put(None)
