"""Telling running text from labels and values: a sentence names things, but it is no field of a form.

A reader that knows no grammar cannot say which word of a sentence answers. So a sentence labels nothing, no line of
it is a value, and what is cut out of one has to look like a value by itself: a figure, a code, a name.
"""

from __future__ import annotations

import re
from functools import lru_cache

from zoomrefine_mcp.backends.reading.words import UNITS, has_digit, tokens, word_set

LEAST_WORDS = 5
"""Shorter lines are captions and labels, whatever words they hold."""

_FINITE = word_set(
    "is are was were am be been being has have had does did will would can could may might must shall should "
    "its it they their you your we our who which that this these those because although however please"
)
"""Words that sentences have and labels lack."""
FUNCTION_WORDS = _FINITE | word_set(
    "a an the of in on at by to for from with and or but nor not as than then so if when while where until since into "
    "onto over under about after before between through during without within near also only very there here each "
    "every any all some such both"
)
"""Words that tie others together, and are no value by themselves."""
_LABEL_ENDS = word_set("no nr number # date code id name")
"""Words that a label ends with, and a value hardly ever."""
_SENTENCE_BREAK = re.compile(r"[a-z]{2}[.!?;]\s+\S|[a-z]{2},\s+[a-z]")


@lru_cache(maxsize=16384)
def is_running(text: str) -> bool:
    """Whether a line is running text: long enough, mostly small letters, and built like a sentence.

    >>> is_running("Its key box opens with D117 at"), is_running("Date of the last inspection of the pump")
    (True, False)
    """
    words = [token.text for token in tokens(text)]
    if len(words) < LEAST_WORDS or ":" in text:
        return False
    small = sum(word[0].islower() for word in words)
    if small < 0.5 * len(words):
        return False
    tying = sum(word.casefold() in FUNCTION_WORDS for word in words)
    built = any(word.casefold() in _FINITE for word in words) or bool(_SENTENCE_BREAK.search(text))
    return built or (tying >= 2 and (text[0].islower() or text.rstrip().endswith((".", ",", "-"))))


def is_fragment(text: str, *, cut: bool) -> bool:
    """Whether a text is a piece of something longer, or a label: its end or, where it was cut out, its beginning.

    Args:
        text: The text.
        cut: It was cut out of a line; a whole line may well begin so ("not in July").

    >>> is_fragment("with D117 at", cut=True), is_fragment("Loan No.", cut=False), is_fragment("not in July", cut=False)
    (True, True, False)
    """
    words = [token.text for token in tokens(text)]
    if not words:
        return False
    begins = cut and words[0] in FUNCTION_WORDS
    ends = len(words) > 1 and (words[-1] in FUNCTION_WORDS or words[-1].casefold() in _LABEL_ENDS)
    return begins or ends or all(word.casefold() in FUNCTION_WORDS for word in words)


def marked(text: str) -> str | None:
    """What stands out at the beginning of a piece of a sentence: a code, a figure or a name; None where nothing does.

    >>> marked("12x7 cm overall")
    '12x7 cm'
    >>> marked("with D117 at the door"), marked("by M. Keller and sons"), marked("with care")
    ('D117', 'M. Keller', None)
    """
    words = text.split()
    while words and words[0].strip(".,;").casefold() in FUNCTION_WORDS:
        words.pop(0)
    run: list[str] = []
    for word in words:
        is_unit = bool(run) and has_digit(run[-1]) and word.rstrip(".,;:").casefold() in UNITS
        if not (has_digit(word) or word[:1].isupper() or is_unit):
            break
        run.append(word)
        if word[-1] in ",;:!?" or (word[-1] == "." and len(word) > 3):
            break  # an initial goes on, a sentence ends
    return " ".join(run).rstrip(".,;:!?") or None
