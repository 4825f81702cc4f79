"""Becomes a program of the database server: changes the user, arranges to end with its parent, and executes it.

It is a script, run by path with `python -I -S`, and not a hook between fork and exec: the service has threads, and
after a fork of such a process only exec is safe. It imports little, since every start of the server waits for it.

    server_process.py PARENT IDENTITY FOLDER LOG PROGRAM [ARGUMENT ...]

PARENT    the process id of the caller; when the calling thread ends in any way, the program gets SIGINT (Linux).
IDENTITY  `self`, `user:UID:GID` to become that user, or `namespace:UID:GID` to have that id in a user namespace.
FOLDER    where the program runs.
LOG       the file that receives what the program prints; `-` leaves that to the caller.
"""

import ctypes
import os
import sys

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_SIGINT = 2  # PostgreSQL's fast shutdown: transactions are rolled back, the rest is written
_FAILED = 126  # what a shell answers for a program that cannot be executed


def _become(identity: str) -> None:
    kind, *ids = identity.split(":")
    if kind == "user":
        uid, gid = map(int, ids)
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    elif kind == "namespace":
        # Keep access to our own files and lose every privilege: outside the namespace the user id stays the same.
        maps = {"uid_map": f"{ids[0]} {os.geteuid()} 1", "gid_map": f"{ids[1]} {os.getegid()} 1"}
        if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER):
            raise OSError(ctypes.get_errno(), "no user namespace")
        for name, text in {"setgroups": "deny", **maps}.items():
            file = os.open(f"/proc/self/{name}", os.O_WRONLY)
            os.write(file, text.encode("ascii"))
            os.close(file)


def _main(parent: str, identity: str, folder: str, log: str, *program: str) -> None:
    os.umask(0o077)
    _become(identity)
    if sys.platform == "linux":  # after the change of user, which would clear the request
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGINT, 0, 0, 0)
    if os.getppid() != int(parent):  # it died before we asked
        sys.exit(_FAILED)
    os.chdir(folder)
    if log != "-":
        # Opened as the server's user: a link that this user made there gives access to nothing more.
        file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        os.dup2(file, 1)
        os.dup2(file, 2)
    os.execv(program[0], program)  # noqa: S606  # the caller's own command, and no shell


if __name__ == "__main__":
    try:
        _main(*sys.argv[1:])
    except OSError as error:
        sys.stderr.write(f"{error.strerror}\n")
        sys.exit(_FAILED)
