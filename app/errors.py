"""Every error that this program raises on purpose, without HTTP and without personal data.

A `RecallError` refuses a request, over HTTP or from the command line. An `OperationalError` ends a command: a setting,
the database or a process does not work. Facts are attributes; the text is for a person.
"""

from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

Kind = Literal["not_found", "conflict", "invalid", "forbidden", "too_many", "busy"]  # why a request is refused


class _ExplainedError(Exception):
    def __init__(self, message: str = "") -> None:
        """Keep the message, or the class's first docstring line where there is none."""
        super().__init__(message or (self.__doc__ or "").partition("\n")[0])


class RecallError(_ExplainedError):
    """Anything the service refuses knowingly. `code` is stable: other programs read it."""

    code: ClassVar[str]
    kind: ClassVar[Kind]

    def __init_subclass__(cls, *, code: str, kind: Kind) -> None:
        """Name both beside the class."""
        cls.code, cls.kind = code, kind


class UnknownPetitionError(RecallError, code="unknown_petition", kind="not_found"):
    """There is no such petition in this county."""


class UnknownLineError(RecallError, code="unknown_place", kind="not_found"):
    """There is no signature at this place: check section, page and line."""


class PlaceConflictError(RecallError, code="place_conflict", kind="conflict"):
    """A different entry is already recorded here. Ask a clerk to revise it."""


class UnknownVoterError(RecallError, code="unknown_voter", kind="invalid"):
    """The active roll has no voter of this number."""


class PetitionClosedError(RecallError, code="petition_closed", kind="conflict"):
    """The petition is closed: its count does not change any more."""


class UndecidedLinesError(RecallError, code="undecided_lines", kind="conflict"):
    """Lines are still received, in review or unsettled: the count cannot end yet."""


class OpenSectionsError(RecallError, code="open_sections", kind="conflict"):
    """A person must still look at sections: the count cannot end yet."""


class RawCountFrozenError(RecallError, code="raw_count_frozen", kind="conflict"):
    """The raw count is frozen: a line that enters or leaves it takes a correction by two people."""


class RawCountRefusedError(RecallError, code="raw_count_refused", kind="conflict"):
    """This cannot be done with the raw count now."""


class UnknownProposalError(RecallError, code="unknown_proposal", kind="not_found"):
    """This is not the petition's newest proposal."""


class SectionVoidError(RecallError, code="section_void", kind="conflict"):
    """The petition was filed: a section that comes later is void (EC 11222(b))."""


class SectionConflictError(RecallError, code="section_conflict", kind="conflict"):
    """The section is registered with other content. Nothing was changed."""


class UnknownSectionError(RecallError, code="unknown_section", kind="not_found"):
    """The section was not registered, and has neither dates nor lines."""


class SectionRefusedError(RecallError, code="section_refused", kind="invalid"):
    """This is not allowed of this section."""


class SectionDefectRefusedError(RecallError, code="section_defect_refused", kind="conflict"):
    """This cannot be done about a defect of the section now."""


class SectionDefectiveError(RecallError, code="section_defective", kind="conflict"):
    """The line's section is defective: its lines are decided as one, and the defect is taken back as one."""


class NoCheckpointError(RecallError, code="no_checkpoint", kind="not_found"):
    """There is no such checkpoint, or none yet."""


class UnknownEntryError(RecallError, code="unknown_entry", kind="not_found"):
    """The ledger has no such entry, or was never of that size."""


class CheckpointRefusedError(RecallError, code="checkpoint_refused", kind="conflict"):
    """The ledger does not continue its last checkpoint: run a verification. Nothing was changed."""


class CheckpointKeyError(RecallError, code="checkpoint_key", kind="busy"):
    """The file of the key that signs checkpoints holds no Ed25519 key."""


class IdempotencyConflictError(RecallError, code="idempotency_key_reused", kind="invalid"):
    """This Idempotency-Key was used before with other content. Nothing was changed."""


class InvalidPetitionError(RecallError, code="invalid_petition", kind="invalid"):
    """The petition cannot be opened like this."""


class RulesetRefusedError(RecallError, code="ruleset_refused", kind="invalid"):
    """No ruleset may be like this."""


class RulesetExistsError(RecallError, code="ruleset_exists", kind="conflict"):
    """There is a ruleset of this name, and a ruleset is never edited: add one with a new name."""


class UnknownRulesetError(RecallError, code="unknown_ruleset", kind="not_found"):
    """The county has no ruleset of this name."""


class RulesetChangeRefusedError(RecallError, code="ruleset_change_refused", kind="conflict"):
    """The petition's ruleset cannot be changed like this."""


class UnknownRulesetChangeError(RecallError, code="unknown_ruleset_change", kind="not_found"):
    """No such change of the petition's ruleset was proposed."""


class AttemptRecordedError(RecallError, code="attempt_recorded", kind="conflict"):
    """An attempt at this officer that began on this day is on record already."""


class FindingRefusedError(RecallError, code="finding_refused", kind="invalid"):
    """This finding is not allowed here."""


class SupervisorNeededError(RecallError, code="supervisor_needed", kind="forbidden"):
    """Another person decided this line: a reversal needs a supervisor and a note."""


class LineHeldError(RecallError, code="line_held", kind="conflict"):
    """Another person holds this line: decide another one, or wait until it is released or its lease ends."""


class LeaseOverError(RecallError, code="lease_over", kind="conflict"):
    """Your lease on this line has ended: claim the line again, or release it."""


class LineEscalatedError(RecallError, code="line_escalated", kind="conflict"):
    """This line was escalated: a supervisor decides it or returns it."""


class NotEscalatedError(RecallError, code="not_escalated", kind="conflict"):
    """This line is not escalated."""


class UnknownClaimError(RecallError, code="unknown_claim", kind="not_found"):
    """You hold no line by this claim: it ended, or is another person's."""


class ClaimLimitError(RecallError, code="claim_limit", kind="conflict"):
    """You hold as many lines as one person may: decide or release some first."""


class UnknownBulkError(RecallError, code="unknown_bulk_decision", kind="not_found"):
    """There is no such bulk decision."""


class BulkMovedError(RecallError, code="lines_moved", kind="conflict"):
    """Lines of this bulk decision were decided since its preview: what is done can be undone; preview the rest anew."""


class WithdrawalRefusedError(RecallError, code="withdrawal_refused", kind="invalid"):
    """This request to withdraw cannot be recorded or decided like this."""


class UnknownWithdrawalError(RecallError, code="unknown_withdrawal", kind="not_found"):
    """There is no such withdrawal."""


class NoRollError(RecallError, code="no_roll", kind="conflict"):
    """The county has no active roll."""


class NotDrawnError(RecallError, code="not_drawn", kind="conflict"):
    """This line is not one of those to be checked."""


class DecidedBeforeError(RecallError, code="decided_before", kind="conflict"):
    """You have decided this line before, or said something of it: another person must check it."""


class AlreadyCheckedError(RecallError, code="already_checked", kind="conflict"):
    """This line has been checked already: each has one independent answer."""


class ReadBudgetError(RecallError, code="lookup_budget", kind="too_many"):
    """This is more than what is left of the lines whose voter data this principal may read today."""

    def __init__(self, retry_after: int) -> None:
        """Keep the number of seconds until the next day."""
        super().__init__()
        self.retry_after = retry_after


class InvalidKeyError(RecallError, code="invalid_key", kind="invalid"):
    """Such a key cannot be issued."""


class NameTakenError(RecallError, code="name_taken", kind="conflict"):
    """Another person has a name that looks like this one: use that name exactly, or one that cannot be mistaken."""


class OwnKeyError(RecallError, code="own_key", kind="forbidden"):
    """A further key or role for a person needs another administrator than that person."""


class KeyLimitError(RecallError, code="key_limit", kind="conflict"):
    """This principal has two live keys already: revoke one first."""


class SectionNotAssignedError(RecallError, code="section_not_assigned", kind="forbidden"):
    """This section is not among those that this station was given: an administrator assigns them."""


class UnknownStationError(RecallError, code="unknown_station", kind="not_found"):
    """There is no station or system of this name in this county."""


class UnknownKeyError(RecallError, code="unknown_key", kind="not_found"):
    """There is no such key in this county."""


class BusyError(RecallError, code="busy", kind="busy"):
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


class RollError(FileFaults, RecallError, code="roll_refused", kind="invalid"):
    """The file is not a roll that can be used. Nothing of it was loaded, and the roll in use stays."""


class AliasesError(FileFaults, RecallError, code="aliases_refused", kind="invalid"):
    """The file is not a table of aliases that can be used. Nothing of it was loaded, and the table in use stays."""


class ReferenceConflictError(RecallError, code="reference_conflict", kind="conflict"):
    """A voter has another image on file under one of these ids. Nothing was added."""


class UnknownCountyError(RecallError, code="unknown_county", kind="not_found"):
    """There is no such county: load its roll first."""


class RollLoadingError(RecallError, code="roll_loading", kind="conflict"):
    """Another load of this county's roll is running."""


class UnknownRollError(RecallError, code="unknown_roll", kind="not_found"):
    """The county's roll has no such version, or the version cannot be used like this."""


class RollOutdatedError(RecallError, code="roll_outdated", kind="conflict"):
    """The roll is complete through an earlier day than the one in use."""


class RollKeysError(RecallError, code="roll_keys", kind="conflict"):
    """The roll was loaded by a version of this program whose search keys were others: load the file again."""


class CountyCodeError(RecallError, code="county_code", kind="invalid"):
    """A county's code is one to 32 letters, digits, hyphens and underscores, a letter or digit first."""


class OperationalError(_ExplainedError):
    """Something that this program needs does not work. The text is one line for the person who started it."""


class SettingsError(OperationalError):
    """A setting that cannot be used; the text names it and never its value."""


class ServerError(OperationalError):
    """The embedded database server cannot be used."""


class BackupError(OperationalError):
    """A backup cannot be made or restored."""


class NoDatabaseError(OperationalError):
    """The folder that DATA_DIR names has no database."""

    def __init__(self, data_dir: Path) -> None:
        """Say how to make one."""
        super().__init__(
            f"there is no database in {data_dir}: set DATA_DIR to the folder that `serve` uses, or make a new database"
            " there with `python -m app serve` or `python -m app migrate`"
        )


class WorkerDiedError(OperationalError):
    """A worker process ended before its work was done."""


class WorkerFailedError(OperationalError):
    """A worker process met an error that it was not written to handle; the text is the name of its type."""
