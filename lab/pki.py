"""The lab's two certificate authorities and their certificates, created with the openssl command.

"Lab Public CA" is the public one that clients trust; it issues the listener's certificates (RSA
and ECDSA). "Lab Internal CA" is the company's own; it issues the servers' certificates, with the
names that Request-CsCertificate would use. Nothing outside the lab's directory trusts either.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import topology

DAYS = 825
RENEW_BEFORE = 40 * 86400   # seconds; nginx with the module warns from 30 days on


class PkiError(Exception):
    pass


def openssl(*arguments: str, stdin: str | None = None) -> str:
    try:
        done = subprocess.run(["openssl", *arguments], input=stdin, text=True,
                              capture_output=True, check=False)
    except FileNotFoundError:
        raise PkiError("the openssl command is missing: apt-get install openssl") from None
    if done.returncode != 0:
        raise PkiError("openssl %s failed: %s" % (arguments[0], done.stderr.strip()))
    return done.stdout


def stamp() -> str:
    """Changes when any name in any certificate does."""
    text = repr((topology.LISTENER_NAMES, topology.FABRIKAM_NAMES, topology.FARMS, DAYS)).replace(topology.NET, "")
    return hashlib.sha256(text.encode()).hexdigest()


def ensure(directory: Path) -> bool:
    """Make the certificates unless they are there and good; True when they were made."""
    marker = directory / "made-for"
    if marker.exists() and marker.read_text() == stamp() and not _expires_soon(directory):
        return False

    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True, mode=0o700)
    for ca, name in (("public-ca", "Lab Public CA"), ("internal-ca", "Lab Internal CA")):
        _authority(directory, ca, name)
    for suffix, algorithm in (("", "rsa"), ("-ecdsa", "ecdsa")):
        _issue(directory, "public-ca", "listener" + suffix, topology.LISTENER_NAMES, algorithm)
    _issue(directory, "public-ca", "fabrikam", topology.FABRIKAM_NAMES, "ecdsa")
    for farm in topology.FARMS:
        names = [farm.fqdn, farm.external, farm.internal, *farm.names,
                 *(server.name for server in farm.servers)]
        _issue(directory, "internal-ca", farm.fqdn, tuple(dict.fromkeys(n for n in names if n)))
    marker.write_text(stamp())
    return True


def _expires_soon(directory: Path) -> bool:
    return subprocess.run(["openssl", "x509", "-checkend", str(RENEW_BEFORE), "-noout", "-in",
                           str(directory / "listener.pem")], capture_output=True,
                          check=False).returncode != 0


def _key(path: Path, algorithm: str) -> None:
    if algorithm == "rsa":
        openssl("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
                "-out", str(path))
    else:
        openssl("genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-out", str(path))
    os.chmod(path, 0o600)


def _authority(directory: Path, stem: str, name: str) -> None:
    _key(directory / (stem + ".key"), "rsa")
    openssl("req", "-x509", "-new", "-sha256", "-days", str(DAYS), "-subj", "/O=Lab/CN=" + name,
            "-key", str(directory / (stem + ".key")), "-out", str(directory / (stem + ".pem")),
            "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")


def _issue(directory: Path, ca: str, stem: str, names: tuple[str, ...],
           algorithm: str = "rsa") -> None:
    """A server certificate for `names`; the first is also the subject, as the guides ask."""
    key, out = directory / (stem + ".key"), directory / (stem + ".pem")
    request, extensions = directory / "request.csr", directory / "request.ext"
    _key(key, algorithm)
    openssl("req", "-new", "-sha256", "-subj", "/O=Lab/CN=" + names[0], "-key", str(key),
            "-out", str(request))
    extensions.write_text("basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"
                          "keyUsage=digitalSignature,keyEncipherment\nsubjectAltName=%s\n"
                          % ",".join("DNS:" + name for name in names))
    openssl("x509", "-req", "-sha256", "-days", str(DAYS), "-in", str(request),
            "-CA", str(directory / (ca + ".pem")), "-CAkey", str(directory / (ca + ".key")),
            "-set_serial", "0x" + os.urandom(8).hex(), "-extfile", str(extensions),
            "-out", str(out))
    with out.open("a") as chain: # as an intermediate stands there
        chain.write((directory / (ca + ".pem")).read_text())
    request.unlink()
    extensions.unlink()


def spki_hash(certificate: Path) -> str:
    """Base64 SHA-256 of a certificate's public key, as Chromium's switch wants it."""
    pem = openssl("x509", "-in", str(certificate), "-noout", "-pubkey")
    body = "".join(line for line in pem.splitlines() if not line.startswith("-----"))
    return base64.b64encode(hashlib.sha256(base64.b64decode(body)).digest()).decode()
