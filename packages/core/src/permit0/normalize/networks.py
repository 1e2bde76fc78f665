"""Say which kind of network a host is on: the world, the inside, this machine, or its metadata.

Guarantees:
  * The scope of an address comes from its number. An IPv4 address inside an IPv6 one (mapped,
    NAT64, 6to4, compatible) has the scope of the IPv4 address.
  * A name that carries an address (nip.io and its kin) has that address's scope.
  * The answer is a pure function of the host; nothing is resolved.

Does not: say who owns a host (permit0.normalize.domains), or know what a name resolves to.

Scopes: "public", "private", "loopback", "link_local", "metadata", "reserved", "local_name".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from functools import lru_cache

__all__ = ["Ip", "address_text", "ip_scope", "name_scope", "unwrap"]

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

# Distinct hosts whose scope is remembered.
MAX_CACHED = 4096

_METADATA_HOSTS = frozenset(
    {
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "metadata.azure.internal",
        "metadata.azure.com",
        "metadata.tencentyun.com",
        "metadata.platformequinix.com",
        "metadata.packet.net",
        "api.metadata.cloud.ibm.com",
        "instance-data",
        "instance-data.ec2.internal",
        "rancher-metadata",
    }
)
# AWS, GCP, Azure and most others; ECS tasks; EKS pods; AWS over IPv6; GCP over IPv6; Alibaba;
# Oracle Classic; Azure's wire server; Tencent; Scaleway; Scaleway and Oracle over IPv6.
_METADATA_IPS = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "169.254.0.23",
        "169.254.42.42",
        "fd00:42::42",
        "fd00:c1::a9fe:a9fe",
    )
)
# RFC 6761, RFC 6762, RFC 8375, ICANN's reservation of .internal, and suffixes that private
# networks use and that ICANN will not delegate.
_LOCAL_SUFFIXES = (
    ".local",
    ".localdomain",
    ".internal",
    ".intranet",
    ".lan",
    ".home",
    ".corp",
    ".home.arpa",
    ".svc",  # of a Kubernetes cluster: kubernetes.default.svc
    ".cluster",
    ".consul",
    ".docker",
    ".private",
)
_RESERVED_SUFFIXES = (".test", ".invalid", ".example")
# Services that answer with the address in the name, or always with 127.0.0.1.
_WILDCARD_DNS = (
    ".nip.io", ".sslip.io", ".xip.io", ".traefik.me", ".backname.io", ".xip.name", ".ip6.name",
    ".1u.ms", ".rebind.network", ".rbndr.us", ".localdomain.pw", ".ip.addr.tools", ".plex.direct",
)  # fmt: skip
_LOOPBACK_DNS = (
    "localtest.me", "lvh.me", "vcap.me", "lacolhost.com", "fuf.me", "localho.st", "local.gd",
    "spoofed.burpcollaborator.net", "127-0-0-1.org.uk", "yoogle.com", "42foo.com", "ulh.us",
)  # fmt: skip
# A rebinding name carries several addresses; the one that reaches furthest in counts.
_DANGER = (
    "metadata", "loopback", "link_local", "private", "local_name", "reserved", "public",
)  # fmt: skip
_CLUSTER_NAMES = ("kubernetes.default", "host.docker.internal", "gateway.docker.internal")
_EMBEDDED_V4 = re.compile(r"(?:^|[.-])([0-9]{1,3}(?:[.-][0-9]{1,3}){3})(?=[.-])")
_EMBEDDED_HEX = re.compile(r"(?:^|[.-])(?:0x)?([0-9a-f]{8})(?=\.)")
_EMBEDDED_V6 = re.compile(r"(?:^|\.)([0-9a-f-]*--?[0-9a-f-]+)(?=\.)")

# RFC 6598: behind it are the provider's and VPN overlays' hosts.
_CARRIER_NAT = ipaddress.ip_network("100.64.0.0/10")
# RFC 1918, RFC 4193, and "this network".
_PRIVATE_NETS = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)


def address_text(address: Ip) -> str:
    """The canonical text of an address; the same under every Python.

    Since 3.13 the standard library writes an IPv4-mapped one with dots (::ffff:127.0.0.1).
    """
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    if mapped is None:
        return address.compressed
    return f"::ffff:{int(mapped) >> 16:x}:{int(mapped) & 0xFFFF:x}"


def unwrap(address: Ip) -> Ip:
    """Return the IPv4 address inside an IPv6 one: mapped, NAT64, 6to4 or compatible."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is not None:
        return inner
    number = int(address)
    # RFC 6052 64:ff9b::/96, and the deprecated ::/96 of RFC 4291 without :: and ::1.
    if number >> 32 == 0x64FF9B << 64 or (number >> 32 == 0 and number > 1):
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    return address


@lru_cache(maxsize=MAX_CACHED)
def ip_scope(address: Ip) -> str:
    """Classify an address; the order is from the most to the least dangerous."""
    address = unwrap(address)
    if address in _METADATA_IPS:
        return "metadata"
    # 0.0.0.0 and :: connect to the machine itself on Linux and macOS.
    if address.is_loopback or address.is_unspecified:
        return "loopback"
    if address.is_link_local:
        return "link_local"
    if address.is_multicast or address.is_reserved:
        return "reserved"
    if address in _CARRIER_NAT:
        return "private"
    if address.is_global:
        return "public"
    return "private" if any(address in net for net in _PRIVATE_NETS) else "reserved"


@lru_cache(maxsize=MAX_CACHED)
def name_scope(host: str) -> str:
    """Classify a host name; a pure function of the name."""
    if host in _METADATA_HOSTS or host.endswith(".metadata.google.internal"):
        return "metadata"
    if host == "localhost" or host.endswith((".localhost", ".localhost.localdomain")):
        return "loopback"
    if host in _LOOPBACK_DNS or host.endswith(tuple("." + name for name in _LOOPBACK_DNS)):
        return "loopback"
    if host.endswith(_WILDCARD_DNS):
        scopes = {ip_scope(address) for address in _embedded(host)}
        return next((scope for scope in _DANGER if scope in scopes), "public")
    if "." not in host or host in _CLUSTER_NAMES or host.endswith(_LOCAL_SUFFIXES):
        return "loopback" if host == "localhost.localdomain" else "local_name"
    return "reserved" if host.endswith(_RESERVED_SUFFIXES) else "public"


def _embedded(host: str) -> Iterator[Ip]:
    """The addresses that a wildcard DNS service may read out of a name."""
    for pattern in (_EMBEDDED_V4, _EMBEDDED_HEX, _EMBEDDED_V6):
        for match in pattern.finditer(host):
            text = match.group(1)
            try:
                if pattern is _EMBEDDED_V4:
                    yield ipaddress.ip_address(text.replace("-", "."))
                elif pattern is _EMBEDDED_HEX:
                    yield ipaddress.IPv4Address(int(text, 16))
                else:
                    yield ipaddress.IPv6Address(text.replace("-", ":"))
            except ValueError:
                continue
