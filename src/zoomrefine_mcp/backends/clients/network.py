"""The way out of this machine: what the environment says of proxies and certificates, read for one address.

Only what this address needs is looked at, so that a variable meant for another does no harm, and what cannot be used
is told by its name. A proxy's address is never repeated, since it may hold a password.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import urllib.request

import httpx2

from zoomrefine_mcp.backends.endpoints import Endpoint
from zoomrefine_mcp.errors import BadRequest

_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_PORTS = {"http": 80, "https": 443}
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}(?=://)")


def way_to(endpoint: Endpoint) -> httpx2.AsyncHTTPTransport:
    """What sends to an endpoint, through the proxy that the environment names for it.

    This machine's own addresses are asked without any proxy.

    Args:
        endpoint: Where it sends.

    Raises:
        BadRequest: A proxy that cannot be used, or certificates that cannot be read.
    """
    url = httpx2.URL(endpoint.base_url)
    variable, proxy = _proxy_for(url)
    safe = url.scheme == "https" or (proxy is not None and proxy.url.scheme == "https")
    tls = _tls() if safe else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the latter trusts nobody, and nobody is asked
    if proxy is not None and proxy.url.scheme == "https":
        proxy.ssl_context = tls
    try:
        return httpx2.AsyncHTTPTransport(verify=tls, proxy=proxy, trust_env=False)
    except ImportError:
        raise BadRequest(
            f"{variable} names a SOCKS proxy, and what speaks to one is not installed.",
            hint=f"Install it (pip install 'httpx2[socks]'), unset {variable}, or set NO_PROXY={url.host}.",
            variable=variable,
        ) from None


def is_this_machine(host: str) -> bool:
    """Whether a host's name or address leads nowhere else.

    >>> [is_this_machine(host) for host in ("localhost", "127.0.0.2", "::1", "0.0.0.0", "192.168.0.7")]
    [True, True, True, True, False]
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_unspecified)


def _proxy_for(url: httpx2.URL) -> tuple[str, httpx2.Proxy | None]:
    """The variable that names the proxy for an address, and the proxy; None where it is asked directly."""
    if is_this_machine(url.host):
        return "", None
    proxies = urllib.request.getproxies()
    scheme = next((scheme for scheme in (url.scheme, "all") if proxies.get(scheme)), None)
    if scheme is None or _is_excepted(url, proxies.get("no", "")):
        return "", None
    variable, address = _variable(scheme), proxies[scheme]
    try:
        proxy = httpx2.Proxy(address if "://" in address else f"http://{address}")
        usable = bool(proxy.url.host)
    except (ValueError, httpx2.InvalidURL):
        usable = False
    if usable:
        return variable, proxy
    kind = _KIND.match(address)
    known = kind is None or kind.group().lower() in {"http", "https", "socks5", "socks5h"}
    what = "is no address of a proxy" if known or kind is None else f"names a proxy of the kind {kind.group()!r}"
    raise BadRequest(
        f"{variable} {what}.",
        hint=f"Set {variable} to an address like http://proxy.example:3128, or unset it.",
        variable=variable,
    )


def _variable(scheme: str) -> str:
    """How the variable is written here: the lower-case one counts where both are set."""
    name = f"{scheme}_proxy"
    return name if name in os.environ else name.upper()


def _is_excepted(url: httpx2.URL, no_proxy: str) -> bool:
    """Whether ``NO_PROXY`` names the address: ``*``, a host or a domain, an address or a network, each with a port.

    >>> _is_excepted(httpx2.URL("http://gpu.lab.example:8000/v1"), "10.0.0.0/8, .lab.example")
    True
    """
    port = url.port or _PORTS.get(url.scheme)
    for entry in no_proxy.lower().split(","):
        scheme, _, name = entry.strip().rpartition("://")
        if not name or scheme not in ("", "all", url.scheme):
            continue
        with_port = re.fullmatch(r"(\[[^\]]*\]|[^:]*):(\d{1,5})", name)
        if with_port:
            name = with_port[1]
        if (not with_port or int(with_port[2]) == port) and _names(name, url.host):
            return True
    return False


def _names(name: str, host: str) -> bool:
    """Whether one entry of ``NO_PROXY`` (without scheme and port) means a host."""
    if name == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(name.replace("[", "").replace("]", ""), strict=False)
    except ValueError:  # one of the two is a name
        domain = name.lstrip("*.")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _tls() -> ssl.SSLContext:
    """What checks a server's certificate, with the authorities that the environment names."""
    try:
        return httpx2.create_ssl_context()
    except OSError as error:
        variable = next((name for name in _CERTIFICATES if os.environ.get(name)), _CERTIFICATES[0])
        raise BadRequest(
            f"{variable} names certificates that cannot be read: {error.strerror or error}.",
            hint=f"Set {variable} to a file of certificates in PEM format, or unset it.",
            variable=variable,
        ) from None
