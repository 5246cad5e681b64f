"""What a model says around its answer: thinking, ends of turns. Pure text in, text out."""

from __future__ import annotations

import re

_THINKING = re.compile(r"\A\s*<(think|thinking|thought|reasoning)>(.*?)</\1>\s*", re.S | re.I)
_THINKING_OPEN = re.compile(r"\A\s*<(think|thinking|thought|reasoning)>", re.I)
_THINKING_END = re.compile(r"</(?:think|thinking|thought|reasoning)>\s*", re.I)
_CHANNEL = re.compile(r"\A.*<\|channel\|>final<\|message\|>", re.S)
_LEFTOVER = re.compile(r"(?:<\|(?:im_end|endoftext|eot_id|end|return|end_of_text)\|>|</s>)\s*\Z")


def without_thinking(text: str) -> tuple[str, str]:
    """The answer without what a model thought aloud in front of it, and a remark where there was some.

    Thinking that never ends leaves nothing: what follows it was never said.
    """
    text = _LEFTOVER.sub("", text)
    if (channel := _CHANNEL.match(text)) is not None:
        return text[channel.end() :], "thinking was taken off"
    if (found := _THINKING.match(text)) is not None:
        return text[found.end() :], "thinking was taken off"
    if _THINKING_OPEN.match(text):
        return "", "it was still thinking when it ended"
    end = _THINKING_END.search(text)
    if end is not None and "<think" not in text[: end.start()].lower():
        # Templates that open the thinking themselves leave only its end in the answer.
        return text[end.end() :], "thinking was taken off"
    return text, ""
