"""Checkpoints: signed statements of what the ledger held, in the C2SP formats `signed-note` and `tlog-checkpoint`."""

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import asyncpg
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from sqlalchemy.exc import SQLAlchemyError

from app.database.engine import Database
from app.errors import CheckpointKeyError, CheckpointRefusedError
from app.law.canonical import canonical
from app.law.petition import PetitionKey
from app.ledger import queries as rows
from app.ledger.entries import GENESIS, Frontier
from app.ledger.notes import KEY_NAME, Checkpoint, NotACheckpointError, Note, key_id, origin, signed_note, verifier_key
from app.ledger.replay import follows

logger = logging.getLogger("app.checkpoints")

ENTRIES: Final = 100  # a checkpoint is due after so many entries …
ACTIVITY: Final = timedelta(minutes=1)  # … or when so long has passed since the last one and there are any
_LOOK_EVERY = 1.0  # seconds


class Signer:
    """The key that signs checkpoints."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        """Sign with this key."""
        self._key = key
        self._public = key.public_key().public_bytes_raw()

    @classmethod
    def from_file(cls, path: Path, *, create: bool) -> "Signer":
        """The Ed25519 key in a PEM file; with `create`, a new one where there is no file, readable by its owner alone.

        Raises:
            CheckpointKeyError: there is no such key.
        """
        if create and not path.exists():
            _create_key(path)
        try:
            key = load_pem_private_key(path.read_bytes(), None)
        except (OSError, ValueError, TypeError):
            raise CheckpointKeyError from None
        if not isinstance(key, Ed25519PrivateKey):
            raise CheckpointKeyError
        return cls(key)

    @property
    def verifier_key(self) -> str:
        """The public key, as it is passed on: `name+id+key`."""
        return verifier_key(self._public)

    def note(self, checkpoint: Checkpoint) -> str:
        """The checkpoint, signed."""
        text = checkpoint.text()
        return signed_note(text, self._key.sign(text.encode()), self._public)

    def read(self, note: str) -> Checkpoint:
        """The checkpoint of a note that this key has signed.

        Raises:
            NotACheckpointError: it is not one, or the signature does not hold.
        """
        parsed, ours = Note.parse(note), (KEY_NAME, key_id(self._public))
        for name, key, signature in parsed.signatures:
            if (name, key) == ours:
                with suppress(InvalidSignature):
                    Ed25519PublicKey.from_public_bytes(self._public).verify(signature, parsed.text.encode())
                    return Checkpoint.parse(parsed.text)
        raise NotACheckpointError


def _create_key(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):  # another process was first: its key holds
        os.link(draft, path)
    draft.unlink()


async def make_checkpoint(database: Database, signer: Signer, petition: PetitionKey, *, now: datetime) -> str | None:
    """Sign what the ledger holds and store it. Returns the newest checkpoint's note; None where nothing is to sign.

    Only the entries behind the last checkpoint are read: its frontier stands for what it covers.

    Raises:
        CheckpointRefusedError: the ledger is shorter than the last checkpoint, does not continue it, or time went back.
    """
    async with database.reading() as connection, rows.snapshot(connection):
        last = await rows.last_checkpoint(connection, petition)
        new = await _next(connection, signer, petition, last, now)
    if new is None:
        return last.note if last else None
    async with database.reading() as connection:
        if await rows.add_checkpoint(connection, petition, new):
            return new.note
        last = await rows.last_checkpoint(connection, petition)
    return last.note if last else None


async def _next(
    connection: asyncpg.Connection,
    signer: Signer,
    petition: PetitionKey,
    last: rows.CheckpointRow | None,
    now: datetime,
) -> rows.CheckpointRow | None:
    head = await rows.read_head(connection, petition)
    said = _read_last(signer, last)
    size = said.size if said else 0
    if head is None or head.version == size:
        return None
    if head.version < size or (said and now < said.at):
        raise CheckpointRefusedError
    frontier, end = Frontier(size, last.frontier if last else b""), said.head if said else GENESIS
    if said and frontier.root() != said.root:
        raise CheckpointRefusedError
    async for entry in rows.entries(connection, petition, after=size):
        if entry.seq != frontier.size + 1 or not follows(end, entry):
            raise CheckpointRefusedError
        frontier.append(entry.hash)
        end = entry.hash
    if (frontier.size, end) != (head.version, head.hash):
        raise CheckpointRefusedError
    checkpoint = Checkpoint(
        origin=origin(petition),
        size=frontier.size,
        root=frontier.root(),
        number=said.number + 1 if said else 1,
        previous=said.digest() if said else bytes(32),
        at=now,
        head=end,
        tally=canonical(head.counts.as_json()).decode(),
    )
    return rows.CheckpointRow(checkpoint.number, frontier.size, frontier.dump(), signer.note(checkpoint), now)


def _read_last(signer: Signer, last: rows.CheckpointRow | None) -> Checkpoint | None:
    try:
        return signer.read(last.note) if last else None
    except NotACheckpointError:
        raise CheckpointRefusedError from None


async def keep_checkpoints(database: Database, signer: Signer, now: Callable[[], datetime]) -> None:
    """Make checkpoints as they fall due, until cancelled."""
    while True:
        try:
            await make_due_checkpoints(database, signer, now=now())
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError) as error:
            # The database is away: the entries wait for their checkpoint, and nobody else waits for this.
            logger.warning("no checkpoint", extra={"error": type(error).__qualname__})
        await asyncio.sleep(_LOOK_EVERY)


async def make_due_checkpoints(database: Database, signer: Signer, *, now: datetime) -> None:
    """Make the checkpoints that are due. One that is refused is logged, at every look, until a person has looked."""
    async with database.reading() as connection:
        uncovered = await rows.uncovered_petitions(connection)
    for found in uncovered:
        if not _is_due(found, now):
            continue
        try:
            await make_checkpoint(database, signer, found.petition, now=now)
        except CheckpointRefusedError:
            logger.error(  # noqa: TRY400  # the reason is in the verification; a stack says nothing
                "checkpoint refused",
                extra={"county_id": found.petition.county_id, "petition_id": str(found.petition.petition_id)},
            )


def _is_due(petition: rows.Uncovered, now: datetime) -> bool:
    many = not 0 <= petition.entries < ENTRIES  # fewer than none: the ledger has shrunk, which is to be refused
    return many or petition.state == "closed" or petition.last_at is None or now - petition.last_at >= ACTIVITY
