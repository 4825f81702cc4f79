"""Which host a request is for: it names exactly one, well formed, and where a setting lists some, one of those."""

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Final, Literal

_HOST: Final = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,255})(?::[0-9]{1,5})?")

HostFault = Literal["not_one", "ill_formed", "not_served"]


@lru_cache(maxsize=64)
def host_of(header: bytes) -> str:
    """Return the host that a `Host` header names, in lower case without its port; '' where it is ill-formed."""
    found = _HOST.fullmatch(header)
    return found[1].decode("ascii").lower() if found else ""


def authority_of(target: bytes) -> bytes:
    """Return what an absolute request target, such as `http://host:80/path`, has in the place of a `Host`; else b''."""
    if target.startswith(b"/"):
        return b""
    return re.split(rb"[/?#]", target.partition(b"://")[2], maxsplit=1)[0]


def host_fault(
    headers: Sequence[tuple[bytes, bytes]], target: bytes, *, needed: bool, served: AbstractSet[str]
) -> HostFault | None:
    """Return what is wrong with the host of a request; None if nothing is.

    Args:
        headers: the request's, with their names in lower case.
        target: what its first line asks for.
        needed: whether it must name a host, as in HTTP/1.1.
        served: the hosts that it may name; if empty, any.
    """
    hosts = [value for name, value in headers if name == b"host"]
    authority = authority_of(target)
    if len(hosts) > 1 or (needed and not hosts) or (authority and [authority.lower()] != [h.lower() for h in hosts]):
        return "not_one"
    host = host_of(hosts[0]) if hosts else ""
    if hosts and not host:
        return "ill_formed"
    return "not_served" if served and host not in served else None
