"""Why a posting ended early. The message is for the person at the station and holds nothing personal."""


class StationError(Exception):
    """The posting ended early."""

    exit_code = 1


class BadFileError(StationError):
    """The file is not one JSON signature a line; nothing was sent."""

    exit_code = 2


class SpoolError(StationError):
    """The spool belongs to other content, to another version of the client, or to a process that is still running."""


class RefusedError(StationError):
    """The server refuses a whole batch, and would refuse it again."""


class GaveUpError(StationError):
    """A batch found no answer within the patience that was given."""

    exit_code = 4


class InterruptedPostingError(StationError):
    """The posting was asked to stop."""

    exit_code = 130
