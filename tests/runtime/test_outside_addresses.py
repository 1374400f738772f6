"""Requests to URLs of others go to public addresses, and to what is allowed."""

from __future__ import annotations

import ipaddress

import pytest

from app.runtime.outside_addresses import AddressForbidden, CheckedResolver, OutsideAddresses

INSIDE = (
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1"),
    *("::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:169.254.169.254"),
)


@pytest.mark.parametrize("address", INSIDE)
def test_no_request_goes_to_an_address_inside(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    assert OutsideAddresses().flaw(f"http://{host}:80/hook")


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses_are_fine(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    assert OutsideAddresses().flaw(f"https://{host}/hook") is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "none",
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://",
        "http://u:p@example.com/",
        "http://example.com:99999/",
        "http://[::1/",
        "javascript:alert(1)",
        "http://example.com:0/",
        "http://2130706433/",
        "http://0177.0.0.2/",
        "http://0x7f.1/",
        "http://127.1./",
    ],
)
def test_a_url_that_is_none_of_a_service_is_told(url: str) -> None:
    assert OutsideAddresses().flaw(url)


def test_networks_addresses_and_hosts_may_be_allowed() -> None:
    some = OutsideAddresses("10.0.0.0/8, 127.0.0.1,hooks,::1")
    assert some.flaw("http://10.9.9.9/") is None
    assert some.flaw("http://127.0.0.1:9000/") is None
    assert some.flaw("http://[::1]/") is None
    assert some.flaw("http://127.0.0.2/")
    assert some.may("HOOKS", ipaddress.ip_address("192.168.0.1"))
    assert not some.may("others", ipaddress.ip_address("192.168.0.1"))


async def test_a_name_that_stands_for_an_address_inside_is_not_connected_to() -> None:
    with pytest.raises(AddressForbidden, match="no public address"):
        await CheckedResolver(OutsideAddresses()).resolve("localhost", 80)
    # Forms of an address that only the system's resolver reads.
    for name in ("2130706433", "0x7f.1", "127.1"):
        with pytest.raises(OSError, match=r"no public address|not known"):
            await CheckedResolver(OutsideAddresses()).resolve(name, 80)
    found = await CheckedResolver(OutsideAddresses("localhost")).resolve("localhost", 80)
    assert found
