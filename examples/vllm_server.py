"""A local vLLM server. Start one that allows two pictures a conversation, for example

    vllm serve Qwen/Qwen3-VL-8B-Instruct --limit-mm-per-prompt '{"image": 4}' --max-model-len 32768

(serving.md beside this file has more models, and says what the flags are for) and run
``python examples/vllm_server.py IMAGE QUESTION [BASE_URL]``. The model's name is asked from the server, and its name
picks the profile: how it writes boxes, and the size at which it sees a picture unshrunk.
"""

from __future__ import annotations

import sys

from zoomrefine_mcp import ask

if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} IMAGE QUESTION [BASE_URL]\n\n{__doc__}")
    image, question, *rest = sys.argv[1:]
    result = ask(image, question, backend="vllm", base_url=rest[0] if rest else "http://localhost:8000/v1")
    print(f"{result.preliminary_answer} -> {result.answer} ({result.status}), by {result.model} at {result.sent_to}")
    for region in result.regions:
        print(region.pixels, region.label, region.raw)
