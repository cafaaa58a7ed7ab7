"""What is refused of a statement file: always the whole file, with the first place that is wrong and the rule."""

from paykit.errors import DomainError, Kind

_SHOWN_CHARS_MAX = 40


class StatementLineInvalid(DomainError):
    """A line of a statement file breaks a rule; metadata says `line`, `column` and `rule`. Nothing is imported."""

    kind = Kind.INVALID_ARGUMENT
    reason = "STATEMENT_LINE_INVALID"


class StatementFileInvalid(DomainError):
    """A statement file as a whole cannot be read; metadata says `rule`, and `line` where there is one."""

    kind = Kind.INVALID_ARGUMENT
    reason = "STATEMENT_FILE_INVALID"


class StatementMappingInvalid(DomainError):
    """The mapping cannot be applied, or does not fit the file; metadata says `column` and `rule`."""

    kind = Kind.INVALID_ARGUMENT
    reason = "STATEMENT_MAPPING_INVALID"


class StatementBalanceMismatch(DomainError):
    """Opening balance and entries do not give the closing balance; metadata says what each is, in minor units."""

    kind = Kind.INVALID_ARGUMENT
    reason = "STATEMENT_BALANCE_MISMATCH"


class CellInvalid(Exception):
    """A value breaks a rule; `rule` names it."""

    def __init__(self, rule: str, value: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.value = value


def line_invalid(rule: str, *, line: int, column: str, value: str = "") -> StatementLineInvalid:
    """Refuse a file for one of its lines; what stands there is shown in part, with its control characters escaped."""
    shown = f": {value[:_SHOWN_CHARS_MAX]!r}" if value else ""
    message = f"Line {line}, {column}: {rule}{shown}."
    return StatementLineInvalid(message, field="file", line=str(line), column=column, rule=rule)


def file_invalid(rule: str, *, line: int | None = None) -> StatementFileInvalid:
    """Refuse a file for what it is as a whole."""
    place = {} if line is None else {"line": str(line)}
    where = "" if line is None else f"Line {line}: "
    return StatementFileInvalid(f"{where}{rule}.", field="file", rule=rule, **place)


def mapping_invalid(rule: str, *, column: str) -> StatementMappingInvalid:
    """Refuse a mapping."""
    return StatementMappingInvalid(f"Mapping of {column}: {rule}.", field="header.mapping", column=column, rule=rule)
