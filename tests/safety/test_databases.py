"""Hyperscan's databases: what an expression finds alone it finds among all the others."""

from __future__ import annotations

import hyperscan

from tinycode_git.safety.compile import Entry, built, looked_for
from tinycode_git.safety.rulefile import load_shipped


def fired(entries: list[Entry], texts: list[bytes]) -> list[set[int]]:
    database = built(entries)
    database.scratch = hyperscan.Scratch(database)
    found: list[set[int]] = [set() for _ in texts]
    for at, text in enumerate(texts):
        database.scan(text, lambda number, *_: found[at].add(number))  # noqa: B023 - called before the next text
    return found


def test_no_expression_hides_another() -> None:
    rules = load_shipped()
    used, _ = looked_for(rules)
    texts = [text.replace("{~}", "").encode("utf-8", "surrogateescape") for rule in rules for text in rule.examples]
    texts.append(b'[submodule "a"]\n\tpath = a\n\turl = https://example.com/a\n\tupdate = !touch /tmp/x')
    texts = [text for text in texts if text]
    _, entries = used[1]
    together = fired(entries, texts)
    for number, entry in enumerate(entries):
        alone = {at for at, found in enumerate(fired([entry], texts)) if found}
        assert alone == {at for at, found in enumerate(together) if number in found}, entry.text
