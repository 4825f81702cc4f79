"""The program's commands, each in a process of its own.

It is forked from a process that has loaded the program already: loading takes longer than most commands, and there are
hundreds of them in the tests.
"""

import asyncio
import atexit
import gc
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, Final

PROGRAM: Final = "app.__main__"
_PROJECT: Final = Path(__file__).parents[1]
_READY: Final = b"listening on "
_MOST: Final = 1 << 20  # bytes of a command's arguments and environment


@dataclass(eq=False)
class Running:
    """A command that was started."""

    pid: int
    _status: asyncio.Task[int]

    @property
    def returncode(self) -> int | None:
        """Its status, the negative number of the signal that ended it, or None while it runs."""
        return self._status.result() if self._status.done() else None

    async def wait(self) -> int:
        """Wait until it has ended; its status."""
        return await asyncio.shield(self._status)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self.returncode is None:
            with suppress(ProcessLookupError):  # its status is on the way
                os.kill(self.pid, number)


async def command(*arguments: str, environment: Mapping[str, str], text: str = "") -> tuple[int, str, str]:
    """Run a command with `text` as its input; returns its status, output and errors."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        given.write(text.encode())
        given.seek(0)
        running = await started(*arguments, environment=environment, files=(given, out, errors))
        status = await running.wait()
        out.seek(0)
        errors.seek(0)
        return status, out.read().decode(), errors.read().decode()


async def serving(
    *,
    environment: Mapping[str, str],
    errors: BinaryIO | None = None,
    port: int = 0,
    program: str = PROGRAM,
    open_files: int = 0,
) -> tuple[Running, str]:
    """Start the service and wait until it listens; its address."""
    reading, writing = os.pipe()
    with Path(os.devnull).open("r+b") as nothing, open(writing, "wb") as out:  # noqa: ASYNC230, PTH123  # a pipe
        running = await started(
            *("serve", "--port", str(port)),
            environment=environment,
            files=(nothing, out, errors or nothing),
            program=program,
            open_files=open_files,
        )
    printed = asyncio.StreamReader()
    pipe = open(reading, "rb")  # noqa: ASYNC230, PTH123, SIM115  # the transport closes it
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(printed), pipe)
    while not (line := await printed.readline()).startswith(_READY):
        assert line, "the service ended before it listened"
    return running, line.removeprefix(_READY).split()[0].decode()


async def started(
    *arguments: str,
    environment: Mapping[str, str],
    files: tuple[BinaryIO, BinaryIO, BinaryIO],
    program: str = PROGRAM,
    open_files: int = 0,
) -> Running:
    """Start a command with these files as its input, output and errors; it may open so many, where that is given."""
    asked = {
        "arguments": arguments,
        "environment": dict(environment),
        "cwd": os.getcwd(),  # noqa: PTH109  # as text
        "program": program,
        "open_files": open_files,
    }
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(_loaded())
    socket.send_fds(connection, [json.dumps(asked).encode()], [file.fileno() for file in files])
    reader, writer = await asyncio.open_unix_connection(sock=connection)

    async def status() -> int:
        try:
            return int(await reader.readline())
        finally:
            writer.close()

    return Running(int(await reader.readline()), asyncio.create_task(status()))


@cache
def _loaded() -> str:
    """Start the process that has the program loaded; the address of its socket."""
    folder = tempfile.TemporaryDirectory(prefix="loaded-")
    address = f"{folder.name}/socket"
    running = subprocess.Popen(  # noqa: S603  # ours
        [sys.executable, "-c", f"from {__name__} import serve; serve({address!r})"],
        cwd=_PROJECT,
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
    """Fork a process for each connection and send its number and then its status, until the tests' process ends."""
    for module in import_module(PROGRAM).MODULES:
        import_module(module)
    gc.collect()
    gc.freeze()  # or each process would copy what it looks through for garbage
    running: dict[int, socket.socket] = {}
    ended, wake = socket.socketpair()
    os.set_blocking(wake.fileno(), False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(64)
        os.write(1, b"ready\n")
        while sys.stdin not in (ready := select.select([listening, ended, sys.stdin], [], [])[0]):
            if listening in ready:
                connection, _ = listening.accept()
                if (number := os.fork()) == 0:
                    _run(connection)
                running[number] = connection
                connection.sendall(b"%d\n" % number)
            if ended in ready:
                ended.recv(_MOST)
            while running and (found := os.waitpid(-1, os.WNOHANG))[0]:
                with running.pop(found[0]) as connection, suppress(OSError):
                    connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(found[1]))


def _run(connection: socket.socket) -> None:
    """Run the command that is asked for, and end with its status."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    status = 1
    try:
        text, files, *_ = socket.recv_fds(connection, _MOST, 3)
        asked = json.loads(text)
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(asked["cwd"])
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
        sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace")
        sys.argv = ["app", *asked["arguments"]]
        if most := asked["open_files"]:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        status = import_module(asked["program"]).main()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001  # as the interpreter does
        traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
