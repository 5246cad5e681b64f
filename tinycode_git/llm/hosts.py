"""Where models may be: this machine, and what the user's own git configuration names beside it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from tinycode_git.config import Settings
from tinycode_git.errors import Refused, UsageError

ALLOW = "tiny.allowRemote"


@dataclass(frozen=True, slots=True)
class Host:
    """A server: ``http`` or ``https``, name, port, and the path under which its interface is."""

    scheme: str
    name: str
    port: int
    path: str = ""

    @property
    def netloc(self) -> str:
        """Name and port, as a user writes them."""
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.path}"


def parse(text: str, port: int) -> Host:
    """A host as a user writes it: ``name``, ``name:port``, ``:port`` or a URL. Raises UsageError."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        name, given = parts.hostname or "127.0.0.1", parts.port
    except ValueError as error:
        raise UsageError(f"{text!r} is not a host: {error}", "write it as http://127.0.0.1:11434") from error
    if parts.scheme not in ("http", "https") or parts.username or parts.query or parts.fragment:
        raise UsageError(f"{text!r} is not a host", "write it as http://127.0.0.1:11434, without a user or a query")
    # 0.0.0.0 is what a server listens on, not where it is.
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)  # noqa: S104
    fallback = (443 if parts.scheme == "https" else 80) if "://" in text else port
    return Host(parts.scheme, name, given if given is not None else fallback, parts.path.rstrip("/"))


def is_loopback(name: str) -> bool:
    """Whether ``name`` is this machine, decided without asking a name server."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def allowed(settings: Settings) -> tuple[str, ...]:
    """Hosts and models off this machine that the user allows, by configuration of their own (never a clone's)."""
    return settings.texts_of_user(ALLOW)


def check_host(host: Host, settings: Settings) -> None:
    """Raise Refused where the host is another machine and the user's own configuration does not name it."""
    if is_loopback(host.name) or {host.name, host.netloc, str(host)} & set(allowed(settings)):
        return
    raise Refused(
        f"the model server {host} is not on this machine, and your own configuration does not name it",
        f"if what you ask may leave this machine: git config --global --add {ALLOW} {host.netloc}",
    )


def check_cloud(model: str, remote: str, settings: Settings) -> None:
    """Raise Refused where a server would pass what is asked on to ``remote``; ``model`` may say so by its name."""
    cloud = model.endswith(("-cloud", ":cloud"))
    if not (remote or cloud) or model in allowed(settings):
        return
    where = f" at {remote}" if remote else ""
    raise Refused(
        f"the model {model} does not run on this machine: the server passes everything on{where}",
        f"if what you ask may leave this machine: git config --global --add {ALLOW} {model}",
    )
