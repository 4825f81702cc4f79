"""The ledger's bytes: salted leaves, the hash chain of entries, and the trees and proofs of RFC 9162.

`docs/ledger.md` specifies the same in prose, so that a verifier can be written without reading this.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from hashlib import sha256
from itertools import count
from typing import Final, Literal, NamedTuple, Self

from app.law.line import Place

EntryType = Literal[
    "open",
    "intake",
    "finding",
    "withdrawal",
    "revision",
    "section",
    "reexamination",
    "registration",
    "filing",
    "freeze",
    "correction",
    "ruleset",
    "defect",
    "close",
    "retention",
]

GENESIS = bytes(32)  # the previous hash of the first entry
SALT_BYTES = 16
HASH_BYTES = 32
TILE: Final = 256  # leaves of the log's tree whose root is kept: a power of two


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


def inclusion_parts(index: int, leaves: range) -> list[range]:
    """PATH of RFC 9162, section 2.1.3.1: the parts of a tree whose roots lead from the leaf `index` to its root."""
    if len(leaves) == 1:
        return []
    left, right = _split(leaves)
    return [*inclusion_parts(index, left), right] if index in left else [*inclusion_parts(index, right), left]


def consistency_parts(first: int, leaves: range, *, whole: bool = True) -> list[range]:
    """PROOF of RFC 9162, section 2.1.4.1: the parts whose roots show that a tree begins with its first leaves.

    Args:
        first: how many leaves it had; at least 1 and at most as many as it has.
        leaves: those that it has.
        whole: the RFC's flag of subproofs: false for a part of the tree that does not begin with its first leaf.
    """
    if first == leaves.stop:
        return [] if whole else [leaves]
    left, right = _split(leaves)
    if first <= left.stop:
        return [*consistency_parts(first, left, whole=whole), right]
    return [*consistency_parts(first, right, whole=False), left]


def _split(leaves: range) -> tuple[range, range]:
    """The left part has the largest power of two of leaves that leaves some for the right one."""
    middle = 1 << ((len(leaves) - 1).bit_length() - 1)
    return leaves[:middle], leaves[middle:]


class SubtreeRoots:
    """The roots of a log's full subtrees of `TILE` leaves and more: 64 bytes for each `TILE` leaves.

    They never change, since the log only grows. With them, the root of any part needs the leaves of one tile at most.
    """

    def __init__(self) -> None:
        """Those of an empty log."""
        self._levels = [bytearray()]  # by height: the roots from the left, one after the other

    @property
    def tiles(self) -> int:
        """How many tiles they cover."""
        return len(self._levels[0]) // HASH_BYTES

    def append(self, node: bytes) -> None:
        """Add the next tile by its root."""
        for height in count():
            if height == len(self._levels):
                self._levels.append(bytearray())
            level = self._levels[height]
            level += node
            if len(level) // HASH_BYTES % 2:
                return
            node = _parent(bytes(level[-2 * HASH_BYTES : -HASH_BYTES]), node)

    def root(self, part: range, tiles: Mapping[int, Sequence[bytes]]) -> bytes:
        """The root of a part such as RFC 9162 cuts a tree into.

        Args:
            part: of the log's leaves. The whole tiles in it are covered.
            tiles: by its number, the leaves of the tile that `part_of_tile` names.
        """
        start, nodes = part.start, list[bytes]()
        while (left := (part.stop - start) // TILE) > 0:
            number = start // TILE
            height = min(left.bit_length(), (number & -number).bit_length() or left.bit_length()) - 1
            at = (number >> height) * HASH_BYTES
            nodes.append(bytes(self._levels[height][at : at + HASH_BYTES]))
            start += TILE << height
        if start < part.stop:
            number, at = divmod(start, TILE)
            nodes.append(merkle_root(tiles[number][at : at + part.stop - start]))
        return reduce(lambda right, left: _parent(left, right), reversed(nodes))


def part_of_tile(part: range) -> int | None:
    """The number of the tile of which a part has some leaves and not all; None if there is none."""
    return (part.stop - 1) // TILE if part.start % TILE or part.stop % TILE else None


def _parent(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
