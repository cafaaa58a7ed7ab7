"""What the protos say for people, by the full name of what it stands above."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

Comments = Mapping[str, str]

_PARTS: Mapping[str, Mapping[int, str]] = {
    "FileDescriptorProto": {4: "message_type", 5: "enum_type", 6: "service"},
    "DescriptorProto": {2: "field", 3: "nested_type", 4: "enum_type", 8: "oneof_decl"},
    "EnumDescriptorProto": {2: "value"},
    "ServiceDescriptorProto": {2: "method"},
}
"""Which number in a path of SourceCodeInfo is which list of named things."""
_PARAGRAPHS = re.compile(r"\n\s*\n")


def comments(files: FileDescriptorSet) -> dict[str, str]:
    """Return the comment above each thing of files that were compiled with their source info.

    Lines of a paragraph are joined; paragraphs are a blank line apart.
    """
    return {name: text for file in files.file for name, text in _of_file(file)}


def _of_file(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    for location in file.source_code_info.location:
        name = _name(file, list(location.path))
        if name and location.leading_comments:
            yield f"{file.package}.{name}", joined(location.leading_comments)


def _name(file: FileDescriptorProto, path: list[int]) -> str:
    """Return the name in the file of what a path leads to; empty where that has none."""
    names: list[str] = []
    at: Any = file
    while path:
        part = _PARTS.get(at.DESCRIPTOR.name, {}).get(path[0])
        if part is None or len(path) == 1:
            return ""
        at = getattr(at, part)[path[1]]
        names.append(at.name)
        path = path[2:]
    return ".".join(names)


def joined(comment: str) -> str:
    """Join the lines of each paragraph."""
    return "\n\n".join(" ".join(part.split()) for part in _PARAGRAPHS.split(comment.strip()))
