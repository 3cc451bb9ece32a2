"""TLS certificates: of a server, as the host sees it, or of a file on the host.

They come to the controller, which reads them itself: what openssl prints of one differs from version to version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from lockstitch.checks.check import UNKNOWN, Check, failed, finding, unknown
from lockstitch.inventory.checks import TlsChecks
from lockstitch.model.command import Command
from lockstitch.model.finding import Finding, Level
from lockstitch.model.format import span
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe
from lockstitch.model.shell import shell_text

if TYPE_CHECKING:
    from cryptography.x509 import Certificate as X509Certificate

NAME = "tls"
_SERVER = shell_text(__package__, "tls_server.sh")
_FILE = shell_text(__package__, "tls_file.sh")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERIFIED = re.compile(r"Verif(?:y return code|ication error): (?:(\d+) \()?([^)\n]+)")
_ADDRESS = re.compile(r"[0-9.]+|.*:.*")


@dataclass(frozen=True)
class Certificate:
    """A certificate chain: when the first certificate in it expires, and the names of the server's own. `doubt` is why
    openssl on the host does not trust it, and `problem` why there is none."""

    ends: datetime | None = None
    names: tuple[str, ...] = ()
    doubt: str = ""
    problem: str = ""


def certificate(settings: TlsChecks, now: datetime) -> Check:
    """Return the check of the certificate of a server or in a file."""
    if settings.file is not None:
        command = Command(_FILE, values={"file": settings.file})
    else:
        host = str(settings.host)
        at = f"[{host}]:{settings.port}" if ":" in host else f"{host}:{settings.port}"
        values = {"host": host, "port": str(settings.port), "at": at, "name": _named(settings)}
        command = Command(_SERVER, values=values)
    return Check(NAME, Probe(NAME, command, parse), partial(judge, settings, now))


def _named(settings: TlsChecks) -> str:
    """Return the server name to ask for; empty for an IP address."""
    name = settings.name or settings.host or ""
    return "" if _ADDRESS.fullmatch(name) else name


def parse(text: str, code: int) -> Certificate:
    # Start-up: only for those who check certificates.
    from cryptography.x509 import load_pem_x509_certificate

    chain = []
    for pem in _PEM.findall(text):
        try:
            chain.append(load_pem_x509_certificate(pem.encode()))
        except ValueError:
            return Certificate(problem="what is there cannot be read as a certificate")
    if not chain:
        last = [line for line in text.strip().splitlines() if line][:1] or ["nothing was said"]
        return Certificate(problem=next((line for line in text.splitlines() if line.startswith(UNKNOWN)), last[0]))
    verified = _VERIFIED.search(text)
    doubt = verified[2] if verified and verified[1] != "0" and verified[2] != "OK" else ""
    return Certificate(min(each.not_valid_after_utc for each in chain), _names(chain[0]), doubt)


def _names(certificate: X509Certificate) -> tuple[str, ...]:
    # Start-up: as above.
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [*held.get_values_for_type(x509.DNSName), *map(str, held.get_values_for_type(x509.IPAddress))]
    except (x509.ExtensionNotFound, ValueError):
        names = []
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return tuple(names) or tuple(str(attribute.value) for attribute in common)


def judge(settings: TlsChecks, now: datetime, offered: Certificate) -> Iterator[Finding]:
    what = settings.file or f"{settings.host}:{settings.port}" + (f" for {settings.name}" if settings.name else "")
    if offered.ends is None:
        yield _absent(what, offered.problem)
        return
    remaining = (offered.ends - now).total_seconds()
    renew = "renew it, and have its server reload it: certbot renew, or whoever issues it"
    if remaining < 0:
        yield failed(NAME, f"{what}: expired {span(-remaining)} ago, on {offered.ends:%Y-%m-%d}", renew)
    else:
        level: Level = "fail" if remaining < settings.fail else "warn" if remaining < settings.warn else "pass"
        yield finding(NAME, level, f"{what}: good for {span(remaining)}, until {offered.ends:%Y-%m-%d}", renew)
    name = _named(settings)
    if name and not any(_is_for(pattern, name) for pattern in offered.names):
        says = f"{what}: it is not for {name}, but for {', '.join(offered.names[:5]) or 'nobody'}"
        yield failed(NAME, says, f"let the server offer one for {name}, or say `name` in the inventory")
    if offered.doubt and remaining >= 0:
        yield unknown(
            NAME, f"{what}: this host does not trust it: {offered.doubt}", "does the server send the whole chain?"
        )


def _absent(what: str, problem: str) -> Finding:
    if problem.startswith(UNKNOWN):
        return unknown(
            NAME, f"{what}: {problem.removeprefix(UNKNOWN)}", "install openssl there, or let this user read it"
        )
    return failed(NAME, f"{what}: no certificate: {problem}", "is it served there? openssl s_client -connect HOST:PORT")


def _is_for(pattern: str, name: str) -> bool:
    """Tell whether a name in a certificate covers a host: `*.` stands for one label."""
    pattern, name = pattern.lower(), name.lower()
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:]
    return pattern == name
