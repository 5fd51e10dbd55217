"""The bench's own certificates, RSA 2048 as a company's CA issues them: a public CA with the
listener's certificate, an internal CA with those of the servers. Made once per day at most."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from settings import BenchError

DAYS = 400
AGE = 86400.0

# No lyncdiscover name: its autodiscover also goes over plain HTTP then.
LISTENER = ("lyncwebext.contoso.com", "meet.contoso.com", "dialin.contoso.com",
            "officewebapps.contoso.com")


def ensure(directory: Path) -> None:
    made = directory / "made"
    if made.exists() and time.time() - made.stat().st_mtime < AGE:
        return
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True, mode=0o700)
    for stem, name in (("public-ca", "Bench Public CA"), ("internal-ca", "Bench Internal CA")):
        _authority(directory / stem, name)
    _issue(directory, "public-ca", "listener", LISTENER)
    _issue(directory, "internal-ca", "fepool", ("fepool.contoso.local", "fe01.contoso.local",
                                                "fe02.contoso.local", *LISTENER[:3]))
    _issue(directory, "internal-ca", "office", ("owa01.contoso.local",))
    made.touch()


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"openssl {arguments[0]} failed: {done.stderr.strip()}")


def _authority(stem: Path, name: str) -> None:
    _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", str(DAYS),
             "-subj", f"/O=Bench/CN={name}", "-keyout", f"{stem}.key", "-out", f"{stem}.pem",
             "-addext", "keyUsage=critical,keyCertSign,cRLSign")


def _issue(directory: Path, ca: str, stem: str, names: tuple[str, ...]) -> None:
    out, request, extensions = directory / stem, directory / "request", directory / "extensions"
    _openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-sha256", "-subj",
             f"/O=Bench/CN={names[0]}", "-keyout", f"{out}.key", "-out", str(request))
    extensions.write_text(
        "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"
        "keyUsage=digitalSignature,keyEncipherment\n"
        "subjectAltName=" + ",".join(f"DNS:{name}" for name in names) + "\n")
    _openssl("x509", "-req", "-sha256", "-days", str(DAYS), "-in", str(request),
             "-CA", f"{directory / ca}.pem", "-CAkey", f"{directory / ca}.key",
             "-set_serial", "0x" + os.urandom(8).hex(), "-extfile", str(extensions),
             "-out", f"{out}.pem")
    request.unlink()
    extensions.unlink()


def issue_many(directory: Path, to: Path, names: list[str]) -> None:
    """A certificate for each name, `to`/0.pem and so on. One key will do: nginx reads each file."""
    to.mkdir(exist_ok=True)
    key, request, extensions = directory / "many.key", directory / "many.csr", directory / "many.ext"
    if not request.exists():
        _openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-sha256", "-subj", "/O=Bench",
                 "-keyout", str(key), "-out", str(request))
    for number, name in enumerate(names):
        out = to / f"{number}.pem"
        if out.exists():
            continue
        extensions.write_text(f"subjectAltName=DNS:{name}\n")
        _openssl("x509", "-req", "-sha256", "-days", str(DAYS), "-in", str(request),
                 "-CA", str(directory / "public-ca.pem"), "-CAkey", str(directory / "public-ca.key"),
                 "-set_serial", str(number + 1), "-extfile", str(extensions), "-out", str(out))
        with out.open("a") as chain:
            chain.write((directory / "public-ca.pem").read_text())
        shutil.copyfile(key, to / f"{number}.key")
        (to / f"{number}.key").chmod(0o600)
