"""Fetching files in the background while the other parts start."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from paytools.localstack import artifacts
from paytools.localstack.steps import Steps


class Fetched:
    """The files of one part, once `steps` has run through."""

    def __init__(self, part: str, *, cache: Path) -> None:
        self._part = part
        self._cache = cache
        self._progress = "checking the downloads"
        self.paths: list[Path] = []

    def steps(self) -> Steps:
        """Yield progress until all files are there and verified."""
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(artifacts.provide, artifacts.locked(self._part), self._cache, report=self._report)
            while not future.done():
                yield self._progress
            self.paths = future.result()

    def _report(self, done: int, total: int) -> None:
        self._progress = f"fetching and checking {done}/{total}"
