"""A station's file is checked whole before anything of it is sent."""

import gzip
import json
from pathlib import Path

import pytest

from app.station.client import Control, post_file
from app.station.files import LONGEST_LINE, open_source
from app.station.outcome import BadFileError, SpoolError, Summary
from tests.station.builders import a_file, a_line, a_target, quick, some_lines
from tests.station.network import Service

GOOD = json.dumps(a_line(1)).encode()


@pytest.mark.parametrize(
    "bad",
    [
        b"Maria Garcia",
        b'"Maria Garcia"',
        b"[]",
        b'{"section": 1, "page": 1}',
        b'{"section": 1, "page": true, "line": 1}',
        b'{"section": 1, "page": 0, "line": 1}',
        b'{"section": 1, "page": 1.5, "line": 1}',
        b'{"section": 1, "page": 1, "line": NaN}',
        b'{"section": 1, "page": 1, "line": 1, "line": 2}',
        b'{"section": 1, "page": 1, "line": 1, "printed_name": "Mar\xeda"}',
        b'{"section": 1, "page": 1, "line": 1, "zip": 1e400}',
        b'{"section": 1, "page": 1, "line": 1, "printed_name": "Mar\\ud800"}',
        b"[" * 20_000,
        b"1" * 5_000,
        b"\x00",
        b"\xef\xbb\xbf" + GOOD,
        b" " * (LONGEST_LINE + 1),
    ],
)
async def test_a_malformed_line_is_refused_by_its_number_alone(service: Service, tmp_path: Path, bad: bytes) -> None:
    file = tmp_path / "signatures.ndjson"
    file.write_bytes(b"\n".join([GOOD, b"", bad, GOOD]))
    with pytest.raises(BadFileError, match=r"^line 3: .*; nothing was sent$") as refusal:
        await post_file(str(file), a_target(service.url), spool=tmp_path / "spool")
    assert "Mar" not in str(refusal.value)
    assert service.requests == 0


async def test_a_damaged_archive_is_refused(service: Service, tmp_path: Path) -> None:
    whole = gzip.compress(b"\n".join(json.dumps(line).encode() for line in some_lines(2_000)))
    file = tmp_path / "signatures.ndjson.gz"
    for damaged in (whole[:-2_000], whole[:-6] + b"\x00" * 6, whole[:500] + b"\xff" * 50 + whole[550:]):
        file.write_bytes(damaged)
        with pytest.raises(BadFileError, match="damaged or incomplete"):
            await post_file(str(file), a_target(service.url), spool=tmp_path / "spool")
    assert service.requests == 0


async def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for file in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(BadFileError, match="cannot open the file"):
            await post_file(str(file), a_target("http://127.0.0.1:9"), spool=tmp_path / "spool")


async def test_an_empty_file_is_posted_with_nothing_sent(service: Service, tmp_path: Path) -> None:
    summary = await post_file(str(a_file(tmp_path, [])), a_target(service.url), spool=tmp_path / "spool")
    assert (summary.lines, summary.accepted, service.requests) == (0, 0, 0)


async def test_an_archive_is_posted_as_the_file_in_it(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "signatures.ndjson.gz"
    file.write_bytes(gzip.compress(b"\r\n\r\n".join(json.dumps(line).encode() for line in some_lines(120))))
    summary = await post_file(str(file), a_target(service.url), options=quick(), spool=tmp_path / "spool")
    assert (summary.lines, summary.accepted, summary.batches) == (120, 120, 3)


async def test_what_stands_on_a_line_is_sent_as_it_was_written(service: Service, tmp_path: Path) -> None:
    written = a_line(1, printed_name='José "Pepe" Ñandú \\ 李')
    await post_file(str(a_file(tmp_path, [written])), a_target(service.url), spool=tmp_path / "spool")
    assert json.loads(service.standing["1-1-2"]) == written


async def test_a_file_that_is_written_to_meanwhile_is_not_posted_further(service: Service, tmp_path: Path) -> None:
    file = a_file(tmp_path, some_lines(200))

    def write_more(summary: Summary) -> None:
        if summary.batches == 1:
            file.write_text(file.read_text() + json.dumps(a_line(900)) + "\n")

    with pytest.raises(SpoolError, match="is being written to"):
        await post_file(
            str(file),
            a_target(service.url),
            options=quick(batch=10, in_flight=1),
            spool=tmp_path / "spool",
            control=Control(progress=write_more),
        )
    assert "10-1-1" not in service.standing


def test_a_source_leaves_no_copy_of_a_stream_in_the_spool(tmp_path: Path) -> None:
    file = a_file(tmp_path, some_lines(3))
    spool = tmp_path / "spool"
    with open_source(str(file), spool) as source:
        assert source.survey()[1] == 3
        assert [line.place for line in source.lines()] == ["1-1-1", "1-1-2", "1-1-3"]
        assert list(spool.iterdir()) == []
