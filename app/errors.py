"""Every error that this program raises on purpose, without HTTP and without personal data.

A `RecallError` refuses a request, over HTTP or from the command line. An `OperationalError` ends a command: a setting,
the database or a process does not work. Facts are attributes; the text is for a person.
"""

from pathlib import Path
from typing import NamedTuple


class RecallError(Exception):
    """Anything the service refuses knowingly. `code` is stable: other programs read it."""

    code = "error"

    def __init__(self, message: str = "") -> None:
        """Keep the message, or the class's first docstring line where there is none."""
        super().__init__(message or (self.__doc__ or "").partition("\n")[0])


class UnknownPetitionError(RecallError):
    """There is no such petition in this county."""

    code = "unknown_petition"


class UnknownLineError(RecallError):
    """There is no signature at this place: check section, page and line."""

    code = "unknown_place"


class UnknownVoterError(RecallError):
    """The active roll has no voter of this number."""

    code = "unknown_voter"


class PetitionClosedError(RecallError):
    """The petition is closed: its count does not change any more."""

    code = "petition_closed"


class UndecidedLinesError(RecallError):
    """Lines are still received, in review or unsettled: the count cannot end yet."""

    code = "undecided_lines"


class NoCheckpointError(RecallError):
    """There is no such checkpoint, or none yet."""

    code = "no_checkpoint"


class UnknownEntryError(RecallError):
    """The ledger has no such entry, or was never of that size."""

    code = "unknown_entry"


class CheckpointRefusedError(RecallError):
    """The ledger does not continue its last checkpoint, or time went back: run a verification."""

    code = "checkpoint_refused"


class CheckpointKeyError(RecallError):
    """The file of the key that signs checkpoints holds no Ed25519 key."""

    code = "checkpoint_key"


class IdempotencyConflictError(RecallError):
    """This Idempotency-Key was used before with other content. Nothing was changed."""

    code = "idempotency_key_reused"


class InvalidPetitionError(RecallError):
    """The petition cannot be opened like this."""

    code = "invalid_petition"


class FindingRefusedError(RecallError):
    """This finding is not allowed here."""

    code = "finding_refused"


class SupervisorNeededError(RecallError):
    """Another person decided this line: a reversal needs a supervisor and a note."""

    code = "supervisor_needed"


class WithdrawalRefusedError(RecallError):
    """This withdrawal cannot be recorded."""

    code = "withdrawal_refused"


class UnknownWithdrawalError(RecallError):
    """There is no such withdrawal."""

    code = "unknown_withdrawal"


class NoRollError(RecallError):
    """The county has no active roll."""

    code = "no_roll"


class NotDrawnError(RecallError):
    """This line is not one of those to be checked."""

    code = "not_drawn"


class AlreadyCheckedError(RecallError):
    """This line has been checked already: each has one independent answer."""

    code = "already_checked"


class LookupBudgetError(RecallError):
    """This principal's lookups of today are used up. `retry_after` is the number of seconds until the next day."""

    code = "lookup_budget"

    def __init__(self, message: str = "", retry_after: int = 1) -> None:
        """Keep when to come again."""
        super().__init__(message or "This principal's lookups of today are used up.")
        self.retry_after = retry_after


class InvalidKeyError(RecallError):
    """Such a key cannot be issued."""

    code = "invalid_key"


class KeyLimitError(RecallError):
    """This principal has two live keys already: revoke one first."""

    code = "key_limit"


class UnknownKeyError(RecallError):
    """There is no such key in this county."""

    code = "unknown_key"


class BusyError(RecallError):
    """The service is at its limit. Try again shortly."""

    code = "busy"


class Fault(NamedTuple):
    """One thing that is wrong with a file. Its text never repeats a value of the file: that may be personal data."""

    why: str
    row: int | None = None  # rows under the header, from 1; None where the header or the file as a whole is at fault
    column: str | None = None  # its canonical name, or the file's own where the format has another

    def __str__(self) -> str:
        """As a person reads it, like `row 2, column zip: longer than 10 characters`."""
        where = [f"row {self.row}"] * bool(self.row) + [f"column {self.column}"] * bool(self.column)
        return f"{', '.join(where)}: {self.why}" if where else self.why


class FileFaults(Exception):  # noqa: N818 - not an error of its own: what the refusals of files have in common
    """What is wrong with a file, as `faults` and as one text."""

    def __init__(self, *faults: Fault | str) -> None:
        """Keep the faults; a text alone is a fault of the file as a whole."""
        self.faults = tuple(Fault(fault) if isinstance(fault, str) else fault for fault in faults)
        super().__init__("; ".join(map(str, self.faults)))

    def __reduce__(self) -> tuple[type["FileFaults"], tuple[Fault, ...]]:
        """Let it be pickled with its faults."""
        return type(self), self.faults


class RollError(FileFaults, RecallError):
    """The file is not a roll that can be used. Nothing of it was loaded, and the roll in use stays."""

    code = "roll_refused"


class AliasesError(FileFaults, RecallError):
    """The file is not a table of aliases that can be used. Nothing of it was loaded, and the table in use stays."""

    code = "aliases_refused"


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


class OperationalError(Exception):
    """Something that this program needs does not work. The text is one line for the person who started it."""

    def __init__(self, message: str = "") -> None:
        """Keep the message, or the class's first docstring line where there is none."""
        super().__init__(message or (self.__doc__ or "").partition("\n")[0])


class SettingsError(OperationalError):
    """A setting that cannot be used; the text names it and never its value."""


class ServerError(OperationalError):
    """The embedded database server cannot be used."""


class NoDatabaseError(OperationalError):
    """The folder that DATA_DIR names has no database."""

    def __init__(self, data_dir: Path) -> None:
        """Say how to make one."""
        super().__init__(
            f"there is no database in {data_dir}: set DATA_DIR to the folder that `serve` uses, or make a new database"
            " there with `python -m app serve` or `python -m app migrate`"
        )


class DatabaseConnectionError(OperationalError):
    """The database that DATABASE_URL names cannot be reached. The text says why, without the address."""


class SchemaError(OperationalError):
    """The schema of the database is not that of this program."""


class WorkerDiedError(OperationalError):
    """A worker process ended before its work was done."""


class WorkerFailedError(OperationalError):
    """A worker process met an error that it was not written to handle; the text is the name of its type."""
