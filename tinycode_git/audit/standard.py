"""Two functions of the standard library at a tenth of their cost at import, where CPython has them so.

``hashlib`` loads all of OpenSSL (2 ms), ``json`` compiles the patterns that it reads with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import sha256
    from json.encoder import encode_basestring as quoted
else:
    try:
        try:
            from _sha2 import sha256
        except ImportError:
            from _sha256 import sha256  # before Python 3.12
    except ImportError:
        from hashlib import sha256
    try:
        from _json import encode_basestring as quoted
    except ImportError:
        from json.encoder import encode_basestring as quoted

__all__ = ["quoted", "sha256"]
