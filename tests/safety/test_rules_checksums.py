"""Checks that issuers define, and shapes that are no secret: vectors from the specifications, and their neighbours."""

from __future__ import annotations

import pytest

from tinycode_git.safety.checks import holds, unknown_check

# Bitcoin wiki, BIP 32 test vector 1, BIP 173, SEP-23, RFC 7519 section 3.1, in two parts where they are keys.
WIF = b"5HueCGU8rMjxEXxiPuD5BDku4MkFqeZy" + b"d4dZ1jvhTVqvbTLvyTJ"
XPRV = (
    b"xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"
)
SEED = b"SBU2RRGLXH3E5CQHTD3ODLDF2BWDCYUSSBLLZ5GNW" + b"7JXHDIYKXZWHOKR"


@pytest.mark.parametrize(
    ("check", "value", "wanted"),
    [
        ("base58check", WIF, True),
        ("base58check", WIF[:-1] + b"K", False),
        ("base58check", XPRV, True),
        ("base58check", XPRV.replace(b"K3Q", b"K3R"), False),
        ("base58check", b"0OIl", False),
        ("bech32", b"a12uel5l", True),
        ("bech32", b"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", True),
        ("bech32", b"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxx", False),
        ("bech32", b"noseparator", False),
        ("strkey", b"GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ", True),
        ("strkey", b"GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGY", False),
        ("not-hex", b"0f1e2d", False),
        ("not-hex", b"0f1e2g", True),
        ("not-default-password", b"Password", False),
        ("not-default-password", b"db-pass", False),
        ("not-default-password", b"Tr0ub4dor", True),
        ("not-label", b"client_secret", False),
        ("not-label", b"string", False),
        ("not-label", b"Tr0ub4dor", True),
        ("not-reference", b"https://example.org/x1", False),
        ("not-reference", b"process.env.X1", False),
        ("not-reference", b"API_KEY_2", False),
        ("not-reference", b"config/secrets.yml", False),
        ("not-reference", b"test_%08x", False),
        ("not-reference", b"d6s$f9g!j8", True),
        ("not-word", b"some-words/and_more", False),
        ("not-word", b"q8Zt3vLp0Wm9xRq2", True),
        ("not-word", b"ab" * 5000 + b"!", True),  # takes a backtracking engine for ever
        ("not-sample-login", b"dXNlcjpwYXNzd29yZA==", False),
        ("not-sample-login", b"YWRtaW46cFExeDkya2RMTDF6", True),
        ("not-jwt-io", b"eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0NTY3ODkwIn0.x", False),
        ("not-jwt-io", b"eyJhbGciOiJub25lIn0.eyJzdWIiOiI0MiJ9.x", True),
    ],
)
def test_checks(check: str, value: bytes, wanted: bool) -> None:
    assert unknown_check(check) == ""
    assert holds(check, value) is wanted
