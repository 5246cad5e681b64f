"""Checks that an issuer's own format defines (checksums, what is inside an encoded part), and what no secret
looks like.

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
    re.findall(
        rb"\S+",
        b" 1234 12345 123456 12345678 admin admin123 changeit changeme db-password db_password dbpass"
        b" dbpassword default development docker elastic guest hunter2 letmein mariadb minioadmin mongo mongodb"
        b" mypass mypassword mysql neo4j oauth2 pass pass123 passw0rd passwd password password123 port postgres"
        b" postgresql pwd pwd123 rabbitmq redis root sa scott secret test test123 tiger token user username"
        b" userpass x-access-token x-oauth-basic your_password yourpassword",
    )
)


_WORDS_FOR_ONE = re.compile(rb"(?:[a-z]+[-_.])*(?:passw?|passwd|password|pwd|secret)(?:[-_.][a-z]+)*\Z")


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
    payload = decode64([*value.split(b"."), b""][1]) or b""
    return not re.search(rb'"sub"\s*:\s*"1234567890"|"iss"\s*:\s*"joe"', payload)


@check("not-hex")
def not_hex(value: bytes) -> bool:
    """Not hexadecimal digits only: a digest, where the format's alphabet is larger."""
    return not hexadecimal(value)


_OPENPGP_ID = re.compile(rb"(?:0x)?(?:[0-9A-F]{16}|[0-9A-F]{40})\Z")


@check("not-openpgp-id")
def not_openpgp_id(value: bytes) -> bool:
    """Not what names a public key: an OpenPGP key ID or fingerprint (RFC 9580 section 5.5.4), as gpg prints it."""
    return not _OPENPGP_ID.match(value)


@check("not-default-password")
def not_default_password(value: bytes) -> bool:
    """Not a password that every tutorial and every default installation has, such as ``db-pass``."""
    lower = value.lower()
    return lower not in _DEFAULT_PASSWORDS and not _WORDS_FOR_ONE.match(lower)


_LABEL = re.compile(
    rb"passw|passphrase|secret|token|apikey|credential|username|login|private_?key|access_?key"
    rb"|\A(?:string|text|hidden|none|null|nil|true|false|bearer|basic|required|optional|integer|undefined|unknown|empty"
    rb"|invalid|missing|object|number|boolean|disabled|enabled|plain|bcrypt|argon2|scrypt|pbkdf2|admin|value|input)\Z"
)


@check("not-label")
def not_label(value: bytes) -> bool:
    """Not the name of a field, a type or a scheme: what stands beside ``password:`` in a form or a schema."""
    return not _LABEL.search(value.lower().replace(b"-", b"_").replace(b"api_key", b"apikey"))


@check("not-name")
def not_name(value: bytes) -> bool:
    """As ``not-label``, but that ``admin`` is a password where the code says that it is one."""
    return not_label(value) or value.lower() == b"admin"


_REFERENCE = re.compile(
    rb"""(?xi)
    :// | \A(?:\.{0,2}|~)/ | \A[a-z]:[\\/] | \A\$ | \A%\w+%\Z | \A@\w+/
    | \A(?:arn|urn|mailto|data|file|vault|ssm|op|env|secret):
    | \(.*\) | \w\[ | process\.env | os\.environ | getenv | \A<.*>\Z | \A\{.*\}\Z | \#\{ | ::
    | \A[a-z0-9_.+-]+@[a-z0-9-]+\.[a-z.]+\Z
    | \A[a-z0-9_/.-]+\.(?:json|ya?ml|pem|key|crt|cer|txt|js|ts|py|rb|go|java|php|html?|css|png|svg|jpe?g|gif|xml|toml
        |ini|conf|cfg|env|sh|sql|md|proto|lock|p12|jks)\Z
    | \A(?:application|text|image|audio|video|multipart)/
    | \Av?\d+(?:\.\d+)+(?:[-+][a-z0-9.]+)?\Z | \A\d{4}-\d\d-\d\d
    | \A(?:sha1|sha256|sha384|sha512|md5)[-:] | %(?:\d+\$)?-?\d*l{0,2}[dsxuif](?![A-Za-z0-9])
    """
)
_CONSTANT = re.compile(rb"[A-Z][A-Z0-9]*(?:[_=][A-Z0-9]+)+\Z|[a-z_]+(?:\.[a-zA-Z_]+)+\Z|[a-z]+(?:[A-Z][a-z]+)+\d?\Z")


@check("not-reference")
def not_reference(value: bytes) -> bool:
    """Not what stands for a value kept elsewhere: a URL, a path, a variable, a constant's name, an expression."""
    return not _REFERENCE.search(value) and not _CONSTANT.match(value)


@check("not-sample-login")
def not_sample_login(value: bytes) -> bool:
    """Not Basic credentials (RFC 7617) with a password of tutorials, such as RFC 7617's own."""
    login = decode64(value) or b""
    _, colon, password = login.partition(b":")
    return not colon or (password.lower() not in _DEFAULT_PASSWORDS and password not in (b"open sesame", b"opensesame"))
