from __future__ import annotations

from multidict import CIMultiDict
from structlog.testing import capture_logs

from app.settings import Settings
from web.limits.client_addresses import ClientAddresses


def test_a_forgotten_proxy_is_told_of_once() -> None:
    addresses = ClientAddresses(Settings(proxies="10.0.0.0/8"))
    with capture_logs() as logs:
        assert addresses.owner("192.0.2.1", ()) == "192.0.2.1"
        assert addresses.owner("10.0.0.1", ("203.0.113.7",)) == "203.0.113.7"
        assert not logs
        for _ in range(3):
            assert addresses.owner("192.0.2.1", ("203.0.113.7",)) == "192.0.2.1"
    assert [one["address"] for one in logs] == ["192.0.2.1"]


def test_several_lines_of_a_header_are_one_list() -> None:
    addresses = ClientAddresses(Settings(proxies="10.0.0.0/8"))
    assert addresses.owner("10.0.0.1", ("203.0.113.7", "10.0.0.2")) == "203.0.113.7"
    by_rfc = ClientAddresses(Settings(proxies="10.0.0.0/8", proxy_header="forwarded"))
    assert by_rfc.owner("10.0.0.1", ("for=203.0.113.7", "for=10.0.0.2")) == "203.0.113.7"


def test_tls_is_what_a_trusted_proxy_says() -> None:
    addresses = ClientAddresses(Settings(proxies="10.0.0.0/8"))
    headers = CIMultiDict({"X-Forwarded-Proto": "https"})
    assert addresses.is_secure("10.0.0.1", headers)
    assert not addresses.is_secure("192.0.2.1", headers)
    by_rfc = ClientAddresses(Settings(proxies="10.0.0.0/8", proxy_header="forwarded"))
    assert not by_rfc.is_secure("10.0.0.1", headers)
    assert by_rfc.is_secure("10.0.0.1", CIMultiDict({"Forwarded": "for=1.1.1.1;proto=https"}))
