"""Language models: one protocol, three backends (Ollama, llama.cpp in this process, OpenAI-compatible servers)."""
