"""What can go wrong, said without HTTP and without personal data. Facts are attributes; the text is for a person."""


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
    """There is no signature at this place."""

    code = "unknown_place"


class UnknownVoterError(RecallError):
    """The active roll has no voter of this number."""

    code = "unknown_voter"


class PetitionClosedError(RecallError):
    """The petition is closed: its count does not change any more."""

    code = "petition_closed"


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


class NoRollError(RecallError):
    """The county has no active roll."""

    code = "no_roll"


class KeyLimitError(RecallError):
    """This principal has two live keys already: revoke one first."""

    code = "key_limit"


class UnknownKeyError(RecallError):
    """There is no such key in this county."""

    code = "unknown_key"


class BusyError(RecallError):
    """The service is at its limit. Try again shortly."""

    code = "busy"
