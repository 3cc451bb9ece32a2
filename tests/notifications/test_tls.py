"""Channels whose server cannot be trusted, or whose name is not known: nothing is sent, and why is told."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from lockstitch.engine.notice_delivery import NoticeDelivery, NoticeJob, NoticeResult
from tests.notifications.stand_in import StandIn
from tests.notifications.test_channels import KINDS, TOKEN, channel, notice

REASONS = {"another name": "certificate is not valid for", "no known signer": "self-signed certificate"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of `other.example`, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, day = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "other.example")]), timedelta(days=1)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(datetime.now(UTC) - day).not_valid_after(datetime.now(UTC) + day)
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("other.example")]), critical=False)
    signed = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        key, hashes.SHA256()
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(signed.public_bytes(Encoding.PEM) + secret)
    return path


@contextmanager
def secured(certificate: Path) -> Iterator[StandIn]:
    """A server that speaks TLS with this certificate."""
    with StandIn() as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.server.socket = context.wrap_socket(server.server.socket, server_side=True)
        server.url = server.url.replace("http:", "https:")
        yield server


def sent(kind: str, server: StandIn, patch: pytest.MonkeyPatch) -> NoticeResult:
    """Send a notice to a channel of that kind on a server."""
    for name in ("SLACK", "TEAMS", "DISCORD", "HOOK", "ROOT"):
        patch.setenv(name, f"{server.url}/{name.lower()}" if name != "ROOT" else server.url)
    patch.setenv("TOKEN", TOKEN)
    told = notice("done" if kind == "release" else "failed")
    (result,) = NoticeDelivery({"it": channel(kind, server)}, [NoticeJob("it", told)]).results()
    assert TOKEN not in result.problem and server.url not in result.problem
    return result


@pytest.mark.parametrize("wrong", REASONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_cannot_be_trusted_gets_nothing(
    kind: str, wrong: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if wrong == "another name":
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with secured(certificate) as server:
        result = sent(kind, server, monkeypatch)
    assert "it cannot be reached" in result.problem and REASONS[wrong] in result.problem
    assert not result.reached and not server.taken


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_that_nobody_knows_is_told(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    result = sent(kind, stand_in_at("https://nowhere.invalid"), monkeypatch)
    assert "it cannot be reached: " in result.problem and "name" in result.problem and not result.reached


def stand_in_at(url: str) -> StandIn:
    """The address of a server that is not there."""
    server = StandIn()
    server.url = url
    return server
