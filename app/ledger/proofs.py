"""Proofs that a log holds an entry and continues an earlier log, at the cost of a few hundred entries each.

The roots of a petition's full subtrees are kept in memory from the first proof on, 64 bytes for each 256 entries. They
are read again if the database is not the one that they came from, such as after a restore.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import asyncpg

from app.database.pools import Database
from app.errors import UnknownEntryError
from app.law.petition import PetitionKey
from app.ledger.entries import (
    TILE,
    SubtreeRoots,
    consistency_parts,
    inclusion_parts,
    log_leaf,
    merkle_root,
    part_of_tile,
)
from app.ledger.queries import entry_hashes

_MOST_TREES: Final = 16  # petitions whose roots are kept: 250 KB each for a million entries
_AT_ONCE: Final = 8  # tiles that are read at a time: three milliseconds of work before other tasks get their turn


class InclusionProof(NamedTuple):
    """The nodes that lead from the log's leaf `index` to its root."""

    leaf: bytes
    root: bytes
    hashes: list[bytes]


class ConsistencyProof(NamedTuple):
    """The nodes that show that one log is the beginning of another."""

    first_root: bytes
    second_root: bytes
    hashes: list[bytes]


@dataclass(eq=False)
class _Tree:
    """What is kept of a petition's log."""

    roots: SubtreeRoots = field(default_factory=SubtreeRoots)
    last: bytes = b""  # hash of the last entry that the roots cover, and so of all before it: entries are chained
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


class Prover:
    """Makes proofs of the logs in one database."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database
        self._trees: OrderedDict[PetitionKey, _Tree] = OrderedDict()  # the one that was used last at the end

    async def inclusion(self, petition: PetitionKey, seq: int, size: int) -> InclusionProof:
        """That entry `seq` is in the log of this size. UnknownEntryError if there is no such entry or log."""
        index, log = seq - 1, range(size)
        if seq > size:
            raise UnknownEntryError
        return InclusionProof(*await self._prove(petition, size, range(index, seq), log, inclusion_parts(index, log)))

    async def consistency(self, petition: PetitionKey, first: int, second: int) -> ConsistencyProof:
        """That the log of size `first` is the beginning of that of size `second`. UnknownEntryError without them."""
        log = range(second)
        if first > second:
            raise UnknownEntryError
        return ConsistencyProof(*await self._prove(petition, second, range(first), log, consistency_parts(first, log)))

    async def _prove(
        self, petition: PetitionKey, size: int, one: range, other: range, path: Sequence[range]
    ) -> tuple[bytes, bytes, list[bytes]]:
        """The roots of two parts of the log, and those of the path between them."""
        parts = [one, other, *path]
        cut = {number for part in parts if (number := part_of_tile(part)) is not None}
        spans = [range(number * TILE + 1, min((number + 1) * TILE, size) + 1) for number in cut]
        async with self._database.reading() as connection:
            tree = await self._tree(connection, petition, size // TILE)
            hashes = await entry_hashes(connection, petition, spans)
        if len(hashes) != sum(map(len, spans)):
            raise UnknownEntryError
        tiles = {number: [log_leaf(hashes[seq]) for seq in span] for number, span in zip(cut, spans, strict=True)}
        first, second, *nodes = [tree.root(part, tiles) for part in parts]
        return first, second, nodes

    async def _tree(self, connection: asyncpg.Connection, petition: PetitionKey, tiles: int) -> SubtreeRoots:
        """The roots of at least the first `tiles` tiles. Raises UnknownEntryError if the log has fewer."""
        tree = self._trees.setdefault(petition, _Tree())
        self._trees.move_to_end(petition)
        if len(self._trees) > _MOST_TREES:
            self._trees.popitem(last=False)
        async with tree.reading:
            end = tree.roots.tiles * TILE
            if end and tree.last != (await entry_hashes(connection, petition, [range(end, end + 1)])).get(end):
                tree.roots = SubtreeRoots()
            while tree.roots.tiles < tiles:
                await _read_on(connection, petition, tree)
        return tree.roots


async def _read_on(connection: asyncpg.Connection, petition: PetitionKey, tree: _Tree) -> None:
    """Read the next tiles. Raises UnknownEntryError if the log has no other whole one."""
    start = tree.roots.tiles * TILE
    hashes = await entry_hashes(connection, petition, [range(start + 1, start + _AT_ONCE * TILE + 1)])
    for first in range(start + 1, start + _AT_ONCE * TILE, TILE):
        tile = [hashes[seq] for seq in range(first, first + TILE) if seq in hashes]
        if len(tile) == TILE:
            tree.roots.append(merkle_root([log_leaf(entry) for entry in tile]))
            tree.last = tile[-1]
        elif first == start + 1:
            raise UnknownEntryError
        else:
            return
