from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.client_address import (
    bucket_name,
    client_of,
    forwarded_for,
    forwarded_proto,
    hops,
    is_trusted,
    networks,
    parse,
)

PROXIES = networks("10.0.0.0/8, ::1, 127.0.0.1")
addresses = st.ip_addresses()
#: What a client may write into a header that proxies append to.
forged = st.text(st.sampled_from('1.2:f;for="\\, []_unkow'), max_size=60)


@given(forged, st.ip_addresses(v=4), st.integers(0, 3))
def test_a_client_cannot_hide_behind_a_header_that_it_wrote(
    written: str, client: object, proxies: int
) -> None:
    """Each proxy appends the address that it saw; the client's own words stand before."""
    if is_trusted(str(client), PROXIES):
        return
    inner = [f"10.0.0.{number}" for number in range(proxies)]
    chain = [str(client), *inner]
    plain = client_of("10.9.9.9", hops(",".join([written, *chain])), PROXIES)
    listed = ",".join([written, *(f'for="{hop}:80";proto=https' for hop in chain)])
    assert plain == client_of("10.9.9.9", forwarded_for(listed), PROXIES) == str(client)


@given(addresses, st.lists(forged, max_size=4))
def test_a_header_of_a_client_that_is_no_proxy_is_not_read(peer: object, chain: list[str]) -> None:
    if not is_trusted(str(peer), PROXIES):
        assert client_of(str(peer), chain, PROXIES) == str(peer)
    assert client_of(str(peer), chain, ()) == str(peer)


@given(st.text(max_size=300))
def test_any_header_is_read_without_an_error(text: str) -> None:
    assert client_of("10.1.1.1", hops(text), PROXIES)
    assert client_of("10.1.1.1", forwarded_for(text), PROXIES)


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ([], "10.0.0.1"),
        (["1.2.3.4"], "1.2.3.4"),
        (["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
        (["6.6.6.6", "1.2.3.4", "10.2.2.2"], "1.2.3.4"),
        (["10.3.3.3", "10.2.2.2"], "10.3.3.3"),
        (["6.6.6.6", "unknown"], "10.0.0.1"),
        (["6.6.6.6", "_hidden", "10.2.2.2"], "10.2.2.2"),
        (["1.2.3.4:567"], "1.2.3.4"),
        (["[2001:db8::1]:567"], "2001:db8::1"),
        (["::ffff:1.2.3.4"], "1.2.3.4"),
    ],
)
def test_the_client_is_the_last_that_is_no_proxy(chain: list[str], client: str) -> None:
    assert client_of("10.0.0.1", chain, PROXIES) == client


def test_the_for_of_each_element_counts() -> None:
    header = 'for=192.0.2.60;proto=http;by=203.0.113.43, For="[2001:db8:cafe::17]:4711", by=1.1.1.1'
    assert forwarded_for(header) == ["192.0.2.60", '"[2001:db8:cafe::17]:4711"', ""]


def test_a_customers_ipv6_addresses_share_a_bucket() -> None:
    assert bucket_name("2001:db8:1:2::9") == bucket_name("2001:db8:1:2:f::1%eth0")
    assert bucket_name("2001:db8:1:2::9") != bucket_name("2001:db8:1:3::9")
    assert bucket_name("::ffff:1.2.3.4") == bucket_name("1.2.3.4") == "1.2.3.4"
    assert bucket_name("unix") == "unix"


@given(addresses)
def test_an_address_is_read_as_it_is_written(address: object) -> None:
    found = parse(str(address))
    mapped = getattr(address, "ipv4_mapped", None)
    assert found == (mapped or address)


@pytest.mark.parametrize(
    ("header", "proto"),
    [
        ("for=1.1.1.1;proto=https", "https"),
        ("for=1.1.1.1;proto=https, for=10.0.0.1;Proto=HTTP", "http"),
        ("for=1.1.1.1", ""),
        ("", ""),
    ],
)
def test_the_last_proxy_says_how_it_was_asked(header: str, proto: str) -> None:
    assert forwarded_proto(header) == proto
