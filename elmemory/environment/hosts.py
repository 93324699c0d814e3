"""Host names and URLs of the settings, in the form in which browsers and Django write them.

Invalid values raise Unusable. Its message completes "the setting …" and never repeats the value, which may hold a
password.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal
from urllib.parse import SplitResult, urlsplit

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_LABEL_OF_A_CONTAINER = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Not `is_private`, which is also true for documentation networks.
_PRIVATE = [
    ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
]
_PRIVATE_NAMES = (".internal", ".local", ".lan", ".home.arpa")


class Unusable(ValueError):
    """An invalid value. The message says why, without the value."""


def origin(text: str) -> str:
    """Return `scheme://host` or `scheme://host:port` of a URL of this server, as browsers send it in `Origin`."""
    parts = _split(text)
    if parts.path.strip("/"):
        raise Unusable("has a path")
    return f"{parts.scheme}://{_authority(parts, _LABEL)}"


def address(text: str) -> str:
    """Return an http(s) URL of another server without a trailing slash. It may have a path."""
    parts = _split(text)
    return f"{parts.scheme}://{_authority(parts, _LABEL_OF_A_CONTAINER)}{parts.path.rstrip('/')}"


def host_pattern(text: str) -> str:
    """Return an entry of ALLOWED_HOSTS: a host name or address, `.example.com` with all names below it, or `*`."""
    if "://" in text:
        raise Unusable("has a scheme")
    if "/" in text:
        raise Unusable("has a path")
    if re.search(r"\]:|^[^:\[]*:[0-9]*$", text):
        raise Unusable("has a port")
    if text == "*":
        return text
    return f".{_host(text[1:], _LABEL)}" if text.startswith(".") else _host(text, _LABEL)


def unencrypted(url: str) -> Literal["", "private", "remote"]:
    """Return which network data for this http URL crosses in the clear; "" for https, this machine and containers."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""  # the code that uses the URL reports it
    name = (parts.hostname or "").removesuffix(".")
    if parts.scheme != "http" or name == "localhost" or name.endswith(".localhost"):
        return ""
    try:
        ip = ip_address(name)
    except ValueError:
        if "." not in name and not re.fullmatch("[0-9]+|0x[0-9a-f]*", name):  # unlike an IPv4 address as one number
            return ""
        return "private" if name.endswith(_PRIVATE_NAMES) else "remote"
    if ip.is_loopback or ip.is_unspecified:
        return ""
    return "private" if any(ip in network for network in _PRIVATE) else "remote"


def is_loopback(url: str) -> bool:
    """Whether this URL names this machine: localhost or a loopback address. Raises ValueError for no URL."""
    name = (urlsplit(url).hostname or "").removesuffix(".")
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _split(text: str) -> SplitResult:
    if re.search(r"\s", text):
        raise Unusable("contains a blank" + (" and what looks like a comment" if "#" in text else ""))
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise Unusable("is no URL (an IPv6 address is written in brackets)") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.port == 0:
        raise Unusable("is no http(s) URL")
    if "@" in parts.netloc:
        raise Unusable("contains a user name or a password")
    if "?" in text:
        raise Unusable("has a query")
    if "#" in text:
        raise Unusable("has a fragment")
    return parts


def _authority(parts: SplitResult, label: re.Pattern[str]) -> str:
    bracketed = parts.netloc.startswith("[")
    name = _host(f"[{parts.hostname}]" if bracketed else parts.hostname or "", label)
    port = parts.port
    return name if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{name}:{port}"


def _host(text: str, label: re.Pattern[str]) -> str:
    name = text.lower().removesuffix(".")
    if ":" in name or name.startswith("["):
        try:
            bare = re.fullmatch(r"\[([^%\]]*)\]|([^%\[\]]*)", name)
            return f"[{IPv6Address(bare[bare.lastindex or 0] if bare else '')}]"
        except AddressValueError:
            raise Unusable("has a malformed IPv6 address") from None
    if not name.isascii():
        import idna

        try:
            name = idna.encode(name, uts46=True).decode()
        except UnicodeError:
            raise Unusable("has a host name that no registry takes") from None
    if len(name) > 253 or not all(map(label.fullmatch, name.split("."))):
        raise Unusable("has a malformed host name")
    if name.rpartition(".")[2].isdecimal():
        try:
            IPv4Address(name)
        except AddressValueError:
            raise Unusable("has a malformed IPv4 address") from None
    return name
