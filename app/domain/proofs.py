"""The log of a petition's ledger as a Merkle tree (RFC 9162): its roots as it grows, and proofs about it.

The tree's leaves are the hashes of the entries, in their order: entry `seq` is the leaf of index `seq - 1`.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from app.domain.ledger import HASH_BYTES, merkle_root


def log_leaf(entry_hash: bytes) -> bytes:
    """The leaf of an entry in the log's tree: SHA-256(0x00, hash of the entry)."""
    return sha256(b"\x00" + entry_hash).digest()


def log_root(entry_hashes: Iterable[bytes]) -> bytes:
    """The root of the tree over these entries."""
    return merkle_root([log_leaf(entry) for entry in entry_hashes])


class Frontier:
    """The roots of a tree's full subtrees, the largest first: all that its growth needs to know of its past."""

    def __init__(self, size: int = 0, roots: bytes = b"") -> None:
        """A tree of `size` leaves; `roots` is what `dump` gave."""
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
        if not self._roots:
            return merkle_root([])
        node = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            node = _parent(left, node)
        return node

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


def consistency_proof(first: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PROOF(first, leaves) of RFC 9162, section 2.1.4.1: that the tree of the first leaves is a beginning of this."""
    return _subproof(first, leaves, whole=True) if 0 < first < len(leaves) else []


def _subproof(first: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if first == len(leaves):
        return [] if whole else [merkle_root(leaves)]
    middle = _split(len(leaves))
    if first <= middle:
        return [*_subproof(first, leaves[:middle], whole=whole), merkle_root(leaves[middle:])]
    return [*_subproof(first - middle, leaves[middle:], whole=False), merkle_root(leaves[:middle])]


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _parent(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
