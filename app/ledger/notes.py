"""The text of checkpoints, in the C2SP formats `signed-note` and `tlog-checkpoint`."""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Self

from app.law.petition import PetitionKey

KEY_NAME = "recall-petition-verifier"

_ED25519 = b"\x01"  # the signature type of the signed-note format

_KEY_ID_BYTES = 4

_LINES = 8


class NotACheckpointError(ValueError):
    """The text is not a checkpoint of this log."""


def origin(petition: PetitionKey) -> str:
    """The identity of a petition's log, the first line of its checkpoints."""
    return f"{KEY_NAME}/{petition.county_id}/{petition.petition_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a checkpoint says. `previous` is SHA-256 of the text of the one before it, 32 zero bytes in the first."""

    origin: str
    size: int  # of the tree: the number of entries, and so the version of the tally
    root: bytes
    number: int  # 1, 2, 3 …: one that is missing shows
    previous: bytes
    at: datetime
    head: bytes  # the hash of the last entry
    tally: str  # the counts after the last entry, canonical JSON

    def text(self) -> str:
        """The note's text, what is signed."""
        lines = (
            self.origin,
            str(self.size),
            b64encode(self.root).decode(),
            f"checkpoint {self.number}",
            f"previous {b64encode(self.previous).decode()}",
            f"at {self.at.isoformat()}",
            f"head {b64encode(self.head).decode()}",
            f"tally {self.tally}",
        )
        return "".join(line + "\n" for line in lines)

    def digest(self) -> bytes:
        """SHA-256 of the text: what the next checkpoint names."""
        return sha256(self.text().encode()).digest()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a note's text.

        Raises:
            NotACheckpointError: it is not one.
        """
        lines = text.split("\n")
        try:
            named = dict(line.split(" ", 1) for line in lines[3:_LINES])
            result = cls(
                origin=lines[0],
                size=int(lines[1]),
                root=b64decode(lines[2], validate=True),
                number=int(named["checkpoint"]),
                previous=b64decode(named["previous"], validate=True),
                at=datetime.fromisoformat(named["at"]),
                head=b64decode(named["head"], validate=True),
                tally=named["tally"],
            )
        except (ValueError, LookupError) as error:
            raise NotACheckpointError from error
        if result.text() != text:  # one spelling only
            raise NotACheckpointError
        return result


@dataclass(frozen=True, slots=True)
class Note:
    """A checkpoint's text and the signatures under it, as (key name, key id, signature)."""

    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]

    @classmethod
    def parse(cls, note: str) -> Self:
        """Take a note apart.

        Raises:
            NotACheckpointError: it is not a signed note.
        """
        text, blank, signed = note.rpartition("\n\n")
        if not blank or not signed.endswith("\n"):
            raise NotACheckpointError
        return cls(text + "\n", tuple(_signature(line) for line in signed.splitlines()))


def _signature(line: str) -> tuple[str, bytes, bytes]:
    try:
        dash, name, encoded = line.split(" ")
        raw = b64decode(encoded, validate=True)
    except ValueError as error:
        raise NotACheckpointError from error
    if dash != "—" or len(raw) <= _KEY_ID_BYTES:
        raise NotACheckpointError
    return name, raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:]


def key_id(public_key: bytes, name: str = KEY_NAME) -> bytes:
    """The four bytes that tell keys of one name apart."""
    return sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:_KEY_ID_BYTES]


def signed_note(text: str, signature: bytes, public_key: bytes) -> str:
    """The note: the text, a blank line, and the signature's line."""
    return f"{text}\n— {KEY_NAME} {b64encode(key_id(public_key) + signature).decode()}\n"


def verifier_key(public_key: bytes) -> str:
    """An Ed25519 public key, 32 bytes, as people pass it on: `name+id+key`."""
    return f"{KEY_NAME}+{key_id(public_key).hex()}+{b64encode(_ED25519 + public_key).decode()}"
