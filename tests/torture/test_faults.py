"""A short share of `make faults`: a disk that really is full, where a file system may be mounted."""

from pathlib import Path

import pytest

from tests.servers import server_folder
from tests.torture.faults import disk_fills, provoke


async def test_a_disk_that_fills_warns_before_and_loses_nothing() -> None:
    with server_folder("fault-") as folder:
        try:
            scene, held = await provoke(disk_fills, Path(folder))
        except PermissionError as error:
            pytest.skip(f"{error}: make faults provokes it where root runs it")
    assert (held.lost, held.doubled) == (0, 0)
    kinds = [line[10:].split()[0] for line in scene.transcript]
    assert kinds.index("alert") < len(kinds) - 1
    said = [line for line in scene.transcript if "not_ready" in line]
    assert scene.transcript.index(said[0]) > kinds.index("alert"), scene.transcript
    assert "takes no write" in "".join(said) or "does not answer" in "".join(said)
