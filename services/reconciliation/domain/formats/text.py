"""Bytes to lines of text, of bounded length, with no byte left over."""

import codecs
import io
import re
from collections.abc import Iterable, Iterator

from services.reconciliation.domain.formats.limits import LINE_CHARS_MAX
from services.reconciliation.domain.formats.refusals import StatementFileInvalid, file_invalid

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_END = re.compile(r"\r\n|\r|\n")
_UTF8_MARK_MISREAD = "\u00ef\u00bb\u00bf"
_CODECS = {"utf-8": "utf-8-sig"}


def lines_of_text(chunks: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Yield lines with their ends: LF, CRLF or CR, mixed as they may be; the last may have none.

    Raises:
        StatementFileInvalid: It is empty, is not in that encoding, ends within a character, holds a control character
            or a line beyond LINE_CHARS_MAX; with its line.
    """
    decoder = codecs.getincrementaldecoder(_CODECS.get(encoding, encoding))(errors="strict")
    tail, line_no = "", 1
    for text in _decoded(decoder, chunks):
        if line_no == 1 and not tail and text.startswith(_UTF8_MARK_MISREAD):
            raise file_invalid(f"begins with the byte order mark of UTF-8, and is to be read as {encoding}")
        _refuse_control(text, tail, line_no)
        lines = io.StringIO(tail + text, newline="").readlines()
        tail = lines.pop() if lines and not lines[-1].endswith("\n") else ""
        for line in lines:
            _bound(line, line_no)
            line_no += 1
            yield line
        _bound(tail, line_no)
    if tail:
        # A CR at the very end of what was read so far may have been half of CRLF.
        yield from io.StringIO(tail, newline="")
    elif line_no == 1:
        raise file_invalid("is empty")


def _decoded(decoder: codecs.IncrementalDecoder, chunks: Iterable[bytes]) -> Iterator[str]:
    line_no, after_cr = 1, False
    try:
        for chunk in chunks:
            text = decoder.decode(chunk)
            ends = len(_LINE_END.findall(text)) if "\r" in text else text.count("\n")
            line_no += ends - (after_cr and text.startswith("\n"))
            after_cr = text.endswith("\r") or (after_cr and not text)
            yield text
        yield decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise _undecodable(error, line_no) from None


def _undecodable(error: UnicodeError, line_no: int) -> StatementFileInvalid:
    """Refuse bytes that are no text, and name the line that they stand on."""
    if isinstance(error, UnicodeDecodeError):
        before = error.object[: error.start].decode(error.encoding, errors="ignore")
        return file_invalid(f"is not {error.encoding}: {error.reason}", line=line_no + len(_LINE_END.findall(before)))
    return file_invalid(str(error), line=line_no)


def _refuse_control(text: str, tail: str, line_no: int) -> None:
    control = _CONTROL.search(text)
    if control is not None:
        at = line_no + len(_LINE_END.findall(tail + text[: control.start()]))
        raise file_invalid(f"holds the control character U+{ord(control[0]):04X}", line=at)


def _bound(line: str, line_no: int) -> None:
    if len(line) > LINE_CHARS_MAX:
        raise file_invalid(f"has more than {LINE_CHARS_MAX} characters", line=line_no)
