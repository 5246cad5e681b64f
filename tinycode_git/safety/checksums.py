"""Checks that an issuer's own format defines: checksums, and what is inside an encoded part.

Loaded by ``checks`` when a rule first names one of these.
"""

from __future__ import annotations

import binascii
import re

from tinycode_git.safety.checks import check, decode64, hexadecimal

_BASE58 = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE32 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BECH32 = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_DEFAULT_PASSWORDS = frozenset(
    b"admin guest pass passw0rd password postgres pwd root secret test user mysql mariadb mongo mongodb redis rabbitmq docker"
    b" postgresql changeit changeme letmein default development 1234 12345 123456 12345678 admin123 password123 test123"
    b" passwd mypassword mypass dbpass dbpassword userpass username token oauth2 x-oauth-basic x-access-token pwd123 sa"
    b" hunter2 db-password db_password your_password yourpassword minioadmin elastic neo4j scott tiger port pass123".split()
)


@check("base58check")
def base58check(value: bytes) -> bool:
    """Base58Check: the last four bytes are the start of the double SHA-256 of the rest (Bitcoin, BIP 32)."""
    import hashlib

    number = 0
    for character in value:
        digit = _BASE58.find(character)
        if digit < 0:
            return False
        number = number * 58 + digit
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return len(data) > 4 and hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()[:4] == data[-4:]


@check("bech32")
def bech32(value: bytes) -> bool:
    """BIP 173: the last six characters are a BCH code over prefix and data."""
    prefix, one, data = value.rpartition(b"1")
    digits = [_BECH32.find(character) for character in data]
    if not one or not prefix or -1 in digits:
        return False
    checksum = 1
    for digit in [*(c >> 5 for c in prefix), 0, *(c & 31 for c in prefix), *digits]:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ digit
        for bit, generator in enumerate(_BECH32_GENERATOR):
            if top >> bit & 1:
                checksum ^= generator
    return checksum == 1


@check("strkey")
def strkey(value: bytes) -> bool:
    """Stellar SEP-23: base32, the last two bytes are CRC-16/XMODEM of the rest, little-endian."""
    number = 0
    for character in value:
        digit = _BASE32.find(character)
        if digit < 0:
            return False
        number = number << 5 | digit
    data = number.to_bytes(len(value) * 5 // 8, "big") if len(value) % 8 == 0 else b""
    return len(data) > 2 and binascii.crc_hqx(data[:-2], 0).to_bytes(2, "little") == data[-2:]


@check("discord-id")
def discord_id(value: bytes) -> bool:
    """The first part of a Discord token is base64 of the account's id, a decimal number."""
    account = decode64(value.partition(b".")[0])
    return account is not None and account.isdigit()


@check("not-jwt-io")
def not_jwt_io(value: bytes) -> bool:
    """Not the token that every text on RFC 7519 shows (subject 1234567890, or the RFC's own issuer "joe")."""
    payload = decode64((value.split(b".") + [b""])[1]) or b""
    return not re.search(rb'"sub"\s*:\s*"1234567890"|"iss"\s*:\s*"joe"', payload)


@check("not-hex")
def not_hex(value: bytes) -> bool:
    """Not hexadecimal digits only: a digest, where the format's alphabet is larger."""
    return not hexadecimal(value)


@check("not-default-password")
def not_default_password(value: bytes) -> bool:
    """Not a password that every tutorial and every default installation has."""
    return value.lower() not in _DEFAULT_PASSWORDS
