"""Every error that this program raises on purpose, without HTTP and without personal data.

A `RecallError` refuses a request, over HTTP or from the command line. An `OperationalError` ends a command: a setting,
the database or a process does not work. Facts are attributes; the text is for a person.
"""

from pathlib import Path
from typing import ClassVar, NamedTuple


class _ExplainedError(Exception):
    def __init__(self, message: str = "") -> None:
        """Keep the message, or the class's first docstring line where there is none."""
        super().__init__(message or (self.__doc__ or "").partition("\n")[0])


class RecallError(_ExplainedError):
    """Anything the service refuses knowingly. `code` is stable: other programs read it."""

    code: ClassVar[str]

    def __init_subclass__(cls, *, code: str) -> None:
        """Name the code beside the class."""
        cls.code = code


class UnknownPetitionError(RecallError, code="unknown_petition"):
    """There is no such petition in this county."""


class UnknownLineError(RecallError, code="unknown_place"):
    """There is no signature at this place: check section, page and line."""


class UnknownVoterError(RecallError, code="unknown_voter"):
    """The active roll has no voter of this number."""


class PetitionClosedError(RecallError, code="petition_closed"):
    """The petition is closed: its count does not change any more."""


class UndecidedLinesError(RecallError, code="undecided_lines"):
    """Lines are still received, in review or unsettled: the count cannot end yet."""


class NoCheckpointError(RecallError, code="no_checkpoint"):
    """There is no such checkpoint, or none yet."""


class UnknownEntryError(RecallError, code="unknown_entry"):
    """The ledger has no such entry, or was never of that size."""


class CheckpointRefusedError(RecallError, code="checkpoint_refused"):
    """The ledger does not continue its last checkpoint, or time went back: run a verification."""


class CheckpointKeyError(RecallError, code="checkpoint_key"):
    """The file of the key that signs checkpoints holds no Ed25519 key."""


class IdempotencyConflictError(RecallError, code="idempotency_key_reused"):
    """This Idempotency-Key was used before with other content. Nothing was changed."""


class InvalidPetitionError(RecallError, code="invalid_petition"):
    """The petition cannot be opened like this."""


class FindingRefusedError(RecallError, code="finding_refused"):
    """This finding is not allowed here."""


class SupervisorNeededError(RecallError, code="supervisor_needed"):
    """Another person decided this line: a reversal needs a supervisor and a note."""


class WithdrawalRefusedError(RecallError, code="withdrawal_refused"):
    """This withdrawal cannot be recorded."""


class UnknownWithdrawalError(RecallError, code="unknown_withdrawal"):
    """There is no such withdrawal."""


class NoRollError(RecallError, code="no_roll"):
    """The county has no active roll."""


class NotDrawnError(RecallError, code="not_drawn"):
    """This line is not one of those to be checked."""


class AlreadyCheckedError(RecallError, code="already_checked"):
    """This line has been checked already: each has one independent answer."""


class LookupBudgetError(RecallError, code="lookup_budget"):
    """This principal's lookups of today are used up."""

    def __init__(self, retry_after: int) -> None:
        """Keep the number of seconds until the next day."""
        super().__init__()
        self.retry_after = retry_after


class InvalidKeyError(RecallError, code="invalid_key"):
    """Such a key cannot be issued."""


class KeyLimitError(RecallError, code="key_limit"):
    """This principal has two live keys already: revoke one first."""


class UnknownKeyError(RecallError, code="unknown_key"):
    """There is no such key in this county."""


class BusyError(RecallError, code="busy"):
    """The service is at its limit. Try again shortly."""


class FileFault(NamedTuple):
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

    def __init__(self, *faults: FileFault | str) -> None:
        """Keep the faults; a text alone is a fault of the file as a whole."""
        self.faults = tuple(FileFault(fault) if isinstance(fault, str) else fault for fault in faults)
        super().__init__("; ".join(map(str, self.faults)))

    def __reduce__(self) -> tuple[type["FileFaults"], tuple[FileFault, ...]]:
        """Let it be pickled with its faults."""
        return type(self), self.faults


class RollError(FileFaults, RecallError, code="roll_refused"):
    """The file is not a roll that can be used. Nothing of it was loaded, and the roll in use stays."""


class AliasesError(FileFaults, RecallError, code="aliases_refused"):
    """The file is not a table of aliases that can be used. Nothing of it was loaded, and the table in use stays."""


class UnknownCountyError(RecallError, code="unknown_county"):
    """There is no such county: load its roll first."""


class RollLoadingError(RecallError, code="roll_loading"):
    """Another load of this county's roll is running."""


class UnknownRollError(RecallError, code="unknown_roll"):
    """The county's roll has no such version, or the version cannot be used like this."""


class RollOutdatedError(RecallError, code="roll_outdated"):
    """The roll is complete through an earlier day than the one in use."""


class RollKeysError(RecallError, code="roll_keys"):
    """The roll was loaded by a version of this program whose search keys were others: load the file again."""


class CountyCodeError(RecallError, code="county_code"):
    """A county's code is one to 32 letters, digits, hyphens and underscores, a letter or digit first."""


class OperationalError(_ExplainedError):
    """Something that this program needs does not work. The text is one line for the person who started it."""


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
