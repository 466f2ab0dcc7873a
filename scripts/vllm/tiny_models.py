"""Makes vision models of a megabyte or two that a real vLLM serves: right in every dimension but their knowledge.

    .venv-vllm/bin/python scripts/vllm/tiny_models.py DIRECTORY

Qwen2.5-VL, Qwen3-VL and InternVL as their own classes load them, with the processors' own sizes, so that the server
counts a picture's tokens as it would for the published models. Two layers, seeded random weights, a byte-level BPE
tokenizer trained on the text below, and a chat template of our own.

What they say means nothing. But a random model that a grammar binds writes strings, numbers and lists without end, so
the output layer leans toward what ends them, and a few pairs of tokens are likelier than others: each reply has one
region, on picture 1. A reply that no grammar binds goes on until its budget is spent, which is what cancelling needs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)

SEED = 20260101
HIDDEN, HEADS, LAYERS, INNER = 64, 2, 2, 128
CONTEXT = 32_768
WORDS = 700
"""Size of the vocabulary, without the special tokens."""

TEXT = """
The harbour lies on the north side of the map, and the legend stands in the lower left corner. A red line marks the
railway from the old station to the mill; a blue line marks the river. The picture is too large to be seen at once, so
the whole is shown first, reduced, and then the part of it that decides the question, enlarged. The plate on the second
pump reads forty two, the plate on the first one is cut off by the edge. What the label says can be made out, what the
small print says cannot: it is there but too small to be sure. The table has seven columns, the heads of the columns are
at the top, and the row for the year is the last but one. Look at the window above the door: the curtain is open and a
lamp stands on the table. The ship has three masts, the flag on the middle mast is green and white, the number on the
bow is hidden by a rope. Give the answer in a few words, and say where it was found. The valve between the tank and the
filter is closed, the gauge beside it shows a value under the mark. If the pictures do not show it, say so instead of a
guess. There is a tower behind the bridge, a bell in the tower, and a date over the bell. The street is named after the
gardener who planted the trees along it. The drawing is to scale, all lengths are in millimetres, the section is taken
along the line from the left to the right. The serial number is printed under the bar code, the batch is printed beside
it. The second sign from the left says that the road is closed; the first one gives the name of the village.
"""

CHAT_ENDS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
QWEN_VISION = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
INTERN_VISION = ("<img>", "</img>", "<IMG_CONTEXT>")

QWEN_TEMPLATE = """\
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.content is string %}{{ message.content }}{% else -%}
{%- for part in message.content -%}
{%- if part.type == 'text' -%}{{ part.text }}
{%- elif 'image' in part.type -%}<|vision_start|><|image_pad|><|vision_end|>
{%- endif -%}
{%- endfor -%}
{%- endif -%}
<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}<|im_start|>assistant
{% endif -%}
"""
INTERN_TEMPLATE = QWEN_TEMPLATE.replace("<|vision_start|><|image_pad|><|vision_end|>", "<image>\n")

LEANINGS = {'"': 6.0, ",": 3.0, "]": 3.0} | dict.fromkeys("0123456789", -6.0)
"""What the output layer leans toward, in standard deviations of a random token's score."""
FOREIGN, SPECIAL = -6.0, -20.0
"""The same for what belongs into no word (bytes of other alphabets, control characters) and for the special tokens."""
NUMBERS = ("310,", "420,", "640,", "710")
"""Tokens of the vocabulary that stand in no word: the one box that these models know."""
AFTER = (
    ('"', '"', -1),  # no empty string
    ("{", "[", 1),  # one region, not none ...
    ("]", "}", 1),  # ... and not two
    ("1", ":", 1),  # on picture 1
    (",", "1", 1),
    *((after, before, 1) for before, after in pairwise(("[", *NUMBERS, "]"))),
)
"""A token, the one before it, and whether it is likelier there or unlikelier."""


def make_tokenizer(vision: tuple[str, ...], template: str) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator([TEXT], trainers.BpeTrainer(vocab_size=WORDS, initial_alphabet=alphabet))
    tokenizer.add_tokens(list(NUMBERS))
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in CHAT_ENDS + vision])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=CONTEXT)
    fast.eos_token, fast.pad_token = "<|im_end|>", "<|endoftext|>"
    fast.chat_template = template
    return fast


def text_part(tokenizer: PreTrainedTokenizerFast, **more: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "max_position_embeddings": CONTEXT,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        **more,
    }


def vision_part(**more: Any) -> dict[str, Any]:
    return {
        "depth": LAYERS,
        "hidden_size": HIDDEN,
        "num_heads": HEADS,
        "intermediate_size": INNER,
        "out_hidden_size": HIDDEN,
        **more,
    }


def qwen_ids(tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    names = ("vision_start_token_id", "vision_end_token_id", "image_token_id", "video_token_id")
    return dict(zip(names, tokenizer.convert_tokens_to_ids(list(QWEN_VISION)), strict=True))


def qwen_processor(folder: Path, kind: str, patch: int, pixels: tuple[int, int], mean: list[float]) -> None:
    size = {"shortest_edge": pixels[0], "longest_edge": pixels[1]}
    common = {"patch_size": patch, "temporal_patch_size": 2, "merge_size": 2, "image_mean": mean, "image_std": mean}
    image = {"image_processor_type": "Qwen2VLImageProcessorFast", "processor_class": f"{kind}Processor", "size": size}
    video = {"video_processor_type": "Qwen2VLVideoProcessor" if kind == "Qwen2_5_VL" else "Qwen3VLVideoProcessor"}
    write(folder / "preprocessor_config.json", image | common)
    write(
        folder / "video_preprocessor_config.json",
        video | {"size": size, "processor_class": f"{kind}Processor"} | common,
    )


def make_qwen25(folder: Path) -> None:
    tokenizer = make_tokenizer(QWEN_VISION, QWEN_TEMPLATE)
    rope = {"rope_type": "default", "mrope_section": [4, 6, 6], "rope_theta": 1e6}
    config = Qwen2_5_VLConfig(
        text_config=text_part(tokenizer, rope_parameters=rope),
        vision_config=vision_part(patch_size=14, window_size=112, fullatt_block_indexes=[1]),
        **qwen_ids(tokenizer),
    )
    save(Qwen2_5_VLForConditionalGeneration(config), tokenizer, folder)
    # The published models' own bounds: 4 to 16,384 tokens of 28 x 28 pixels.
    qwen_processor(folder, "Qwen2_5_VL", 14, (3136, 12_845_056), [0.5, 0.5, 0.5])


def make_qwen3(folder: Path) -> None:
    tokenizer = make_tokenizer(QWEN_VISION, QWEN_TEMPLATE)
    rope = {"rope_type": "default", "mrope_section": [6, 5, 5], "mrope_interleaved": True, "rope_theta": 5e6}
    config = Qwen3VLConfig(
        text_config=text_part(tokenizer, rope_parameters=rope, head_dim=HIDDEN // HEADS),
        vision_config=vision_part(patch_size=16, num_position_embeddings=2304, deepstack_visual_indexes=[0]),
        **qwen_ids(tokenizer),
    )
    save(Qwen3VLForConditionalGeneration(config), tokenizer, folder)
    # The published models' own bounds: 64 to 16,384 tokens of 32 x 32 pixels.
    qwen_processor(folder, "Qwen3VL", 16, (65_536, 16_777_216), [0.5, 0.5, 0.5])


INTERN_CONFIG = '''\
"""The configuration of InternVLChatModel, which no library holds: the published models carry such a file too."""

from transformers import PreTrainedConfig, Qwen2Config


class InternVisionConfig(PreTrainedConfig):
    model_type = "intern_vit_6b"


class InternVLChatConfig(PreTrainedConfig):
    model_type = "internvl_chat"
    sub_configs = {"vision_config": InternVisionConfig, "llm_config": Qwen2Config}

    def __init__(self, vision_config=None, llm_config=None, **others):
        self.vision_config = InternVisionConfig(**(vision_config or {}))
        self.llm_config = Qwen2Config(**(llm_config or {}))
        super().__init__(**others)

    @property
    def text_config(self):
        return self.llm_config

    def get_text_config(self, *args, **kwargs):
        return self.llm_config
'''


def make_internvl(folder: Path) -> None:
    tokenizer = make_tokenizer(INTERN_VISION, INTERN_TEMPLATE)
    language = text_part(tokenizer, architectures=["Qwen2ForCausalLM"], tie_word_embeddings=False)
    vision = {
        "model_type": "intern_vit_6b",
        "image_size": 448,
        "patch_size": 14,
        "hidden_size": HIDDEN,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "intermediate_size": INNER,
        "qkv_bias": True,
        "qk_normalization": False,
        "norm_type": "layer_norm",
        "layer_norm_eps": 1e-6,
        "hidden_act": "gelu",
        "initializer_factor": 1.0,
    }
    config = {
        "architectures": ["InternVLChatModel"],
        "auto_map": {"AutoConfig": "configuration_internvl_chat.InternVLChatConfig"},
        "model_type": "internvl_chat",
        "vision_config": vision,
        "llm_config": language | {"model_type": "qwen2"},
        "force_image_size": 448,
        "downsample_ratio": 0.5,
        "ps_version": "v2",
        "select_layer": -1,
        "dynamic_image_size": True,
        "use_thumbnail": True,
        "min_dynamic_patch": 1,
        "max_dynamic_patch": 12,  # the published models' own
        "dtype": "float32",
    }
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "config.json", config)
    (folder / "configuration_internvl_chat.py").write_text(INTERN_CONFIG, encoding="utf-8")
    tokenizer.save_pretrained(folder)
    model = Qwen2ForCausalLM(Qwen2Config(**language))
    lean(model, tokenizer)
    weights = {f"language_model.{name}": tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights | vision_weights(vision), folder / "model.safetensors", {"format": "pt"})


def vision_weights(vision: dict[str, Any]) -> dict[str, torch.Tensor]:
    """InternViT and the projector, under the names of the published checkpoints."""
    tokens = (vision["image_size"] // vision["patch_size"]) ** 2 + 1
    joined = 4 * HIDDEN
    shapes: dict[str, tuple[int, ...]] = {
        "vision_model.embeddings.class_embedding": (1, 1, HIDDEN),
        "vision_model.embeddings.position_embedding": (1, tokens, HIDDEN),
        "vision_model.embeddings.patch_embedding.weight": (HIDDEN, 3, vision["patch_size"], vision["patch_size"]),
        "vision_model.embeddings.patch_embedding.bias": (HIDDEN,),
        "mlp1.0.weight": (joined,),
        "mlp1.0.bias": (joined,),
        "mlp1.1.weight": (HIDDEN, joined),
        "mlp1.1.bias": (HIDDEN,),
        "mlp1.3.weight": (HIDDEN, HIDDEN),
        "mlp1.3.bias": (HIDDEN,),
    }
    for layer in range(LAYERS):
        at = f"vision_model.encoder.layers.{layer}"
        for name, rows, columns in (
            ("attn.qkv", 3 * HIDDEN, HIDDEN),
            ("attn.proj", HIDDEN, HIDDEN),
            ("mlp.fc1", INNER, HIDDEN),
            ("mlp.fc2", HIDDEN, INNER),
        ):
            shapes |= {f"{at}.{name}.weight": (rows, columns), f"{at}.{name}.bias": (rows,)}
        for name in ("norm1", "norm2"):
            shapes |= {f"{at}.{name}.weight": (HIDDEN,), f"{at}.{name}.bias": (HIDDEN,)}
        shapes |= {f"{at}.ls1": (HIDDEN,), f"{at}.ls2": (HIDDEN,)}
    ones = ("norm1.weight", "norm2.weight", "mlp1.0.weight", "ls1", "ls2")
    return {
        name: torch.ones(shape) if name.endswith(ones) else 0.1 * torch.randn(shape) for name, shape in shapes.items()
    }


def lean(model: torch.nn.Module, tokenizer: PreTrainedTokenizerFast) -> None:
    """Random weights of a size that matters, and the leanings of the output layer.

    One dimension of every embedding is a constant, through which the output layer has a bias.
    """
    constant = 8.0
    embedding, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    deviation = (HIDDEN - 1) ** 0.5  # of a random token's score, times the norm
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if ".layers." in name and name.endswith("proj.weight"):
                sharp = name.endswith(("q_proj.weight", "k_proj.weight"))  # looks at few places, not at the mean of all
                weight.normal_(std=(2.0 if sharp else 0.5) / weight.shape[1] ** 0.5)
        embedding.normal_()
        head.normal_()
        embedding[:, 0] = constant
        special = set(tokenizer.get_added_vocab().values()) - set(tokenizer.convert_tokens_to_ids(list(NUMBERS)))
        for token, number in tokenizer.get_vocab().items():
            leaning = LEANINGS.get(token, FOREIGN if token in NUMBERS else 0.0)
            if number in special:
                leaning = SPECIAL
            elif not all("!" <= letter <= "~" or letter == "Ġ" for letter in token):  # Ġ stands for a space
                leaning = FOREIGN
            head[number, 0] = leaning * deviation / constant
        for token, before, sign in AFTER:
            one, other = tokenizer.convert_tokens_to_ids([token, before])
            head[one, 1:] += 2 * sign * embedding[other, 1:]


def save(model: torch.nn.Module, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    lean(model, tokenizer)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)


def write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")


MAKERS: dict[str, Callable[[Path], None]] = {
    "tiny-qwen2.5-vl": make_qwen25,
    "tiny-qwen3-vl": make_qwen3,
    "tiny-internvl3": make_internvl,
}


def main() -> None:
    folder = Path(sys.argv[1])
    for name, make in MAKERS.items():
        torch.manual_seed(SEED)
        make(folder / name)
        print(name, sum(path.stat().st_size for path in (folder / name).iterdir()) // 1000, "kB")


if __name__ == "__main__":
    main()
