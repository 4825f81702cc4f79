"""What the stories of a scanning station share."""

from collections.abc import Iterator

import pytest

from tests.station.network import Host, Service, serving


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    with serving() as running:
        yield running


@pytest.fixture
def service(host: Host) -> Service:
    host.service = Service(url=host.url)
    return host.service
