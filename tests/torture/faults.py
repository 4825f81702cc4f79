"""The faults that `tools/faults.py` provokes, each on a running service under load, until the service is well again.

The docstring's first line names the fault, the rest says what is done and how it ends.
"""

# ruff: noqa: ASYNC240, S603, S607  # what is done to the service may block, and the programs are known ones

import asyncio
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path

import httpx

from app.database.backup import base_backups
from tests.torture.scene import Held, Scene, a_scene
from tests.torture.service import signal_all

Fault = Callable[[Scene], Awaitable[None]]
_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'recall' AND pid <> pg_backend_pid()"
_SLOWLY = 48 << 20  # bytes that are filled bit by bit
_NEARLY_FULL = 0.05  # of a disk, as in the alert rule


async def service_killed(scene: Scene) -> None:
    """The service is killed (-9)

    With it end its matchers and its database. It is started again two seconds later.
    """
    scene.note("fault", "kill -9 of the service")
    await scene.service.kill()
    await scene.says("no answer")
    await asyncio.sleep(2)
    await scene.service.start()
    scene.note("operator", "started the service")


async def matchers_killed(scene: Scene) -> None:
    """Both matchers are killed (-9)

    The service decides the lines itself until they run again, without being asked to.
    """
    scene.note("fault", "kill -9 of both matchers")
    signal_all(scene.service.matcher_processes(), signal.SIGKILL)
    await scene.says("ready, 0 matchers")
    await scene.says("ready, 2 matchers")


async def matchers_hang(scene: Scene) -> None:
    """Both matchers hang (SIGSTOP)

    They are found silent, killed and replaced; what waited for them is decided by the service.
    """
    scene.note("fault", "SIGSTOP of both matchers")
    signal_all(scene.service.matcher_processes(), signal.SIGSTOP)
    await scene.says("not_ready, 0 matchers")
    await scene.says("ready, 2 matchers")


async def backend_killed(scene: Scene) -> None:
    """A backend of PostgreSQL is killed (-9)

    PostgreSQL ends its other connections and recovers from its log.
    """
    commands = {one: Path(f"/proc/{one}/cmdline").read_bytes() for one in scene.service.database_processes()}
    backend = next(one for one, command in commands.items() if b"recall_" in command)
    scene.note("fault", "kill -9 of a backend of PostgreSQL")
    os.kill(backend, signal.SIGKILL)
    await asyncio.sleep(1)


async def postmaster_killed(scene: Scene) -> None:
    """PostgreSQL's first process is killed (-9)

    The service notices it, starts the server again, and it recovers from its log.
    """
    scene.note("fault", "kill -9 of PostgreSQL's first process")
    os.kill(scene.service.database_processes()[0], signal.SIGKILL)
    await asyncio.sleep(2)


async def database_hangs(scene: Scene) -> None:
    """PostgreSQL hangs (SIGSTOP of all its processes)

    They go on after ten seconds.
    """
    processes = scene.service.database_processes()
    scene.note("fault", "SIGSTOP of PostgreSQL")
    signal_all(processes, signal.SIGSTOP)
    await scene.says("does not answer")
    await asyncio.sleep(4)
    signal_all(processes, signal.SIGCONT)
    scene.note("operator", "SIGCONT of PostgreSQL")


async def read_only(scene: Scene) -> None:
    """The database is read-only

    For four seconds.
    """
    scene.note("fault", "the database is made read-only")
    await scene.service.execute("ALTER DATABASE recall SET default_transaction_read_only = on", _OTHERS)
    await scene.says("takes no write")
    await asyncio.sleep(4)
    off = "SET default_transaction_read_only = off"
    await scene.service.execute(off, "ALTER DATABASE recall RESET default_transaction_read_only", _OTHERS)
    scene.note("operator", "let the database be written to")


async def disk_fills(scene: Scene) -> None:
    """The disk fills up

    It is a real, small file system. The measure of its free space says so before anything fails; space is made later.
    """
    ballast = scene.service.data_dir / "ballast"
    scene.note("fault", f"another program fills the disk of {shutil.disk_usage(ballast.parent).total >> 20} MB")
    warned = False
    with suppress(OSError), ballast.open("wb", buffering=0) as file:  # the service may take the last of it
        while (free := shutil.disk_usage(ballast.parent).free) > (1 << 20):
            file.write(bytes(min(2 << 20, free) if free < _SLOWLY else free - _SLOWLY + 1))
            if not warned and await _share_free(scene) < _NEARLY_FULL:
                warned = True
                scene.note("alert", "the condition of DiskFull holds: less than 5 % is free; lines are still taken")
            await asyncio.sleep(0.25)
    await scene.says("not_ready")
    await asyncio.sleep(5)
    ballast.unlink()
    scene.note("operator", "made room")


async def _share_free(scene: Scene) -> float:
    async with httpx.AsyncClient(timeout=10) as client:
        lines = (await client.get(f"{scene.service.url}/metrics")).text.splitlines()
    disk = {line.split("{")[0]: float(line.split()[-1]) for line in lines if line.startswith("recall_disk_")}
    return disk["recall_disk_free_bytes"] / disk["recall_disk_size_bytes"]


async def connections_refused(scene: Scene) -> None:
    """The database refuses connections

    For five seconds, and ends those that are open.
    """
    scene.note("fault", "the database refuses connections")
    await scene.service.execute("ALTER DATABASE recall ALLOW_CONNECTIONS false", _OTHERS, database="postgres")
    await scene.says("does not answer")
    await asyncio.sleep(5)
    await scene.service.execute("ALTER DATABASE recall ALLOW_CONNECTIONS true", database="postgres")
    scene.note("operator", "let the database be connected to")


async def network_cut(scene: Scene) -> None:
    """The network between stations and service is cut

    Between them is a proxy. For five seconds requests arrive, and their answers are lost; then all is well again.
    """
    scene.note("fault", "requests arrive, answers are lost")
    scene.network_is_cut = True
    await asyncio.sleep(5)
    scene.network_is_cut = False
    scene.note("operator", "the network is back")


async def damaged_page(scene: Scene) -> None:
    """A page of the roll is damaged

    Bytes of it are overwritten on the disk. Nothing is decided on it, and the operator restores the newest backup.
    """
    await scene.service.stop()
    await scene.service.damage("registration")
    scene.note("fault", "bytes of the roll are overwritten while the service is stopped")
    await scene.service.start()
    await scene.says("damaged")
    await asyncio.sleep(2)
    await scene.service.stop()
    await scene.stations_are_stopped()
    await _restore(scene)


async def everything_lost(scene: Scene) -> None:
    """The data folder is destroyed

    It is restored elsewhere from base backup and archived log, and every station's command is run again.
    """
    scene.note("operator", "keeps a copy of the signing key apart")
    key = scene.folder / "checkpoint.key"
    shutil.copy2(scene.service.data_dir / "checkpoint.key", key)
    scene.note("fault", f"kill -9 of the service; {scene.service.data_dir.name}/ is deleted")
    await scene.service.kill()
    while scene.service.data_dir.exists():
        shutil.rmtree(scene.service.data_dir, ignore_errors=True)  # the database is still writing its last files
    await scene.says("no answer")
    await scene.stations_are_stopped()
    await _restore(scene, key)


async def _restore(scene: Scene, key: Path | None = None) -> None:
    """Restore to another folder, start the service there, and run the stations' commands again."""
    service, backups = scene.service, Path(scene.service.environment["BACKUP_DIR"])
    key = key or service.data_dir / "checkpoint.key"
    service.data_dir = scene.folder / "elsewhere"
    environment = {**os.environ, "DATA_DIR": str(service.data_dir), "BACKUP_DIR": str(backups)}
    command = (sys.executable, "-m", "app", "restore")
    done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, text=True, check=True)
    scene.note("operator", f"python -m app restore: {done.stdout.strip().replace(str(scene.folder), '')}")
    shutil.copy2(key, service.data_dir)
    await service.start()
    scene.note("operator", "copied the signing key there, started the service, runs every station's command again")
    scene.run_stations()


async def backed_up(scene: Scene) -> None:
    """Wait for the first base backup."""
    backups = Path(scene.service.environment["BACKUP_DIR"])
    while not base_backups(backups):  # noqa: ASYNC110  # another process makes it
        await asyncio.sleep(0.1)
    ended_at: datetime = base_backups(backups)[0].ended_at
    scene.note("service", f"the first base backup is complete ({ended_at:%H:%M:%S} UTC), the log follows it")


async def clock_jumps(scene: Scene) -> None:
    """The service's clock jumps by 400 days, back and forward

    While it is behind, all goes on. Ahead, the keys expire, for good: the operator gives the stations another one.
    """
    clock = Path(scene.service.environment["CLOCK"])
    for days in ("-400", "400", "0"):
        clock.write_text(days)
        scene.note("fault", f"the service's clock is {days} days off")
        await asyncio.sleep(3)
    await scene.stations_are_stopped()
    await scene.service.issue_key()
    scene.note("operator", "issued another key, and runs every station's command again with it")
    scene.run_stations()


async def memory_short(scene: Scene) -> None:
    """The service and its matchers get no more memory

    Their limit is set to what they have (RLIMIT_AS), for six seconds. If the service ends, it is started again, as the
    container's or the machine's supervisor would.
    """
    assert scene.service.process
    processes = [scene.service.process.pid, *scene.service.matcher_processes()]
    scene.note("fault", "the service and its matchers get no more memory")
    for one in processes:
        used = int(Path(f"/proc/{one}/statm").read_text().split()[0]) * resource.getpagesize()
        resource.prlimit(one, resource.RLIMIT_AS, (used, resource.RLIM_INFINITY))
    await asyncio.sleep(6)
    scene.note("operator", "gave memory back")
    for one in processes:
        if Path(f"/proc/{one}").exists():
            resource.prlimit(one, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    if scene.service.process.returncode is not None:
        scene.note("service", f"had ended ({scene.service.process.returncode}), and is started again")
        await scene.service.start()


async def key_lost(scene: Scene) -> None:
    """The signing key is lost

    The service does not start without it, and makes no other. It starts when the copy is put back.
    """
    await scene.service.stop()
    key, copy = scene.service.data_dir / "checkpoint.key", scene.folder / "checkpoint.key"
    shutil.move(key, copy)
    scene.note("fault", "the service is stopped, and its signing key is gone")
    environment = {**os.environ, "DATA_DIR": str(scene.service.data_dir)}
    command = (sys.executable, "-m", "app", "serve", "--port", "0")
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode
    assert not key.exists()
    scene.note("service", f"does not start: {done.stderr.strip().splitlines()[-1].replace(str(scene.folder), '')}")
    shutil.copy2(copy, key)
    await scene.service.start()
    scene.note("operator", "put the copy back, and started the service")


async def bursts_of_503(scene: Scene) -> None:
    """The service answers 503 in bursts

    Another transaction locks the count for twelve seconds, longer than the service waits for it.
    """
    scene.note("fault", "another transaction locks the count")
    await scene.service.execute("BEGIN", "LOCK TABLE head IN EXCLUSIVE MODE", "SELECT pg_sleep(12)", "COMMIT")
    scene.note("operator", "ended that transaction")


_WITH_BACKUPS = (damaged_page, everything_lost)  # without the clients that keep no journal: they send nothing again


@contextmanager
def a_small_disk(folder: Path) -> Iterator[None]:
    """A file system of 512 MB in memory at this folder; OSError where that is not permitted."""
    command = ("mount", "-t", "tmpfs", "-o", "size=512m,mode=711", "tmpfs", str(folder))
    if subprocess.run(command, capture_output=True, check=False).returncode:
        raise PermissionError("a file system cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(("umount", "--lazy", str(folder)), check=True)


async def provoke(fault: Fault, folder: Path) -> tuple[Scene, Held]:
    """Provoke a fault in an empty folder; what was seen, and what is on record after."""
    environment = {"BACKUP_DIR": str(folder / "backups")} if fault in _WITH_BACKUPS else {}
    if fault is clock_jumps:
        environment["CLOCK"] = str(folder / "clock")
        (folder / "clock").write_text("0")
    (folder / "data").mkdir(mode=0o711)
    with a_small_disk(folder / "data") if fault is disk_fills else nullcontext():
        async with a_scene(folder, **environment) as scene:
            await scene.start()
            if fault in _WITH_BACKUPS:
                await backed_up(scene)
            await scene.post(singles=fault not in _WITH_BACKUPS, proxy=fault is network_cut)
            await fault(scene)
            await scene.end()
            held = await scene.hold()
            scene.note("check", f"{held.acknowledged} acknowledged, {held.lost} lost, {held.doubled} doubled")
            return scene, held


FAULTS: tuple[Fault, ...] = (
    service_killed,
    matchers_killed,
    matchers_hang,
    backend_killed,
    postmaster_killed,
    database_hangs,
    read_only,
    disk_fills,
    connections_refused,
    network_cut,
    bursts_of_503,
    damaged_page,
    clock_jumps,
    memory_short,
    key_lost,
    everything_lost,
)
