"""What can be wrong with a roll or a table of aliases, said with the row and the column and never with the value."""

from app.domain.errors import RecallError


def _located(why: str, row: int | None, column: str | None) -> str:
    where = ", ".join(part for part in (f"row {row}" if row else "", f"column {column}" if column else "") if part)
    return f"{where}: {why}" if where else why


class RollError(RecallError):
    """The file is not a roll that can be used. Nothing of it was loaded, and the roll in use is untouched.

    `row` counts the rows under the header from 1 and is None where the file as a whole is at fault; `column` is the
    canonical name of the column, or the file's own where the format has another; `why` never repeats the value.
    """

    code = "roll_refused"

    def __init__(self, why: str, *, row: int | None = None, column: str | None = None) -> None:
        """Keep the facts; the message puts them together."""
        super().__init__(_located(why, row, column))
        self.why = why
        self.row = row
        self.column = column

    def __reduce__(self) -> tuple[type["RollError"], tuple[str], dict[str, object]]:
        """Travel between processes with the facts."""
        return RollError, (self.why,), {"row": self.row, "column": self.column, "args": self.args}


class AliasesError(RecallError):
    """The file is not a table of aliases that can be used. Nothing of it was loaded, and the one in use is untouched.

    `row`, `column` and `why` are as for a roll.
    """

    code = "aliases_refused"

    def __init__(self, why: str, *, row: int | None = None, column: str | None = None) -> None:
        """Keep the facts; the message puts them together."""
        super().__init__(_located(why, row, column))
        self.why = why
        self.row = row
        self.column = column


class UnknownCountyError(RecallError):
    """There is no such county: load its roll first."""

    code = "unknown_county"


class RollLoadingError(RecallError):
    """Another load of this county's roll is running."""

    code = "roll_loading"


class UnknownRollError(RecallError):
    """There is no such version of this county's roll that can be used like this."""

    code = "unknown_roll"


class RollOutdatedError(RecallError):
    """The roll is complete through an earlier day than the one in use."""

    code = "roll_outdated"


class RollKeysError(RecallError):
    """The roll was loaded by a version of this program whose search keys were others: load the file again."""

    code = "roll_keys"


class CountyCodeError(RecallError):
    """A county's code is one to 32 letters, digits, hyphens and underscores, a letter or digit first."""

    code = "county_code"
