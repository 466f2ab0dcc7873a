"""Which facts a model's name picks, and what each family sees."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zoomrefine_mcp.backends.profiles import PROFILES, Axes, PartOrder, Unit, profile_for
from zoomrefine_mcp.backends.resize import internvl_grid, smart_resize
from zoomrefine_mcp.geometry import Size

SIDES = st.integers(1, 40_000)
ONE_OF_EACH = pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())

NAMES = [
    ("Qwen/Qwen2-VL-7B-Instruct", "qwen2-vl"),
    ("qwen2-vl-72b-instruct-gptq-int4", "qwen2-vl"),
    ("Qwen/Qwen2.5-VL-7B-Instruct-AWQ", "qwen2.5-vl"),
    ("qwen2.5vl:7b", "qwen2.5-vl"),
    ("qwen2p5-vl-32b-instruct", "qwen2.5-vl"),
    ("/models/Qwen2.5-VL-7B-Instruct-Q4_K_M.gguf", "qwen2.5-vl"),
    ("qwen/qwen-2.5-vl-7b-instruct:free", "qwen2.5-vl"),
    ("/srv/qwen2.5-vl-finetune/checkpoint-3000/", "qwen2.5-vl"),
    ("qwen-vl-max", "qwen2.5-vl"),
    ("Qwen/Qwen3-VL-8B-Instruct-FP8", "qwen3-vl"),
    ("accounts/fireworks/models/qwen3-vl-235b-a22b-thinking", "qwen3-vl"),
    ("qwen3-vl:8b", "qwen3-vl"),
    ("Qwen/Qwen3.5-397B-A17B", "qwen3-vl"),
    ("qwen3.8-flash-next", "qwen3-vl"),
    ("qwen4-vl", "qwen3-vl"),
    ("OpenGVLab/InternVL3-8B", "internvl"),
    ("internvl3_5-38b", "internvl"),
    ("OpenGVLab/InternVL2_5-78B-MPO", "internvl"),
    ("zai-org/GLM-4.5V", "glm-v"),
    ("glm-4.6v-flash:latest", "glm-v"),
    ("THUDM/GLM-4.1V-9B-Thinking", "glm-v"),
    ("glm-5v", "glm-v"),
    ("openbmb/MiniCPM-V-4_5", "minicpm-v"),
    ("minicpm-v:8b", "minicpm-v"),
    ("openbmb/MiniCPM-o-2_6", "minicpm-v"),
    ("deepseek-ai/deepseek-vl2-small", "deepseek-vl2"),
    ("moonshotai/Kimi-VL-A3B-Instruct", "kimi-vl"),
    ("moonshotai/Kimi-VL-A3B-Thinking-2506", "kimi-k2.5"),
    ("moonshotai/kimi-k2.5", "kimi-k2.5"),
    ("gemini-2.5-pro", "gemini"),
    ("google/gemini-3-pro-preview", "gemini"),
    ("claude-sonnet-4-5-20250929", "claude-standard"),
    ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-standard"),
    ("claude-opus-4-20250514", "claude-standard"),
    ("claude-opus-4-6", "claude-standard"),
    ("claude-3-7-sonnet-latest", "claude-standard"),
    ("claude-haiku-4-5", "claude-standard"),
    ("claude-opus-4-7", "claude-high"),
    ("anthropic/claude-opus-4.8", "claude-high"),
    ("claude-opus-5-5", "claude-high"),
    ("anthropic/claude-sonnet-5", "claude-high"),
    ("claude-fable-5-2", "claude-high"),
    ("claude-haiku-5-5", "claude"),
    ("gpt-4o-2024-11-20", "openai-4o"),
    ("gpt-4o-mini", "openai-4o"),
    ("gpt-4.1", "openai-4o"),
    ("openai/gpt-4.1-mini", "openai-4.1-mini"),
    ("gpt-5", "openai-5"),
    ("gpt-5.1", "openai-5"),
    ("gpt-5-mini", "openai-5-mini"),
    ("gpt-5.2", "openai-5-mini"),
    ("o4-mini", "openai-5-mini"),
    ("o3", "openai-5"),
    ("gpt-5.4", "openai-5.4"),
    ("gpt-5.4-mini", "openai-5-mini"),
    ("gpt-5.5-2026-04-23", "openai-5.4"),
    ("gpt-5.6-sol", "openai-5.6"),
    ("gpt-6-astra", "openai-5.6"),
    # Local servers: Ollama's and LM Studio's tags, GGUF files, quantizations, and who made them.
    ("hf.co/unsloth/Qwen3-VL-8B-Instruct-GGUF:Q4_K_M", "qwen3-vl"),
    ("mmproj-Qwen2.5-VL-7B-Instruct-f16.gguf", "qwen2.5-vl"),
    ("C:\\models\\Qwen2_5-VL-3B-Instruct-Q8_0.gguf", "qwen2.5-vl"),
    ("lmstudio-community/Qwen2-VL-7B-Instruct-GGUF", "qwen2-vl"),
    ("cyankiwi/Qwen3-VL-30B-A3B-Instruct-AWQ-4bit", "qwen3-vl"),
    ("my-org/qwen3-vl-8b-invoices-lora-r16", "qwen3-vl"),
    ("qvq-72b-preview", "qwen2-vl"),
    ("opengvlab_internvl3_5-8b-q8_0.gguf", "internvl"),
    ("internlm/Intern-S1-mini-FP8", "internvl"),
    ("cpatonn/GLM-4.5V-AWQ-4bit", "glm-v"),
    ("openbmb/MiniCPM-V-4_5-int4", "minicpm-v"),
    ("minicpm-o2.6:latest", "minicpm-v"),
    ("deepseek_vl2_tiny-Q6_K.gguf", "deepseek-vl2"),
    ("kimi-vl-a3b-thinking-2506-q4_k_m.gguf", "kimi-k2.5"),
    ("llama3.2-vision:11b-instruct-q4_K_M", "llama-3.2-vision"),
    ("meta-llama/Llama-3.2-90B-Vision-Instruct", "llama-3.2-vision"),
    ("us.meta.llama3-2-11b-instruct-v1:0", "llama-3.2-vision"),
    ("accounts/fireworks/models/llama-v3p2-11b-vision-instruct", "llama-3.2-vision"),
    ("llama4:scout", "llama-4"),
    ("meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8", "llama-4"),
    ("gemma3:27b", "gemma-3"),
    ("google_gemma-3-12b-it-Q4_K_M.gguf", "gemma-3"),
    ("pixtral-large-latest", "pixtral"),
    ("mistral-community/pixtral-12b", "pixtral"),
    ("mistralai/Mistral-Small-3.2-24B-Instruct-2506", "mistral-3"),
    ("mistral-small3.1:24b", "mistral-3"),
    ("mistral-small-2506", "mistral-3"),
    ("mistral-medium-latest", "mistral-3"),
    ("ministral-3:8b", "mistral-3"),
    # Providers and their ways of writing a name.
    ("azure/gpt-4o", "openai-4o"),
    ("openai/gpt-5-mini-2025-08-07", "openai-5-mini"),
    ("chatgpt-4o-latest", "openai-4o"),
    ("openrouter/google/gemini-2.5-flash:free", "gemini"),
    ("models/gemini-3-flash", "gemini"),
    ("databricks-claude-sonnet-4-5", "claude-standard"),
    ("vertex_ai/claude-opus-4-1@20250805", "claude-standard"),
    ("anthropic.claude-3-5-sonnet-20241022-v2:0", "claude-standard"),
    ("bedrock/eu.anthropic.claude-opus-5-v1:0", "claude-high"),
]


@pytest.mark.parametrize(("model", "name"), NAMES)
def test_a_models_name_picks_its_family_whatever_stands_around_it(model, name):
    assert profile_for(model, wire="openai").name == name


@pytest.mark.parametrize(
    "model",
    [
        *("llava-1.6", "gpt-oss-120b", "qwen3-8b", "qwen2.5-7b", "glm-4-9b", "kimi-k2", "", "foo3-x"),
        *("llama-3.2-3b-instruct", "llama-3.1-8b", "gemma-2-9b", "gemma3n:e4b", "mistral-7b-instruct", "ministral-8b"),
    ],
)
def test_a_name_that_no_profile_knows_is_read_by_its_wires_habit(model):
    assert profile_for(model, wire="openai").unit is Unit.NORMALIZED
    assert profile_for(model, wire="anthropic").unit is Unit.PIXELS


def test_a_known_family_keeps_its_habit_on_any_wire():
    assert profile_for("Qwen/Qwen3-VL-8B-Instruct", wire="anthropic").name == "qwen3-vl"


def test_the_embedded_reader_has_a_profile_of_its_own():
    assert profile_for("rapidocr", wire="ocr").name == "ocr"


@pytest.mark.parametrize(
    ("model", "unit", "axes", "order"),
    [
        ("qwen2-vl-7b", Unit.PER_THOUSAND, Axes.XYXY, PartOrder.IMAGE_FIRST),
        ("qwen2.5-vl-7b", Unit.PIXELS, Axes.XYXY, PartOrder.IMAGE_FIRST),
        ("qwen3-vl-8b", Unit.PER_THOUSAND, Axes.XYXY, PartOrder.IMAGE_FIRST),
        ("internvl3-8b", Unit.PER_THOUSAND, Axes.XYXY, PartOrder.IMAGE_FIRST),
        ("glm-4.5v", Unit.PER_THOUSAND, Axes.XYXY, PartOrder.IMAGE_FIRST),
        ("minicpm-v-4.5", Unit.PER_THOUSAND, Axes.XYXY, PartOrder.IMAGE_FIRST),
        ("deepseek-vl2", Unit.PER_999, Axes.XYXY, PartOrder.IMAGE_FIRST),
        ("kimi-vl-a3b", Unit.NORMALIZED, Axes.XYXY, PartOrder.IMAGE_FIRST),
        ("gemini-3-pro", Unit.PER_THOUSAND, Axes.YXYX, PartOrder.TEXT_FIRST),
        ("claude-opus-5", Unit.PIXELS, Axes.XYXY, PartOrder.TEXT_FIRST),
        ("gpt-5.6", Unit.PIXELS, Axes.XYXY, PartOrder.TEXT_FIRST),
    ],
)
def test_each_family_writes_boxes_in_its_published_convention(model, unit, axes, order):
    profile = profile_for(model, wire="openai")
    assert (profile.unit, profile.axes, profile.order) == (unit, axes, order)


@pytest.mark.parametrize(
    ("model", "size", "seen"),
    [
        # Anthropic's own check values.
        ("claude-sonnet-4-5", (1075, 1520), (924, 1307)),
        ("claude-sonnet-4-5", (1920, 1080), (1456, 819)),
        ("claude-opus-4-7", (1920, 1080), (1920, 1080)),
        ("claude-sonnet-4-5", (2000, 1500), (1269, 952)),
        ("claude-sonnet-4-5", (3840, 2160), (1456, 819)),
        ("claude-opus-4-7", (3840, 2160), (2576, 1449)),
        # OpenAI: 32-px patches and 512-px tiles.
        ("gpt-4o", (4096, 8192), (768, 1536)),
        ("gpt-4o", (1024, 1024), (768, 768)),
        ("gpt-4o", (640, 480), (640, 480)),
        ("gpt-4.1-mini", (1024, 1024), (1024, 1024)),
        ("gpt-5.4", (3200, 3200), (3200, 3200)),
        ("gpt-5.4", (12000, 1000), (6000, 500)),
        # InternVL: a 16:9 picture becomes 4 x 2 tiles of 448 px, a 4:3 one 4 x 3.
        ("internvl3-8b", (7680, 4320), (1792, 896)),
        ("internvl3-8b", (4000, 3000), (1792, 1344)),
        ("internvl3-8b", (600, 400), (600, 400)),
        # Qwen: multiples of 28 or 32, at most 4096 tokens.
        ("qwen2.5-vl-7b", (1288, 728), (1288, 728)),
        ("qwen2.5-vl-7b", (1280, 720), (1288, 728)),
        ("qwen2.5-vl-7b", (7680, 4320), (2380, 1344)),
        ("qwen3-vl-8b", (7680, 4320), (2720, 1536)),
        ("minicpm-v-4.5", (1344, 1344), (1344, 1344)),
        ("deepseek-vl2", (4000, 3000), (1152, 864)),
        ("gemini-3-pro", (6144, 3072), (3072, 1536)),
        ("a-model-nobody-knows", (8192, 4096), (2048, 1024)),
    ],
)
def test_a_family_sees_a_picture_at_its_published_size(model, size, seen):
    assert profile_for(model, wire="openai").sees(Size(*size)) == Size(*seen)


@pytest.mark.parametrize(
    ("size", "factor", "resized"),
    [
        ((1920, 1080), 28, (1932, 1092)),
        ((10, 10), 28, (56, 56)),
        ((8204, 1092), 28, (8204, 1092)),
        ((12_000, 8_000), 28, (4368, 2912)),
        ((70, 98), 28, (56, 112)),  # 2.5 and 3.5 times the factor: halves to even, as Python rounds
    ],
)
def test_smart_resize_follows_the_rule_that_qwen_publishes(size, factor, resized):
    seen = smart_resize(Size(*size), factor=factor, min_pixels=3136, max_pixels=12_845_056)
    assert seen == Size(*resized)


@pytest.mark.parametrize(
    ("size", "grid"),
    [
        ((448, 448), (1, 1)),
        ((896, 896), (2, 2)),
        ((1344, 1344), (3, 3)),
        ((7680, 4320), (4, 2)),
        ((4000, 3000), (4, 3)),
        ((100, 20_000), (1, 12)),
    ],
)
def test_internvl_picks_the_grid_nearest_in_shape_and_of_equals_the_one_worth_filling(size, grid):
    assert internvl_grid(Size(*size)) == grid


@ONE_OF_EACH
@given(width=SIDES, height=SIDES)
@example(width=1, height=40_000)
@example(width=40_000, height=1)
@example(width=1, height=1)
@example(width=7680, height=4320)
@example(width=29, height=5800)
def test_a_picture_at_the_size_that_a_model_sees_is_seen_as_it_is(profile, width, height):
    seen = profile.sees(Size(width, height))
    assert profile.sees(seen) == seen


@ONE_OF_EACH
@given(width=st.integers(300, 40_000), height=st.integers(300, 40_000))
def test_no_picture_is_enlarged_but_for_the_rounding_of_the_processor(profile, width, height):
    seen = profile.sees(Size(width, height))
    assert seen.width < width + 32
    assert seen.height < height + 32


@pytest.mark.parametrize(
    "profile", [one for one in PROFILES.values() if one.name not in {"internvl", "gemma-3"}], ids=lambda one: one.name
)
@given(width=st.integers(400, 20_000), ratio=st.floats(0.2, 5))
def test_a_picture_keeps_its_shape_unless_it_is_stretched_onto_tiles_but_for_the_rounding_of_the_processor(
    profile, width, ratio
):
    size = Size(width, max(400, round(width * ratio)))
    seen = profile.sees(size)
    assert abs(seen.width / size.width - seen.height / size.height) <= 33 / min(size.width, size.height)


@ONE_OF_EACH
def test_every_profile_says_where_its_facts_come_from(profile):
    assert profile.sources
    assert profile.max_bytes * 4 / 3 < 10_000_000


@pytest.mark.parametrize("model", ["claude-opus-5", "claude-haiku-5-5", "gpt-5.6", "o3", "gpt-5-mini"])
def test_models_that_refuse_a_temperature_are_sent_none(model):
    assert not profile_for(model, wire="openai").accepts_temperature


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "gpt-4o", "gpt-4.1-mini", "qwen3-vl-8b", "gemini-3-pro", "x"])
def test_models_that_take_a_temperature_may_be_sent_one(model):
    assert profile_for(model, wire="openai").accepts_temperature


# What models of one family differ in.


@pytest.mark.parametrize(
    ("model", "floor"),
    [
        ("claude-opus-5-5", 512),
        ("claude-fable-5-1", 512),
        ("claude-sonnet-5", 1024),
        ("claude-opus-4-8", 1024),
        ("claude-opus-4-7", 2048),
        ("claude-sonnet-4-6", 1024),
        ("claude-opus-4-1-20250805", 1024),
        ("claude-opus-4-6", 4096),
        ("claude-haiku-4-5", 4096),
        ("gpt-5.4", 1024),
        ("qwen3-vl-8b", 0),
    ],
)
def test_a_prompt_cache_has_the_floor_that_is_published_for_the_model(model, floor):
    assert profile_for(model, wire="openai").cache_floor == floor


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("gemini-3-pro", 1120),
        ("gemini-2.5-flash", 258 * 6),
        ("gpt-4o", 85 + 6 * 170),
        ("gpt-4o-mini", 2833 + 6 * 5667),
        ("gpt-5", 70 + 6 * 140),
        ("o3", 75 + 6 * 150),
        ("gpt-4.1-mini", 2443),
        ("gpt-4.1-nano", 3710),
        ("gpt-5-nano", 2262),
        ("claude-sonnet-4-5", 1560),
    ],
)
def test_a_picture_costs_what_the_models_own_formula_says(model, tokens):
    assert profile_for(model, wire="openai").image_tokens(Size(7680, 4320)) == tokens


@pytest.mark.parametrize(
    "model", ["claude-sonnet-4-20250514", "claude-opus-4@20250514", "claude-3-haiku", "gpt-4-turbo"]
)
def test_models_from_before_structured_output_are_known(model):
    assert not profile_for(model, wire="openai").structured_output


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "claude-opus-4-1", "claude-opus-5", "gpt-4o", "qwen3-vl-8b"])
def test_models_with_structured_output_are_known(model):
    assert profile_for(model, wire="openai").structured_output


@ONE_OF_EACH
@given(width=SIDES, height=SIDES)
def test_a_picture_costs_the_same_before_and_after_it_is_rendered_for_the_model(profile, width, height):
    size = Size(width, height)
    assert profile.image_tokens(size) == profile.image_tokens(profile.sees(size)) >= 0
