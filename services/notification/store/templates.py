"""The templates that ship, read once in a process."""

from functools import cache
from importlib import resources

from services.notification.domain.rendering import Templates

_FILES = resources.files("services.notification").joinpath("templates")
_ENDING = ".j2"


@cache
def templates() -> Templates:
    """Read and compile the templates."""
    return Templates(
        {
            f"{folder.name}/{file.name.removesuffix(_ENDING)}": file.read_text(encoding="utf-8")
            for folder in _FILES.iterdir()
            if folder.is_dir()
            for file in folder.iterdir()
            if file.name.endswith(_ENDING)
        }
    )
