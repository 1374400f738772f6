from __future__ import annotations

import socket

import pytest

from app.embedded.ports import free_port, is_free
from app.runtime.addresses import bound_to_any, local_url, url_of


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("chat.example", "http://chat.example:80"),
        ("::1", "http://[::1]:80"),
        ("fe80::1%eth0", "http://[fe80::1%eth0]:80"),
    ],
)
def test_an_ipv6_address_is_in_brackets_in_a_url(host: str, url: str) -> None:
    assert url_of(host, 80) == local_url(host, 80) == url


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::"])
def test_a_server_on_all_addresses_is_reached_on_this_machine(host: str) -> None:
    assert local_url(host, 80) == "http://127.0.0.1:80"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::"])
def test_a_port_is_free_until_somebody_listens_on_it(host: str) -> None:
    port = free_port()
    assert is_free(port, host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family):
        assert not is_free(port, host)


def test_a_port_of_ipv4_is_taken_for_all_addresses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert not is_free(taken.getsockname()[1], "::")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_all_addresses_are_those_of_ipv4_and_of_ipv6(host: str) -> None:
    with bound_to_any(free_port()) as server:
        server.listen()
        with socket.create_connection((host, server.getsockname()[1]), timeout=5):
            server.accept()[0].close()


def test_edges_share_a_port_and_others_do_not() -> None:
    port = free_port()
    with bound_to_any(port, shared=True) as one, bound_to_any(port, shared=True) as other:
        one.listen()
        other.listen()
        with pytest.raises(OSError, match="in use"):
            bound_to_any(port)
