"""Verify the evidence bundle of a recall petition's count, without the service and without its database.

    python verify_bundle.py BUNDLE.zip [--key NAME+ID+KEY] [--checkpoint FILE]...

It needs Python 3.11 and `cryptography`, and shares no code with the service. docs/ledger.md specifies its steps. Each
prints what it found, and the exit status is 0 only if nothing disagrees. Give the service's public key by --key, and
get it from another source than the bundle: without it, the checkpoints are checked with the key that the bundle itself
names. Give every checkpoint that you kept by --checkpoint.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
import zipfile
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "recall-evidence/1"
TYPES = {"open", "intake", "finding", "withdrawal", "revision", "section", "reexamination", "registration", "filing"}
TYPES |= {"freeze", "correction", "ruleset", "defect", "close", "retention"}
STAGES = {"filing": ("open", "filed"), "freeze": ("filed", "frozen"), "correction": ("frozen", "filed")}
SHOWN = 20  # disagreements of one step that are printed
GIVEN, DESTROYED = 1, 2  # marks of a leaf
EMPTY = {"raw": 0, "received": 0, "valid": 0, "invalid": 0, "review": 0, "unsettled": 0, "by_reason": {}}
TWO = 2  # people, as 2 CCR 20960 has it
NO_FINDING = {"finding_no": 0, "seq": 0, "status": None, "reason": None, "voter_id": None, "settled": True}
NOTE = re.compile(
    r"(?P<text>(?P<origin>.+)\n(?P<size>[1-9][0-9]*)\n(?P<root>\S+)\ncheckpoint (?P<number>[1-9][0-9]*)\n"
    r"previous (?P<previous>\S+)\nat (?P<at>\S+)\nhead (?P<head>\S+)\ntally (?P<tally>.+)\n)\n"
    r"(?P<signatures>(— \S+ \S+\n)+)"
)

Json = dict[str, Any]
Key = tuple[str, bytes, Ed25519PublicKey]  # name, id, key


@dataclass
class Step:
    """One numbered step: what it looked at and what disagreed."""

    title: str
    wrong: int = 0
    failed: ClassVar[int] = 0  # in all steps

    def fault(self, where: str, message: str) -> None:
        """Print a disagreement."""
        self.wrong += 1
        Step.failed += 1
        if self.wrong <= SHOWN:
            print(f"   {where}: {message}")

    def end(self, looked_at: str) -> None:
        """Print the step's outcome."""
        print(f"{self.title}: {f'{self.wrong} DISAGREE' if self.wrong else 'ok'} ({looked_at})", flush=True)


def sha256(*parts: bytes) -> bytes:
    """SHA-256 over the parts, one after the other."""
    return hashlib.sha256(b"".join(parts)).digest()


def tree_hash(hashes: list[bytes]) -> bytes:
    """The Merkle tree hash of RFC 9162 over leaf hashes, by a stack of full trees."""
    stack: list[tuple[int, bytes]] = []
    for leaf in hashes:
        push(stack, leaf)
    return fold(stack)


def push(stack: list[tuple[int, bytes]], leaf: bytes) -> None:
    """Add a leaf to the full trees seen so far, each with its number of leaves; equal ones become one."""
    size, node = 1, leaf
    while stack and stack[-1][0] == size:
        left = stack.pop()[1]
        size, node = size * 2, sha256(b"\x01", left, node)
    stack.append((size, node))


def fold(stack: list[tuple[int, bytes]]) -> bytes:
    """The root over full trees, the smallest last."""
    nodes = [node for _, node in reversed(stack)]
    return reduce(lambda right, left: sha256(b"\x01", left, right), nodes) if nodes else sha256()


def canonical(value: object) -> str:
    """The one spelling of a JSON value that is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def numbers_of(tally: Json) -> dict[str, int]:
    """A tally's independent numbers by name."""
    numbers = {name: tally[name] for name in ("received", "valid", "invalid", "review", "unsettled")}
    numbers |= {name: tally.get(name, 0) for name in ("blank", "struck")}
    return numbers | {f"invalid:{reason}": count for reason, count in tally["by_reason"].items()}


def records(bundle: zipfile.ZipFile, name: str) -> Iterator[Json]:
    """The objects of a file of the bundle, one a line."""
    with bundle.open(name) as file:
        for line in file:
            yield json.loads(line)


class Ledger:
    """What step 2 keeps for the next steps: the leaves, and by how much each entry changed the tally."""

    def __init__(self) -> None:
        """A ledger without entries."""
        self.seqs, self.starts = array("q"), array("q")
        self.leaves, self.marks = bytearray(), bytearray()
        self.changes: defaultdict[str, array[int]] = defaultdict(lambda: array("q"))
        self.trees: list[tuple[int, bytes]] = []
        self.opening: Json = {}
        self.ruleset = ""
        self.hash, self.tally, self.closed = bytes(32), "", False
        self.stage, self.raw = "open", [0, 0, 0]  # where the raw count stands; and it, as it was frozen
        self.named: dict[str, str] = {}  # the hash of a record -> the entry that names it
        self.rulesets: list[tuple[str, str, str]] = []  # entry, name, hash of the parameters
        self.freezes: dict[int, list[Any]] = {}  # by entry: what it says, and what the findings give

    def find(self, seq: int) -> tuple[int, int, int]:
        """The position of an entry, and where its leaves begin and end; -1, 0, 0 if there is no such entry."""
        index = bisect_left(self.seqs, seq)
        if index == len(self.seqs) or self.seqs[index] != seq:
            return -1, 0, 0
        return index, self.starts[index], self.starts[index + 1] if index + 1 < len(self.starts) else len(self.marks)

    def change(self, index: int, name: str, step: int) -> None:
        """Add to what remains to be explained of one number at one entry."""
        changes = self.changes[name]
        changes.extend([0] * (len(self.seqs) - len(changes)))
        changes[index] += step


def step_2_chain(bundle: zipfile.ZipFile, points: list[Json]) -> Ledger:
    """Each entry follows from the one before and from its leaves; each checkpoint signed these entries."""
    step, ledger, counts = Step("2. chain of entries"), Ledger(), numbers_of(EMPTY)
    waiting = sorted(points, key=lambda point: -point["size"])
    for expected, entry in enumerate(records(bundle, "ledger.ndjson"), 1):
        seq, where, payload = entry["seq"], f"entry {entry['seq']}", entry["payload"].encode()
        leaves = bytes.fromhex(entry["leaves"])
        kind, root, name = entry["type"], bytes.fromhex(entry["leaf_root"]), entry["type"].encode()
        if seq != expected:
            step.fault(where, f"entry {expected} is expected here")
        digest = sha256(ledger.hash, seq.to_bytes(8, "big"), bytes([len(name)]), name, root, payload)
        if digest.hex() != entry["hash"]:
            step.fault(where, "its hash does not follow from it and the entry before")
        if tree_hash([leaves[i : i + 32] for i in range(0, len(leaves), 32)]) != root:
            step.fault(where, "its leaves do not give its root")
        if kind not in TYPES or (kind == "open") != (expected == 1) or ledger.closed != (kind == "retention"):
            step.fault(where, "an entry of its type is not allowed here")
        said = read_payload(step, where, entry["payload"], len(leaves) // 32)
        follow_raw_count(step, ledger, where, (seq, kind, said))
        ledger.hash = bytes.fromhex(entry["hash"])
        counts = add_entry(ledger, seq, leaves, said["tally"], counts)
        ledger.opening = said if kind == "open" else ledger.opening
        ledger.ruleset = said.get("ruleset", ledger.ruleset) if kind in ("open", "ruleset") else ledger.ruleset
        two_people = said.get("reason") and said.get("proposed_by") != said.get("confirmed_by")
        if kind == "ruleset" and not two_people:
            step.fault(where, "a change of the ruleset takes two people and a reason")
        keep_names(ledger, where, kind, said)
        ledger.closed = ledger.closed or kind == "close"
        destroy(step, ledger, where, said)
        while waiting and waiting[-1]["size"] <= expected:
            compare(step, ledger, waiting.pop())
    for point in waiting:
        step.fault(point["name"], f"it was signed over {point['size']} entries; there are {len(ledger.seqs)}")
    step.end(f"{len(ledger.seqs)} entries, {len(ledger.marks)} leaves")
    return ledger


def keep_names(ledger: Ledger, where: str, kind: str, said: Json) -> None:
    """Keep the hashes of records that an entry names, and of its ruleset's parameters; entries of before lack these."""
    leaves = [one["declaration"] for one in said["sections"]] if kind == "registration" else []
    leaves += [said[name] for name in ("proposal", "act") if name in said]
    ledger.named |= dict.fromkeys(leaves, where)
    if "ruleset_sha256" in said:
        ledger.rulesets.append((where, said["ruleset"], said["ruleset_sha256"]))


def read_payload(step: Step, where: str, text: str, leaves: int) -> Json:
    """The payload: canonical, with the number of its leaves and a tally that adds up."""
    payload: Json = json.loads(text)
    tally = payload["tally"]
    parts = tally["received"] + tally["valid"] + tally["invalid"] + tally["review"]
    sums = (payload["leaves"], tally["raw"], tally["invalid"])
    if canonical(payload) != text or sums != (leaves, parts, sum(tally["by_reason"].values())):
        step.fault(where, "its payload is not canonical or does not add up")
    return payload


def follow_raw_count(step: Step, ledger: Ledger, where: str, entry: tuple[int, str, Json]) -> None:
    """Between a freeze and a correction the raw count stays; each freeze is kept, to be compared with the lines."""
    seq, kind, said = entry
    raw = [said["tally"].get(name, 0) for name in ("raw", "blank", "struck")]
    needed, after = STAGES.get(kind, (ledger.stage, ledger.stage))
    if needed != ledger.stage or (needed == "frozen" and raw != ledger.raw):
        step.fault(where, "the raw count is not where an entry of its type is allowed, or it was frozen and changed")
    ledger.stage, ledger.raw = after, raw
    if kind == "freeze":
        ledger.freezes[seq] = [said["raw"], said["list_hash"], 0, hashlib.sha256()]


def put_on_lists(ledger: Ledger, place: str, in_raw: list[tuple[int, bool]]) -> None:
    """Put a place on the raw list of each freeze at which it was in the raw count."""
    for seq, listed in ledger.freezes.items():
        if next((said for at, said in reversed(in_raw) if at < seq), False):
            listed[2] += 1
            listed[3].update(f"{place}\n".encode())


def add_entry(ledger: Ledger, seq: int, leaves: bytes, tally: Json, before: dict[str, int]) -> dict[str, int]:
    """Keep an entry's leaves and its changes of the tally; returns the numbers after it."""
    ledger.seqs.append(seq)
    ledger.starts.append(len(ledger.marks))
    ledger.leaves += leaves
    ledger.marks += bytes(len(leaves) // 32)
    push(ledger.trees, sha256(b"\x00", ledger.hash))
    numbers = numbers_of(tally)
    for name in numbers.keys() | before.keys():
        if numbers.get(name, 0) != before.get(name, 0):
            ledger.change(len(ledger.seqs) - 1, name, numbers.get(name, 0) - before.get(name, 0))
    ledger.tally = canonical(tally)
    return numbers


def destroy(step: Step, ledger: Ledger, where: str, payload: Json) -> None:
    """Mark the leaves whose findings were destroyed by retention, as an entry records it."""
    for seq, first, last in payload.get("destroyed", ()):
        _, start, end = ledger.find(seq)
        if not start <= start + first <= start + last < end:
            step.fault(where, "it names leaves that do not exist")
            continue
        for leaf in range(start + first, start + last + 1):
            ledger.marks[leaf] |= DESTROYED


def compare(step: Step, ledger: Ledger, point: Json) -> None:
    """Compare a checkpoint with the log at its size."""
    if (point["root"], point["head"]) != (fold(ledger.trees), ledger.hash):
        step.fault(point["name"], f"the entries up to {point['size']} are not those it was signed over")
    elif point["tally"] != ledger.tally:
        step.fault(point["name"], "the tally is not the one it was signed over")


def step_3_findings(bundle: zipfile.ZipFile, ledger: Ledger) -> None:
    """Each finding is what its leaf was made from; line by line they give each entry's change of the tally.

    After a line's last finding, its voter is checked. Of the lines that pass every other rule the lowest place counts,
    which is the first in this order, and the others are duplicates; if the voter withdrew, none counts.
    """
    step, count, partly = Step("3. findings"), 0, any(ledger.marks)  # so far only retention has marked leaves
    counted: set[str] = set()
    withdrawn: set[str] = set()
    place: tuple[int, ...] = ()
    last: Json = NO_FINDING
    in_raw: list[tuple[int, bool]] = []
    for finding in records(bundle, "findings.ndjson"):
        count += 1
        said: Json = json.loads(finding["content"]) | {"seq": finding["seq"]}
        here, where = tuple(map(int, said["place"].split("-"))), f"line {said['place']}, finding {said['finding_no']}"
        if here != place:
            end_line(step, last, counted, withdrawn, partly=partly)
            if here < place:
                step.fault(where, "places are not in order")
            put_on_lists(ledger, last.get("place", ""), in_raw)
            place, last, in_raw = here, NO_FINDING, []
        if said["finding_no"] != last["finding_no"] + 1 or said["seq"] <= last["seq"]:
            step.fault(where, f"finding {last['finding_no'] + 1} is expected here, of an entry after {last['seq']}")
        if not prove(ledger, finding, names_of(last), names_of(said)):
            step.fault(where, f"it is not what leaf {finding['leaf']} of entry {finding['seq']} was made from")
        if takes_two(said) and len(set(said.get("confirmed_by") or ())) < TWO:
            step.fault(where, "it takes two different people")
        last = said
        in_raw.append((said["seq"], said["status"] not in ("blank", "struck")))
    put_on_lists(ledger, last.get("place", ""), in_raw)
    for seq, (raw, digest, listed, made) in ledger.freezes.items():
        if (raw, digest) != (listed, made.hexdigest()) and not partly:
            step.fault(f"entry {seq}", "its raw list is not what the lines were then")
    end_line(step, last, counted, withdrawn, partly=partly)
    step.end(f"{count} findings, {len(counted)} voters counted, {len(withdrawn)} withdrawn")


def takes_two(said: Json) -> bool:
    """Whether one person cannot have settled this: a signature's mismatch, or what the data contradict."""
    if said["status"] == "invalid" and said["reason"] == "signature_mismatch":
        return True
    return bool(said.get("against_data") and said["settled"])


def names_of(said: Json) -> tuple[str, ...]:
    """The tally's numbers in which a line is counted after this finding."""
    if said["status"] is None:
        return ()
    by_reason = (f"invalid:{said['reason']}",) if said["status"] == "invalid" else ()
    return (said["status"], *by_reason, *(() if said["settled"] else ("unsettled",)))


def prove(ledger: Ledger, finding: Json, before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    """Whether a finding is its leaf, given only once; what it changed is subtracted from its entry's changes."""
    index, start, end = ledger.find(finding["seq"])
    if index < 0:
        return False
    for name, step in [(name, 1) for name in before] + [(name, -1) for name in after]:
        ledger.change(index, name, step)
    leaf = start + finding["leaf"]
    digest = sha256(b"\x00", bytes.fromhex(finding["salt"]), finding["content"].encode())
    if not start <= leaf < end or ledger.leaves[leaf * 32 : leaf * 32 + 32] != digest or ledger.marks[leaf] & GIVEN:
        return False
    ledger.marks[leaf] |= GIVEN
    return True


def end_line(step: Step, said: Json, counted: set[str], withdrawn: set[str], *, partly: bool) -> None:
    """Check a line's last finding against its voter's other lines, of which some may be destroyed (`partly`)."""
    reason, voter = said["reason"], str(said["voter_id"])
    if said["status"] != "valid" and (said["status"] != "invalid" or reason not in ("duplicate", "withdrawn")):
        return
    expected = "withdrawn" if voter in withdrawn else "duplicate" if voter in counted else None
    if reason == "withdrawn" and expected is None:
        withdrawn.add(voter)
    elif reason != expected and not (partly and reason == "duplicate"):
        step.fault(f"line {said['place']}", "it does not follow from its voter's other lines")
    elif reason is None:
        counted.add(voter)


def step_4_leaves(ledger: Ledger) -> None:
    """Every leaf has its finding, or retention destroyed it; every change of a tally comes from findings."""
    step, destroyed = Step("4. leaves and tallies"), 0
    moved = {index for changes in ledger.changes.values() for index, left in enumerate(changes) if left}
    for seq in ledger.seqs:
        index, start, end = ledger.find(seq)
        marks = ledger.marks[start:end]
        gone = len(marks) - marks.count(GIVEN)
        for leaf, mark in enumerate(marks) if gone else ():
            destroyed += mark == DESTROYED
            if mark not in (GIVEN, DESTROYED):
                step.fault(f"entry {seq}, leaf {leaf}", "its finding is missing" if not mark else "it is not destroyed")
        if index in moved and not any(mark & DESTROYED for mark in marks):
            step.fault(f"entry {seq}", "its tally does not follow from its findings and the entry before")
    step.end(f"{destroyed} findings destroyed by retention")


def step_5_end(manifest: Json, ledger: Ledger) -> None:
    """The manifest agrees with the ledger: its last entry, its tally, the petition's terms."""
    step = Step("5. result")
    if (manifest["version"], manifest["hash"]) != (ledger.seqs[-1] if ledger.seqs else 0, ledger.hash.hex()):
        step.fault("manifest", "it names another last entry")
    if canonical(manifest["tally"]) != ledger.tally or (manifest["state"] == "closed") != ledger.closed:
        step.fault("manifest", "its tally or state is not the ledger's")
    if manifest.get("ruleset", ledger.ruleset) != ledger.ruleset:
        step.fault("manifest", "it names another ruleset than the one that the ledger put into force")
    for name, value in manifest["petition"].items():
        if ledger.opening.get(name) != value:
            step.fault("manifest", f"the petition was opened with another {name}")
    valid, required = manifest["tally"]["valid"], manifest["petition"]["required"]
    step.end(f"{manifest['tally']['raw']} lines, {valid} valid, {required} required, {manifest['state']}")


def step_6_checkpoints(step: Step, own: list[Json], entries: int) -> None:
    """The bundle's own checkpoints are all there: numbered, each naming the one before, longer and not earlier."""
    number, size, digest, at = 0, 0, bytes(32), None
    for point in own:
        if point["number"] != number + 1:
            step.fault(point["name"], f"checkpoint {number + 1} is expected here")
        elif point["previous"] != digest:
            step.fault(point["name"], "it does not name the checkpoint before")
        if point["size"] <= size or (at and point["at"] < at):
            step.fault(point["name"], "it shrinks the log or goes back in time")
        number, size, digest, at = point["number"], point["size"], point["digest"], point["at"]
    step.end(f"{len(own)} checkpoints, {entries - size} entries after the last")


def step_7_records(bundle: zipfile.ZipFile, manifest: Json, ledger: Ledger) -> None:
    """What people put on record besides findings is what the entries name, and so are the rulesets' parameters."""
    step, named, count, partly = Step("7. records"), dict(ledger.named), 0, any(m & DESTROYED for m in ledger.marks)
    for record in records(bundle, "records.ndjson"):
        count += 1
        leaf = sha256(b"\x00", bytes.fromhex(record["salt"]), record["content"].encode()).hex()
        if named.pop(leaf, None) is None and record["kind"] != "proposal":  # the ledger names those that were confirmed
            step.fault(f"{record['kind']} {count}", "no entry names it as it is here")
    for where in [] if partly else sorted(named.values()):
        step.fault(where, "a record that it names is missing")
    for where, name, digest in ledger.rulesets:
        if sha256(manifest["rulesets"].get(name, "").encode()).hex() != digest:
            step.fault(where, "the parameters of its ruleset are not those it was made under")
    step.end(f"{count} records, {len(ledger.rulesets)} rulesets")


def read_note(name: str, note: str, key: Key, origin: str) -> Json:
    """The checkpoint of a signed note; an error gives the reason if it is none."""
    match = NOTE.fullmatch(note)
    if match is None or match["origin"] != origin:
        raise ValueError("it is not a checkpoint of this petition")
    lines = [line.split(" ") for line in match["signatures"].splitlines()]
    ours = [(who, base64.b64decode(encoded, validate=True)) for _, who, encoded in lines]
    signature = next((raw[4:] for who, raw in ours if (who, raw[:4]) == key[:2]), b"")
    try:
        key[2].verify(signature, match["text"].encode())
    except InvalidSignature:
        raise ValueError("the key has not signed it") from None
    hashes = {label: base64.b64decode(match[label], validate=True) for label in ("root", "previous", "head")}
    numbers = {"size": int(match["size"]), "number": int(match["number"]), "at": datetime.fromisoformat(match["at"])}
    return {"name": name, **hashes, **numbers, "tally": match["tally"], "digest": sha256(match["text"].encode())}


def read_key(text: str) -> Key:
    """The parts of a verifier key `name+id+key`, checked."""
    name, key_id, encoded = text.strip().split("+", 2)
    raw = base64.b64decode(encoded, validate=True)
    if raw[:1] != b"\x01" or sha256(name.encode(), b"\n", raw)[:4].hex() != key_id:
        raise ValueError("the key is not an Ed25519 verifier key")
    return name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(raw[1:])


def read_notes(step: Step, notes: list[tuple[str, str]], key: Key, petition: Json) -> list[Json]:
    """The checkpoints of named notes; a note that is none is a fault of the step."""
    read = []
    for name, note in notes:
        try:
            read.append(read_note(name, note, key, f"{key[0]}/{petition['county_id']}/{petition['petition_id']}"))
        except ValueError as error:
            step.fault(name, str(error))
    return read


def verify(path: str, key_text: str | None, files: list[str]) -> bool:
    """Run the steps; True if nothing disagrees."""
    with zipfile.ZipFile(path) as bundle:
        manifest = json.loads(bundle.read("manifest.json"))
        if manifest["format"] != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        Step("1. format").end(FORMAT)
        if key_text is None:
            print("   no --key: the checkpoints are checked with the key that the bundle itself names")
        key, last = read_key(key_text or manifest["key"]), Step("6. checkpoints")
        notes = [(f"checkpoint {n}", r["note"]) for n, r in enumerate(records(bundle, "checkpoints.ndjson"), 1)]
        own = read_notes(last, notes, key, manifest["petition"])
        kept = read_notes(last, [(name, Path(name).read_bytes().decode()) for name in files], key, manifest["petition"])
        ledger = step_2_chain(bundle, own + kept)
        step_3_findings(bundle, ledger)
        step_4_leaves(ledger)
        step_5_end(manifest, ledger)
        step_6_checkpoints(last, own, len(ledger.seqs))
        if "rulesets" in manifest:  # and in bundles of earlier programs neither these nor the records
            step_7_records(bundle, manifest, ledger)
    return not Step.failed


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Verify the evidence bundle of a recall petition's count.")
    parser.add_argument("bundle")
    parser.add_argument("--key", help="the service's public key, from another source than the bundle")
    parser.add_argument("--checkpoint", action="append", default=[], help="a checkpoint that you kept")
    arguments = parser.parse_args()
    try:
        agrees = verify(arguments.bundle, arguments.key, arguments.checkpoint)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError, zipfile.BadZipFile) as error:
        print(f"error: the bundle cannot be read: {error!r}", file=sys.stderr)
        return 2
    print("everything agrees" if agrees else f"{Step.failed} disagreements")
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
