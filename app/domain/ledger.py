"""The arithmetic of the ledger: canonical bytes, salted leaves, RFC 9162 roots, and the chain of entries.

`docs/ledger.md` specifies the same in prose, so that anybody can write a verifier without reading this.
"""

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Literal

EntryType = Literal[
    "open", "intake", "finding", "withdrawal", "revision", "section", "reexamination", "close", "retention"
]

GENESIS = bytes(32)
"""What the first entry has for a previous hash."""

SALT_BYTES = 16
HASH_BYTES = 32


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: Any) -> bytes:  # noqa: ANN401  # any JSON value
    """The one spelling of a JSON value that is hashed: sorted keys, no spaces, UTF-8."""
    return canonical_text(value).encode()


def canonical_text(value: Any) -> str:  # noqa: ANN401  # any JSON value
    """The same as text, to be put into other text."""
    return _CANONICAL.encode(value)


def leaf_hash(salt: bytes, content: bytes) -> bytes:
    """SHA-256(0x00, salt, content): the salt keeps anybody from guessing a voter's row from its hash."""
    return sha256(b"\x00" + salt + content).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The Merkle tree hash of RFC 9162, section 2.1.1, over leaf hashes; of no leaves, SHA-256 of nothing."""
    if not leaves:
        return sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        # Pairing from the left and carrying an odd last node up gives the same tree as RFC 9162's recursive split.
        paired = [sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def entry_hash(previous: bytes, seq: int, entry_type: EntryType, leaf_root: bytes, payload: bytes) -> bytes:
    """SHA-256(previous, seq as 8 bytes big-endian, length of type as 1 byte, type, leaf root, payload)."""
    name = entry_type.encode()
    return sha256(previous + seq.to_bytes(8, "big") + bytes([len(name)]) + name + leaf_root + payload).digest()
