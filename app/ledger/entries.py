"""The ledger's bytes: salted leaves, the hash chain of entries, and the trees and proofs of RFC 9162.

`docs/ledger.md` specifies the same in prose, so that a verifier can be written without reading this.
"""

from collections.abc import Sequence
from functools import reduce
from hashlib import sha256
from typing import Literal, NamedTuple, Self

from app.law.line import Place

EntryType = Literal[
    "open", "intake", "finding", "withdrawal", "revision", "section", "reexamination", "close", "retention"
]

GENESIS = bytes(32)  # the previous hash of the first entry
SALT_BYTES = 16
HASH_BYTES = 32


class Entry(NamedTuple):
    """A ledger entry as it is stored."""

    seq: int
    type: EntryType
    leaf_root: bytes
    leaves: bytes  # the leaf hashes, one after the other
    payload: str  # canonical JSON
    hash: bytes = b""  # `after` gives it

    @property
    def leaf_hashes(self) -> list[bytes]:
        """The hashes of its findings, in the order of their leaves."""
        return [self.leaves[i : i + HASH_BYTES] for i in range(0, len(self.leaves), HASH_BYTES)]

    def after(self, previous: bytes) -> Self:
        """The entry with its hash, given the hash of the entry before.

        SHA-256(previous, seq as 8 bytes big-endian, length of type as 1 byte, type, leaf root, payload).
        """
        name = self.type.encode()
        content = self.seq.to_bytes(8, "big") + bytes([len(name)]) + name + self.leaf_root + self.payload.encode()
        return self._replace(hash=sha256(previous + content).digest())

    def follows(self, previous: bytes) -> bool:
        """Whether its hash is that of its content and of the hash of the entry before."""
        try:
            return self.after(previous).hash == self.hash
        except (ValueError, OverflowError):  # a type or a number that no entry can have
            return False


class StoredFinding(NamedTuple):
    """A finding as it is stored: leaf `leaf_no` of the ledger entry `version`."""

    place: Place
    finding_no: int
    version: int
    leaf_no: int
    salt: bytes
    content: str  # canonical JSON

    def leaf_hash(self) -> bytes:
        """The hash of its leaf."""
        return leaf_hash(self.salt, self.content.encode())


def leaf_hash(salt: bytes, content: bytes) -> bytes:
    """SHA-256(0x00, salt, content): without the salt, a voter's row could be guessed from its hash."""
    return sha256(b"\x00" + salt + content).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The Merkle tree hash of RFC 9162, section 2.1.1, over leaf hashes; of no leaves, SHA-256 of nothing."""
    level = list(leaves)
    while len(level) > 1:
        # Pairing from the left and carrying an odd last node up gives the same tree as RFC 9162's recursive split.
        paired = [sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(paired) * 2 :]
    return level[0] if level else sha256(b"").digest()


def log_leaf(entry_hash: bytes) -> bytes:
    """The leaf of an entry in the log's tree: SHA-256(0x00, hash of the entry)."""
    return sha256(b"\x00" + entry_hash).digest()


class Frontier:
    """The log's tree as the roots of its full subtrees, the largest first: enough to append and to find its root."""

    def __init__(self, size: int = 0, roots: bytes = b"") -> None:
        """A tree of `size` leaves; `roots` is what `dump` returned."""
        self.size = size
        self._roots = [roots[i : i + HASH_BYTES] for i in range(0, len(roots), HASH_BYTES)]

    def append(self, entry_hash: bytes) -> None:
        """Add the next entry."""
        node, size = log_leaf(entry_hash), self.size
        while size & 1:  # two full subtrees of one height make one of the next
            node, size = _parent(self._roots.pop(), node), size >> 1
        self._roots.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The tree's root, 32 bytes."""
        nodes = reversed(self._roots)
        return reduce(lambda node, left: _parent(left, node), nodes) if self._roots else merkle_root([])

    def dump(self) -> bytes:
        """The subtrees' roots, 32 bytes each."""
        return b"".join(self._roots)


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(index, leaves) of RFC 9162, section 2.1.3.1: the nodes that lead from a leaf hash to the root."""
    if len(leaves) == 1:
        return []
    middle = _split(len(leaves))
    if index < middle:
        return [*inclusion_proof(index, leaves[:middle]), merkle_root(leaves[middle:])]
    return [*inclusion_proof(index - middle, leaves[middle:]), merkle_root(leaves[:middle])]


def consistency_proof(first: int, leaves: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    """PROOF(first, leaves) of RFC 9162, section 2.1.4.1: the tree of these leaves begins with the first of them.

    `whole` is the RFC's flag of subproofs: false for a part of the tree that does not begin with its first leaf.
    """
    if not 0 < first < len(leaves):
        return [] if whole else [merkle_root(leaves)]
    middle = _split(len(leaves))
    if first <= middle:
        return [*consistency_proof(first, leaves[:middle], whole=whole), merkle_root(leaves[middle:])]
    return [*consistency_proof(first - middle, leaves[middle:], whole=False), merkle_root(leaves[:middle])]


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _parent(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
