"""Tool calls that a model printed as text, in the forms of the templates in use."""

from __future__ import annotations

import json
import re
from typing import Any

_CALL = re.compile(
    r"<(?:tool_call|function_call|tool_use)>\s*(.*?)\s*(?:</(?:tool_call|function_call|tool_use)>|\Z)"
    r"|\[TOOL_CALLS\]\s*(.*)\Z"
    r"|<\|python_tag\|>\s*(.*)\Z"
    r"|```(?:tool_code|tool_call)\n(.*?)```",
    re.S,
)


def tool_call(text: str) -> tuple[str, Any] | None:
    """Name and arguments where the whole of ``text`` is a tool call printed as text; None where it is none."""
    stripped = text.strip()
    match = _CALL.match(stripped)
    body = next((part for part in match.groups() if part is not None), "") if match else stripped
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return (body.split("(", 1)[0].strip()[:60] or "a tool", None) if match else None
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if isinstance(found, dict) and isinstance(found.get("function"), dict):
        found = found["function"]
    if not isinstance(found, dict) or not isinstance(found.get("name"), str):
        return ("a tool", found) if match else None
    for key in ("arguments", "parameters", "input"):
        if key in found:
            arguments = found[key]
            if isinstance(arguments, str):
                try:
                    arguments = json.loads(arguments)
                except (ValueError, RecursionError):
                    pass
            return found["name"], arguments
    return ("a tool", found) if match else None
