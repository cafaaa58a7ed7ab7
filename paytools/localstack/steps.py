"""How parts come up side by side in one thread."""

from collections.abc import Generator

Steps = Generator[str, None, None]
"""Work that yields a word of progress whenever it has to wait, and goes on when it is asked again."""
