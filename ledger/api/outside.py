"""Sends bytes to an address that somebody named, and to nothing inside: https, a public address, no redirection.

The name is resolved here, every address that it has must be public, and the connection goes to the very address that
was looked at, so that a name which resolves to something else a moment later gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

import httpx

from config.errors import KnownError

Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a name; raises OSError."""

_SECONDS: Final = 10.0
_LONGEST: Final = 500

_NOT_THEMSELVES: Final = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")))
"""Addresses that stand for another one, which may lie inside: NAT64, 6to4, Teredo, IPv4-compatible."""


class NotOutside(KnownError):  # noqa: N818  # says what is the case
    """An address is not one that may be sent to; its code says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NotDelivered(Exception):  # noqa: N818  # says what is the case
    """Nobody took it; carries a short `why`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def resolved(host: str, port: int) -> Sequence[str]:
    """Return all addresses of a name."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def checked(url: str) -> httpx.URL:
    """Return an address that has the right form; raise NotOutside `webhook_url_wrong`."""
    try:
        found = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, TypeError):
        raise NotOutside("webhook_url_wrong") from None
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= _LONGEST
    if found.port is not None and not 0 < found.port < 65_536:
        raise NotOutside("webhook_url_wrong")
    if not plain or found.scheme != "https" or not found.host or found.userinfo or found.fragment:
        raise NotOutside("webhook_url_wrong")
    return found


def public_address(url: httpx.URL, resolve: Resolve = resolved) -> str:
    """Return the address to connect to; raise NotOutside `webhook_private`, and NotDelivered where there is none."""
    try:
        found = [ip_address(each.partition("%")[0]) for each in resolve(url.host, url.port or 443)]
    except (OSError, UnicodeError, ValueError):
        raise NotDelivered("name_unknown") from None
    if not found:
        raise NotDelivered("name_unknown")
    if not all(map(is_public, found)):
        raise NotOutside("webhook_private")
    return str(found[0])


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is one of the internet's, and stands for itself."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    address = mapped or address
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return not any(address in each for each in _NOT_THEMSELVES if each.version == address.version)


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    resolve: Resolve = resolved,
    transport: httpx.AsyncBaseTransport | None = None,
) -> None:
    """Send a body and have it taken (a status of 2xx); raise NotOutside or NotDelivered."""
    checked_url = checked(url)
    address = public_address(checked_url, resolve)
    asyncio.run(_post(checked_url, address, body, headers, transport))


async def _post(
    url: httpx.URL,
    address: str,
    body: bytes,
    headers: Mapping[str, str],
    transport: httpx.AsyncBaseTransport | None,
) -> None:
    host = url.netloc.decode("ascii")
    try:
        async with asyncio.timeout(_SECONDS), httpx.AsyncClient(trust_env=False, transport=transport) as client:
            request = client.build_request(
                "POST",
                url.copy_with(host=address),
                content=body,
                headers={**headers, "Host": host},
                # The certificate must be the name's, though the connection goes to the address.
                extensions={"sni_hostname": url.host},
            )
            # A redirection is an answer like any other that is not 2xx; of the answer nothing but the status is read.
            response = await client.send(request, stream=True, follow_redirects=False)
            await response.aclose()
    except TimeoutError:
        raise NotDelivered("time_out") from None
    except (httpx.HTTPError, OSError) as error:
        raise NotDelivered(type(error).__name__) from None
    if not response.is_success:
        raise NotDelivered(f"status_{response.status_code}")
