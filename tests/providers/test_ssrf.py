"""The guard of outgoing calls: which addresses a caller's URL may lead to."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.providers.ssrf import PrivateAddress, guarded_socket, may_dial

# IANA's registries of special-purpose addresses, multicast, and IPv4 addresses within IPv6 ones.
PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.0.1
169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.8 192.0.0.9 192.0.0.10 192.0.0.170 192.0.0.171 192.0.0.255
192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1
224.0.0.1 232.1.1.1 233.252.0.1 239.255.255.255 240.0.0.1 255.255.255.254 255.255.255.255
:: ::1 ::2 ::7f00:1 ::127.0.0.1 ::10.0.0.1 ::8.8.8.8
::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0.0.0.0 ::ffff:192.0.0.8 ::ffff:100.64.0.1 ::ffff:7f00:1
::ffff:0:127.0.0.1 ::ffff:0:8.8.8.8
64:ff9b::a00:1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::c000:8 64:ff9b::6440:1 64:ff9b::e000:1 64:ff9b::
64:ff9b:1::1 64:ff9b:1:ffff::8.8.8.8 100::1 100:0:0:1::1
2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:30::1 2001:1ff:ffff::1
2001:db8::1 2002:a00:1::1 2002:7f00:1::1 2002:808:808::1 3fff::1
4000::1 5f00::1 8000::1 c000::1 e000::1 f000::1 f800::1 fc00::1 fd00::1 fd12:3456::1 fdff:ffff::1
fe00::1 fe80::1 fe80::1%eth0 fe80::1%25lo fe80::5efe:10.0.0.1 febf::1 fec0::1 fec0::1%1 fec0:0:0:ffff::1 feff::1
ff00::1 ff02::1 ff02::1%eth0 ff05::2 ff0e::1
"""
PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255
2000::1 2001:200::1 2001:4860:4860::8888 2003::1 2606:4700::1111 2a00::1 3ffe::1 64:ff9b::808:808 ::ffff:8.8.8.8
"""


@pytest.mark.parametrize("address", PRIVATE.split())
def test_addresses_that_are_not_dialled(address):
    assert not may_dial(address, ())
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(PrivateAddress):
        guarded_socket(())((family, socket.SOCK_STREAM, 0, "", (address, 80)))


@pytest.mark.parametrize("address", PUBLIC.split())
def test_addresses_that_are(address):
    assert may_dial(address, ())


@given(st.ip_addresses())
def test_nothing_that_python_knows_as_special_is_dialled(address):
    special = not address.is_global or address.is_multicast or address.is_reserved or address.is_link_local
    if special and not str(address).startswith(("::ffff:", "64:ff9b::")):
        assert not may_dial(str(address), ())


@given(st.ip_addresses(v=4))
def test_an_address_within_another_is_judged_as_itself(address):
    for prefix in ("::ffff:", "64:ff9b::"):
        assert may_dial(f"{prefix}{address}", ()) == may_dial(str(address), ())


@pytest.mark.parametrize(
    ("network", "taken", "refused"),
    [
        (
            "10.0.0.0/8",
            ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3"],
            ["127.0.0.1", "::10.1.2.3", "2002:a01:203::"],
        ),
        ("fd00::/8", ["fd00::1"], ["fc00::1", "fec0::1"]),
        ("fec0::/10", ["fec0::1", "fec0::1%2"], ["fe80::1"]),
        ("64:ff9b::/96", ["64:ff9b::10.1.2.3"], ["10.1.2.3"]),
    ],
)
def test_networks_that_the_operator_allows(network, taken, refused):
    allowed = [ipaddress.ip_network(network)]
    assert all(may_dial(address, allowed) for address in taken)
    assert not any(may_dial(address, allowed) for address in refused)


@pytest.mark.parametrize(
    "spelling", ["127.1", "127.0.1", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "017700000001", "0", "1"]
)
def test_spellings_of_addresses_are_judged_by_what_the_system_makes_of_them(spelling):
    """Whatever text gets as far as a resolver comes back as an address, and that is looked at."""
    found = {info[4][0] for info in socket.getaddrinfo(spelling, 80, socket.AF_INET, socket.SOCK_STREAM)}
    assert found
    assert not any(may_dial(str(address), ()) for address in found)
