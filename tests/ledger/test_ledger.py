"""The ledger's arithmetic: the trees of RFC 9162, their proofs, and the notes that sign them."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from app.law.line import canonical
from app.law.petition import PetitionKey
from app.ledger.entries import (
    GENESIS,
    TILE,
    Entry,
    EntryType,
    Frontier,
    SubtreeRoots,
    consistency_parts,
    inclusion_parts,
    leaf_hash,
    log_leaf,
    merkle_root,
    part_of_tile,
)
from app.ledger.notes import Checkpoint, NotACheckpointError, Signer, key_id, origin

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = PRIVATE.public_key().public_bytes_raw()
SIGNER = Signer(PRIVATE)
PETITION = PetitionKey("sample", UUID(int=0))
ENTRIES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70)


def parent(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def recursive_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, as it is written there."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    return parent(recursive_root(leaves[:middle]), recursive_root(leaves[middle:]))


def includes(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162, section 2.1.3.2, as it is written there."""
    position, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = parent(sibling, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = parent(node, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and node == root


def consistent(first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """RFC 9162, section 2.1.4.2, as it is written there, for 0 < first < second."""
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    if not path:
        return False
    old = new = path[0]
    for node in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = parent(node, old), parent(node, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = parent(new, node)
        position, last = position >> 1, last >> 1
    return last == 0 and (old, new) == (first_root, second_root)


def test_trees_are_those_of_the_certificate_transparency_test_vectors() -> None:
    data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    leaves = [sha256(b"\x00" + bytes.fromhex(item)).digest() for item in data]
    roots = {
        0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    for size, root in roots.items():
        assert merkle_root(leaves[:size]).hex() == root


@given(ENTRIES)
def test_every_way_to_a_root_gives_the_same_one(entries: list[bytes]) -> None:
    leaves = [log_leaf(entry) for entry in entries]
    frontier = Frontier()
    for entry in entries:
        frontier = Frontier(frontier.size, frontier.dump())
        frontier.append(entry)
    assert frontier.root() == merkle_root(leaves) == recursive_root(leaves)


def proof(leaves: Sequence[bytes], parts: Sequence[range]) -> list[bytes]:
    """The roots of parts of a log, of which no more is known than its full tiles and what the part cuts of a tile."""
    known = SubtreeRoots()
    for start in range(0, len(leaves) - TILE + 1, TILE):
        known.append(merkle_root(leaves[start : start + TILE]))
    numbers = {part: part_of_tile(part) for part in parts}
    tiles = {n: leaves[n * TILE : (n + 1) * TILE] for n in numbers.values() if n is not None}
    return [
        known.root(part, {number: tiles[number]} if (number := numbers[part]) is not None else {}) for part in parts
    ]


LOGS = st.one_of(st.integers(1, 70), st.integers(1, 2_500)).map(
    lambda size: [log_leaf(number.to_bytes(32, "big")) for number in range(size)]
)


@given(LOGS, st.data())
def test_an_entry_is_proved_to_be_in_the_log_and_another_is_not(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    log = range(len(leaves))
    root, *path = proof(leaves, [log, *inclusion_parts(index, log)])
    assert root == merkle_root(leaves)
    assert includes(leaves[index], index, len(leaves), path, root)
    assert not includes(log_leaf(b"another"), index, len(leaves), path, root)


@given(LOGS, st.data())
def test_a_log_is_proved_to_have_grown_and_one_that_was_changed_is_not(
    leaves: list[bytes], data: st.DataObject
) -> None:
    first = data.draw(st.integers(1, len(leaves)))
    log = range(len(leaves))
    old, new, *path = proof(leaves, [range(first), log, *consistency_parts(first, log)])
    assert (old, new) == (merkle_root(leaves[:first]), merkle_root(leaves))
    if first == len(leaves):
        assert path == []
        return
    assert consistent(first, old, len(leaves), new, path)
    changed = [log_leaf(b"another"), *leaves[1:first]]
    assert not consistent(first, merkle_root(changed), len(leaves), new, path)


def entry_hash(previous: bytes, seq: int, entry_type: EntryType, leaf_root: bytes, payload: str) -> bytes:
    return Entry(seq, entry_type, leaf_root, b"", payload).after(previous).hash


def test_an_entry_s_hash_holds_every_part_of_it() -> None:
    whole = entry_hash(GENESIS, 1, "open", merkle_root([]), "{}")
    others = [
        entry_hash(bytes([1]) * 32, 1, "open", merkle_root([]), "{}"),
        entry_hash(GENESIS, 2, "open", merkle_root([]), "{}"),
        entry_hash(GENESIS, 1, "close", merkle_root([]), "{}"),
        entry_hash(GENESIS, 1, "open", leaf_hash(b"", b""), "{}"),
        entry_hash(GENESIS, 1, "open", merkle_root([]), "{ }"),
    ]
    assert len({whole, *others}) == 6


def test_canonical_bytes_are_sorted_without_spaces_and_in_utf_8() -> None:
    assert canonical({"b": 1, "a": "Muñoz"}) == '{"a":"Muñoz","b":1}'.encode()


def a_checkpoint() -> Checkpoint:
    return Checkpoint(
        origin=origin(PETITION),
        size=3,
        root=bytes(32),
        number=2,
        previous=bytes(32),
        at=datetime(2022, 7, 7, tzinfo=UTC),
        head=bytes(32),
        tally='{"raw":1}',
    )


def test_a_checkpoint_reads_as_it_was_written() -> None:
    note = SIGNER.note(a_checkpoint())
    assert SIGNER.read(note, PETITION) == a_checkpoint()
    text, _, signature = note.partition("\n\n")
    assert Checkpoint.parse(text + "\n") == a_checkpoint()
    dash, name, encoded = signature.removesuffix("\n").split(" ")
    assert (dash, name, b64decode(encoded)[:4]) == ("—", "recall-petition-verifier", key_id(PUBLIC))
    Ed25519PublicKey.from_public_bytes(PUBLIC).verify(b64decode(encoded)[4:], (text + "\n").encode())


def test_signatures_of_other_keys_are_ignored_and_one_of_this_key_is_needed() -> None:
    other = Signer(Ed25519PrivateKey.from_private_bytes(bytes(31) + b"1"))
    signature = other.note(a_checkpoint()).rpartition("\n\n")[2]
    assert SIGNER.read(SIGNER.note(a_checkpoint()) + signature, PETITION) == a_checkpoint()
    with pytest.raises(NotACheckpointError):
        SIGNER.read(other.note(a_checkpoint()), PETITION)


def test_a_checkpoint_of_another_petition_is_not_read_as_one_of_this() -> None:
    with pytest.raises(NotACheckpointError):
        SIGNER.read(SIGNER.note(a_checkpoint()), PetitionKey("sample", UUID(int=1)))


def test_a_checkpoint_has_the_origin_the_size_and_the_root_on_its_first_lines() -> None:
    origin, size, root, *_ = a_checkpoint().text().split("\n")
    assert (origin, size, b64decode(root)) == (a_checkpoint().origin, "3", a_checkpoint().root)


def test_a_verifier_key_names_itself_and_holds_the_key() -> None:
    name, key, encoded = SIGNER.verifier_key.split("+", 2)
    assert (name, bytes.fromhex(key)) == ("recall-petition-verifier", key_id(PUBLIC))
    assert b64decode(encoded) == b"\x01" + PUBLIC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "one\n",
        a_checkpoint().text() + "more\n",
        a_checkpoint().text().replace("\n3\n", "\n03\n"),
        a_checkpoint().text().replace("checkpoint 2", "checkpoint two"),
        a_checkpoint().text().replace("at 2022", "at MMXXII"),
    ],
)
def test_another_text_is_no_checkpoint(text: str) -> None:
    with pytest.raises(NotACheckpointError):
        Checkpoint.parse(text)


@pytest.mark.parametrize("note", ["", "text\n", "text\n\n", a_checkpoint().text(), a_checkpoint().text() + "\n"])
def test_another_text_is_no_signed_note(note: str) -> None:
    with pytest.raises(NotACheckpointError):
        SIGNER.read(note, PETITION)


@pytest.mark.parametrize(
    "line", ["— name", "- name " + b64encode(bytes(68)).decode(), "— name AAAA", "— name !", "name"]
)
def test_a_note_with_a_line_that_is_no_signature_is_refused_also_beside_a_good_one(line: str) -> None:
    good = SIGNER.note(a_checkpoint())
    for note in (a_checkpoint().text() + f"\n{line}\n", good + f"{line}\n"):
        with pytest.raises(NotACheckpointError):
            SIGNER.read(note, PETITION)
