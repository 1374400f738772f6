"""The real nginx with the configuration of `deploy/nginx`."""

from __future__ import annotations

import datetime
import ipaddress
import re
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.embedded.child import Child
from app.embedded.ports import free_port
from tests.conftest import missing
from tests.docs.markdown import ROOT
from tests.support.chat import until

TEMPLATE = ROOT / "deploy" / "nginx" / "nginx.conf.template"


@asynccontextmanager
async def nginx(folder: Path, edge: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that speaks HTTP/2 to an nginx in front of an edge."""
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if program is None:
        missing("nginx (Debian: apt-get install nginx)")
        raise AssertionError("unreachable")
    _make_certificate(folder)
    port = free_port()
    values = {
        "PARLEY_EDGE": edge,
        "NGINX_LISTEN": f"127.0.0.1:{port}",
        "NGINX_RESOLVER": "127.0.0.1",  # edges of tests have addresses, not names
        "NGINX_CERTS": str(folder),
        "NGINX_TEMP": str(folder),
    }
    config = folder / "nginx.conf"
    config.write_text(re.sub(r"\$\{(\w+)\}", lambda name: values[name[1]], TEMPLATE.read_text()))
    options = f"daemon off; pid {folder}/nginx.pid;"
    command = [program, "-p", str(folder), "-c", str(config), "-g", options]
    child = Child(command, folder / "nginx.log", {})
    child.start()
    trust = ssl.create_default_context(cafile=str(folder / "tls.crt"))
    address = f"https://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(base_url=address, http2=True, verify=trust) as http:
            await until(lambda: _listens(http), child.tail)
            yield http
    finally:
        await child.stop(10)


async def _listens(http: httpx.AsyncClient) -> bool:
    try:
        await http.get("/healthz")
    except httpx.ConnectError:
        return False
    return True


def _make_certificate(folder: Path) -> None:
    """`tls.crt` and `tls.key` for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "parley")])
    now = datetime.datetime.now(datetime.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    (folder / "tls.crt").write_bytes(certificate.public_bytes(form))
    (folder / "tls.key").write_bytes(
        key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
