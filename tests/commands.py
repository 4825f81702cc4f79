"""The program's commands, each in a process of its own.

It is forked from a process that has loaded the program already: loading takes longer than most commands, and there are
hundreds of them in the tests.
"""

import asyncio
import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path


async def command(*arguments: str, environment: Mapping[str, str], text: str = "") -> tuple[int, str, str]:
    """Run a command with `text` as its input; returns its status, output and errors."""
    with tempfile.TemporaryDirectory(prefix="command-") as folder:
        files = [Path(folder) / name for name in ("in", "out", "errors")]
        files[0].write_text(text)
        reader, writer = await asyncio.open_unix_connection(_loaded())
        asked = {"arguments": arguments, "environment": dict(environment), "cwd": os.getcwd()}  # noqa: PTH109  # as text
        writer.write(json.dumps({**asked, "files": [str(file) for file in files]}).encode() + b"\n")
        said = await reader.read()
        writer.close()
        assert said, "the command ended without a status"
        return int(said), files[1].read_text(), files[2].read_text()


@cache
def _loaded() -> str:
    """Start the process that has the program loaded; the address of its socket."""
    folder = tempfile.TemporaryDirectory(prefix="loaded-")
    address = f"{folder.name}/socket"
    running = subprocess.Popen(  # noqa: S603  # ours
        [sys.executable, "-c", f"from {__name__} import serve; serve({address!r})"],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,  # it ends with this process
        stdout=subprocess.PIPE,
    )
    assert running.stdout
    assert running.stdout.readline() == b"ready\n"

    def end() -> None:
        running.kill()
        running.wait()
        folder.cleanup()

    atexit.register(end)
    return address


def serve(address: str) -> None:
    """Fork a process for each connection, until the tests' process ends."""
    for module in import_module("app.__main__").MODULES:
        import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system reaps them
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(64)
        os.write(1, b"ready\n")
        while sys.stdin not in select.select([listening, sys.stdin], [], [])[0]:
            connection, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _run(connection)
            connection.close()


def _run(connection: socket.socket) -> None:
    """Run the command that is asked for, answer its status, and end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    status = 1
    try:
        asked = json.loads(connection.makefile().readline())
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(asked["cwd"])
        for number, (file, mode) in enumerate(zip(asked["files"], ("rb", "wb", "wb"), strict=True)):
            with Path(file).open(mode) as opened:
                os.dup2(opened.fileno(), number)
        sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
        sys.argv = ["app", *asked["arguments"]]
        status = import_module("app.__main__").main()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001  # as the interpreter does
        traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
            connection.sendall(str(status).encode())
        os._exit(0)
