"""The bounds of a statement file: beyond them it is refused, whatever it holds."""

FILE_BYTES_MAX = 1024 * 1024 * 1024
"""Bytes of one file."""
LINES_MAX = 2_000_000
"""Lines that money stands on, in one file."""
LINE_CHARS_MAX = 64 * 1024
"""Characters of one line of text, its end included."""
FIELD_CHARS_MAX = 16 * 1024
"""Characters of one field of a CSV file, and of one text in an XML file that is kept."""
COLUMNS_MAX = 256
"""Columns of a CSV file."""
STATEMENTS_MAX = 1_000
"""Statements in one file."""
TAG_LINES_MAX = 64
"""Lines of one field of an MT940 file: :86: has 6 by the standard, and more with some banks."""
DEPTH_MAX = 32
"""Elements inside one another in an XML file; camt.053 has 14."""
ELEMENTS_MAX = 100_000
"""Elements of an XML file in memory at once: an entry has some dozens, beside its transactions, which are forgotten."""
IDENTITY_CHARS_MAX = 200
"""Characters of a reference or of an identity."""
TEXT_CHARS_MAX = 2_000
"""Characters of a line's text that are kept: the longest that CAMT and MT940 have in use."""
