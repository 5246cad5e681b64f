"""A language model of random weights, written as a GGUF file: it knows nothing, and can be loaded and run.

A llama of one layer whose tokens are bytes; what it says is noise, unless something forces a form on it.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

WIDTH, HEADS, FEED, CONTEXT = 64, 4, 128, 4096
_SPECIAL = ("<unk>", "<s>", "</s>")
CHAT = "{% for m in messages %}<s>{{ m['role'] }}: {{ m['content'] }}</s>{% endfor %}<s>assistant: "


def write_model(path: Path, *, seed: int = 1, layers: int = 1) -> Path:
    """Write the model; the same seed gives the same file."""
    draw = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "llama")
    _tokens(writer)
    writer.add_name("tiny random llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    vocabulary = len(_SPECIAL) + 256

    def tensor(name: str, *shape: int) -> None:
        values = np.ones(shape) if name.endswith("norm.weight") else draw.normal(0, 0.3, shape)
        writer.add_tensor(name, values.astype(np.float32))

    tensor("token_embd.weight", vocabulary, WIDTH)
    tensor("output_norm.weight", WIDTH)
    # Only plain characters are ever likely: noise of bytes that are no UTF-8 is what no model says.
    likely = np.zeros((vocabulary, 1))
    likely[[len(_SPECIAL) + byte for byte in (10, *range(32, 127))]] = 1
    likely[2] = 0.5
    output = draw.normal(0, 0.3, (vocabulary, WIDTH)) * likely
    writer.add_tensor("output.weight", output.astype(np.float32))
    for n in range(layers):
        tensor(f"blk.{n}.attn_norm.weight", WIDTH)
        tensor(f"blk.{n}.ffn_norm.weight", WIDTH)
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensor(f"blk.{n}.{part}.weight", WIDTH, WIDTH)
        tensor(f"blk.{n}.ffn_gate.weight", FEED, WIDTH)
        tensor(f"blk.{n}.ffn_up.weight", FEED, WIDTH)
        tensor(f"blk.{n}.ffn_down.weight", WIDTH, FEED)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _tokens(writer: gguf.GGUFWriter) -> None:
    names = [*_SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256))]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL, *[gguf.TokenType.BYTE] * 256]
    writer.add_tokenizer_model("llama")
    writer.add_token_list([name.encode() for name in names])
    writer.add_token_scores([0.0] * len(names))
    writer.add_token_types([int(kind) for kind in kinds])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_vocab_size(len(names))
    writer.add_chat_template(CHAT)
