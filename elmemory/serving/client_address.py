"""Finds the address of a request's client, even behind proxies."""

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from django.conf import settings

_FORWARDING = frozenset((b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"cf-connecting-ip"))
_NODE = re.compile(r"([0-9.]+)(?::[0-9]{1,5})?|\[([0-9a-f:.]+)\](?::[0-9]{1,5})?|([0-9a-f:.]+)", re.IGNORECASE)
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR = re.compile(rf'[ \t]*(?:({_WORD})=({_WORD}|"(?:[^"\\]|\\.)*")[ \t]*)?([;,]|\Z)')

type Address = IPv4Address | IPv6Address


def client_address(peer: str | None, headers: Mapping[str, str]) -> str | None:
    """The client's IP address: the peer's, or the one that trusted proxies name in these headers.

    `peer` is the other end of the connection, None for a Unix socket. Only peers on this machine and in TRUSTED_PROXIES
    are trusted; the headers of others are ignored. The client is the last hop of `X-Forwarded-For`, else of `Forwarded`
    (RFC 7239), that is not a trusted proxy; clients can forge earlier hops. If a hop is malformed, returns the peer's
    address, or None if that is no address.
    """
    address = _address(peer or "")
    own = str(address) if address else None
    if peer and not (address and _is_trusted(address)):
        return own
    client = own
    for hop in reversed(list(_hops(headers))):
        node = _NODE.fullmatch(hop)
        found = _address(node[node.lastindex or 0]) if node else None
        if found is None:
            return own
        client = str(found)
        if not _is_trusted(found):
            break
    return client


def without_untrusted_scheme(scope: dict[str, Any]) -> dict[str, Any]:
    """Return the ASGI scope; without X-Forwarded-Proto, unless a trusted proxy has sent it."""
    peer, _ = scope.get("client") or (None, 0)
    address = _address(peer or "")
    headers = scope["headers"]
    if not peer or (address and _is_trusted(address)) or all(name != b"x-forwarded-proto" for name, _ in headers):
        return scope
    return scope | {"headers": [header for header in headers if header[0] != b"x-forwarded-proto"]}


def is_on_this_machine(peer: str | None, header_names: Iterable[bytes]) -> bool:
    """Whether the client connected from a loopback address, without a proxy.

    `header_names` are in lower case, as in an ASGI scope.
    """
    if any(name in _FORWARDING or name.startswith(b"x-forwarded-") for name in header_names):
        return False
    address = _address(peer or "")
    return address is not None and address.is_loopback


def _hops(headers: Mapping[str, str]) -> Iterator[str]:
    """Return the nodes in the headers, beginning with the client; "" for a malformed one."""
    if raw := headers.get("x-forwarded-for"):
        yield from (hop.strip() for hop in raw.split(","))
        return
    raw, at, node, named = headers.get("forwarded") or "", 0, "", False
    while at < len(raw) or named:
        pair = _PAIR.match(raw, at)
        if not pair:
            yield ""
            return
        if pair[1]:
            named = True
            if pair[1].lower() == "for":
                node = re.sub(r"\\(.)", r"\1", pair[2][1:-1]) if pair[2].startswith('"') else pair[2]
        if pair[3] != ";":
            if named:
                yield node
            node, named = "", False
        at = pair.end()


def _is_trusted(address: Address) -> bool:
    return address.is_loopback or any(address in network for network in settings.TRUSTED_PROXIES)


def _address(text: str) -> Address | None:
    """Return the address in the text, without a zone (`%eth0`); None if there is none. Unmaps IPv4 from IPv6."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
