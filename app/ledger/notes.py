"""Checkpoints as signed text, in the C2SP formats `tlog-checkpoint` and `signed-note`; and the key that signs them."""

import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from app.errors import CheckpointKeyError
from app.law.petition import PetitionKey

KEY_NAME = "recall-petition-verifier"
_ED25519 = b"\x01"  # the signature type of the signed-note format
_KEY_ID_BYTES = 4


class NotACheckpointError(ValueError):
    """The text is not a checkpoint, or the key has not signed it."""


def origin(petition: PetitionKey) -> str:
    """The identity of a petition's log, the first line of its checkpoints."""
    return f"{KEY_NAME}/{petition.county_id}/{petition.petition_id}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A statement of the ledger's content at one size."""

    origin: str
    size: int  # of the log: the number of entries, and so the version of the tally
    root: bytes
    number: int  # 1, 2, 3 …: a gap shows that one is missing
    previous: bytes  # SHA-256 of the text of the checkpoint before, 32 zero bytes in the first
    at: datetime
    head: bytes  # the hash of the last entry
    tally: str  # the counts after the last entry, canonical JSON

    def text(self) -> str:
        """The text that is signed."""
        root, previous, head = (b64encode(digest).decode() for digest in (self.root, self.previous, self.head))
        return (
            f"{self.origin}\n{self.size}\n{root}\n"
            f"checkpoint {self.number}\nprevious {previous}\nat {self.at.isoformat()}\n"
            f"head {head}\ntally {self.tally}\n"
        )

    def digest(self) -> bytes:
        """SHA-256 of the text, by which the next checkpoint names this one."""
        return sha256(self.text().encode()).digest()

    @classmethod
    def parse(cls, text: str) -> Self:
        """The checkpoint of a signed text. Raises NotACheckpointError if it is not one."""
        try:
            log, size, root, *named, _ = text.split("\n")
            number, previous, at, head, tally = (line.partition(" ")[2] for line in named)
            hashes = [b64decode(encoded, validate=True) for encoded in (root, previous, head)]
            time = datetime.fromisoformat(at)
            result = cls(log, int(size), hashes[0], int(number), hashes[1], time, hashes[2], tally)
        except ValueError as error:
            raise NotACheckpointError from error
        if result.text() != text:  # each checkpoint has one spelling only, with the names that were left out above
            raise NotACheckpointError
        return result


class StoredCheckpoint(NamedTuple):
    """A checkpoint as it is stored."""

    number: int
    size: int
    frontier: bytes  # of the log's tree at this size
    note: str
    created_at: datetime

    @property
    def name(self) -> str:
        """What faults call it."""
        return f"checkpoint {self.number}"


def key_id(public_key: bytes) -> bytes:
    """Four bytes that distinguish an Ed25519 public key from others of the same name."""
    return sha256(KEY_NAME.encode() + b"\n" + _ED25519 + public_key).digest()[:_KEY_ID_BYTES]


class Signer:
    """The key that signs checkpoints."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        """Sign with this key."""
        self._private, self._public = key, key.public_key()
        self._id = key_id(self._public.public_bytes_raw())

    @classmethod
    def from_file(cls, path: Path, *, create: bool) -> Self:
        """The Ed25519 key in a PEM file. Raises CheckpointKeyError if there is none.

        With `create` a missing file is made, with a new key, that only its owner may read.
        """
        if create and not path.exists():
            pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError), new_private_file(path) as file:  # another process was first: use its key
                file.write(pem)
        try:
            key = load_pem_private_key(path.read_bytes(), None)
        except (OSError, ValueError, TypeError):
            raise CheckpointKeyError from None
        if not isinstance(key, Ed25519PrivateKey):
            raise CheckpointKeyError
        return cls(key)

    @property
    def verifier_key(self) -> str:
        """The public key in the form in which it is published: `name+id+key`."""
        return f"{KEY_NAME}+{self._id.hex()}+{b64encode(_ED25519 + self._public.public_bytes_raw()).decode()}"

    def note(self, checkpoint: Checkpoint) -> str:
        """The checkpoint as a signed note: its text, a blank line, and the signature's line."""
        text = checkpoint.text()
        signature = b64encode(self._id + self._private.sign(text.encode())).decode()
        return f"{text}\n— {KEY_NAME} {signature}\n"

    def read(self, note: str, petition: PetitionKey) -> Checkpoint:
        """The checkpoint of a note. Raises NotACheckpointError unless it is this petition's, signed by this key."""
        text, blank_line, signatures = note.rpartition("\n\n")
        if not blank_line or not signatures.endswith("\n"):
            raise NotACheckpointError
        checked = [self._has_signed(text + "\n", line) for line in signatures.splitlines()]
        checkpoint = Checkpoint.parse(text + "\n")
        if not any(checked) or checkpoint.origin != origin(petition):
            raise NotACheckpointError
        return checkpoint

    def _has_signed(self, text: str, line: str) -> bool:
        """Whether a line below a note's text is this key's signature of it; those of other keys are ignored."""
        try:
            dash, name, encoded = line.split(" ")
            raw = b64decode(encoded, validate=True)
        except ValueError as error:
            raise NotACheckpointError from error
        if dash != "—" or len(raw) <= _KEY_ID_BYTES:
            raise NotACheckpointError
        if (name, raw[:_KEY_ID_BYTES]) == (KEY_NAME, self._id):
            with suppress(InvalidSignature):
                self._public.verify(raw[_KEY_ID_BYTES:], text.encode())
                return True
        return False


@contextmanager
def new_private_file(path: Path) -> Iterator[BinaryIO]:
    """A new file that only its owner may read. It appears under its name when it is complete, or not at all.

    Raises FileExistsError if there is such a file, which is never overwritten, and OSError if it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
