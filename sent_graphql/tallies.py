"""Counts that parts keep of what they do, for whoever asks."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Tally:
    """How often something was done, how often in vain, and the seconds that it took in all."""

    __slots__ = ("count", "failures", "seconds")

    def __init__(self) -> None:
        self.count = 0
        self.failures = 0
        self.seconds = 0.0

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Counts what is done within; what is left by an error or cancelled counts as in vain."""
        began = time.perf_counter()
        try:
            yield
        except BaseException:
            self.failures += 1
            raise
        finally:
            self.count += 1
            self.seconds += time.perf_counter() - began
