"""Reads answers: the words of a text reply that are the answer, and the option that they choose."""

from __future__ import annotations

import re
import unicodedata

from zoomrefine_mcp.questions import abstains
from zoomrefine_mcp.records import Answer, Question

MAX_EXPLANATION = 600
"""Characters of reasoning that a person reads."""
MAX_CHOICE_CHARS = 2000
"""How much of an answer is searched for the option that it chooses."""
MAX_MENTION_WORDS = 40
"""An option's text that is merely mentioned counts in answers of at most so many words."""

# "Answer: C", "**Final Answer:** C", "> Rechecked Answer: [C]"; at the start of a line or of a sentence.
_LABEL = re.compile(
    r"(?:^|(?<=[\n.!?。>*]))[ \t>*_#`\-•]{0,12}"
    r"(?P<kind>(?:(?:re-?checked|final|corrected|refined|revised|preliminary|initial|correct|my|the)[ _*\-]{1,6}){0,3})"
    r"(?:answer|答案|回答)[ \t]*(?:\([^()\n]{0,30}\)[ \t]*)?[*_`]*[ \t]*(?::|is:|是:?)",
    re.IGNORECASE,
)
_SAID = re.compile(r"\b(?:answer|choice|option)\s+(?:is|would be|should be)\s*:?\s*(?P<answer>[^\n]+)", re.IGNORECASE)
_FIELD = re.compile(
    r"\n[ \t>*_#`\-•]*(?:evidence|regions?|reasoning|explanation|confidence|choice)\b[*_`]*\s*:", re.IGNORECASE
)
_WRAPPED = re.compile(r"<answer>(.*?)(?:</answer>|\Z)", re.DOTALL | re.IGNORECASE)
_BOXED = re.compile(r"\\boxed\{(?:\\text\{)?([^{}]{1,300})\}\}?")
# A letter is one, in any case where it stands alone, or two capitals (AA follows Z).
_LETTER_ALONE = re.compile(r"[\s\"'*_`(\[{<]*([A-Za-z]|[A-Z]{2})[\s\"'*_`)\]}>.:,]*")
_LETTER_FIRST = re.compile(
    r"[\s\"'*_`]*(?:[(\[]\s*([A-Za-z]|[A-Z]{2})\s*[)\]]|([A-Z]{1,2})[*_`]*(?:[).:,]|\s+[-\u2013\u2014])(?![A-Za-z.]))\s*(.*)",
    re.DOTALL,
)
_LETTER_NAMED = re.compile(
    r"\b(?i:option|choice|answer|letter)\s*(?:is|:)?\s*[(\[*_`\"']*([A-Z]{1,2})\b(?![\w']| [a-z])"
    r"|(?:^|\s)[(\[*_`\"']*([A-Z]{1,2})[)\]*_`\"']*\s+is\s+(?:the\s+)?(?:correct|right|answer)",
)
_LETTER_HELD = re.compile(r"[(\[]\s*([A-Z]{1,2})\s*[)\]]")
_ARTICLE = re.compile(r"^(?:a|an|the)\s+")


def answer_words(text: str, *, rechecked: bool) -> str | None:
    r"""The words behind the last ``Answer:`` of a text reply; None where there is no such label.

    Args:
        text: The reply, without thinking and boxes.
        rechecked: Stage 2: ``Rechecked Answer:`` and ``Final Answer:`` go before a plain ``Answer:``, which may
            quote the first turn.

    >>> answer_words("The plate is small.\n**Answer:** 48-2207", rechecked=False)
    '48-2207'
    """
    for wrapped in (_WRAPPED, _BOXED):
        text = wrapped.sub(lambda match: f"\nAnswer: {match[1].strip()}\n", text)
    labels = list(_LABEL.finditer(text))
    if rechecked:
        final = [one for one in labels if re.search(r"check|final|correct|refin|revis", one["kind"], re.IGNORECASE)]
        labels = final or labels
    for label in reversed(labels):
        following = next((one.start() for one in _LABEL.finditer(text, label.end())), len(text))
        words = _first_paragraph(text[label.end() : following])
        if words:
            return words
    said = list(_SAID.finditer(text))
    return _stripped(said[-1]["answer"]) or None if said else None


def reasoning_before(text: str) -> str:
    """The part of a text reply that leads up to its answer."""
    labels = list(_LABEL.finditer(text))
    before = text[: labels[-1].start()] if labels else text
    return before if before.strip() else text[labels[-1].end() :].partition("\n")[2] if labels else ""


def open_answer(words: str, explanation: str | None) -> Answer:
    """The answer to an open question."""
    words = _stripped(words)
    if not words or abstains(words):
        return Answer(None, abstained=True, explanation=explanation)
    if " " not in words and words.count(".") == 1:
        words = words.removesuffix(".")  # a sentence's full stop behind a bare value
    return Answer(words, explanation=explanation)


def chosen(words: str, question: Question) -> str | None:
    """The letter of the option that the words choose; None where they choose none, or more than one.

    A letter counts where it stands alone, leads (``C. blue``, ``(C)``) or is named (``option C``): never the first
    letter of a word. Else the one option whose text the words are, or mention.
    """
    words = words[:MAX_CHOICE_CHARS]
    letters = {choice.letter for choice in question.choices}
    alone = _LETTER_ALONE.fullmatch(words)
    if alone and alone[1].upper() in letters:
        return alone[1].upper()
    texts = {choice.letter: _plain(choice.text) for choice in question.choices}
    plain = _plain(words)
    same = [letter for letter, text in texts.items() if plain in (text, f"{letter.lower()} {text}")]
    if len(same) == 1:
        return same[0]
    first = _LETTER_FIRST.match(words)
    if first and (first[1] or first[2]).upper() in letters:
        return (first[1] or first[2]).upper()
    named = {(one[1] or one[2]) for one in _LETTER_NAMED.finditer(words)} & letters
    if len(named) == 1:
        return named.pop()
    mentioned = _mentioned(plain, texts)
    if mentioned is not None:
        return mentioned
    held = set(_LETTER_HELD.findall(words)) & letters
    return held.pop() if len(held) == 1 else None


def choice_answer(letter: str, question: Question, explanation: str | None) -> Answer:
    """The answer that chooses an option; the option that says "not shown" abstains."""
    choice = question.choice(letter)
    if choice is None or choice.abstains:
        return Answer(None, letter, abstained=True, explanation=explanation)
    return Answer(choice.text, letter, explanation=explanation)


def shortened(text: str | None) -> str | None:
    """Reasoning as a person reads it: Markdown and control characters away, cut at a sentence."""
    words = _stripped(re.sub(r"[*_`#]{2,}|`", "", text or ""))
    words = " ".join(words.split())
    if len(words) <= MAX_EXPLANATION:
        return words or None
    head = words[:MAX_EXPLANATION]
    end = max(head.rfind(stop) for stop in (". ", "! ", "? ", "。"))
    return head[: end + 1].rstrip() if end > MAX_EXPLANATION // 3 else head.rstrip() + " ..."


def _first_paragraph(text: str) -> str:
    """The rest of a label's line, or the next line that says something; a labelled field ends it."""
    field = _FIELD.search(text)
    lines = text[: field.start()] if field else text
    return next((words for words in map(_stripped, lines.splitlines()) if words), "")


def _stripped(words: str) -> str:
    """Without control characters, emphasis and the brackets or quotes around the whole."""
    words = "".join(" " if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") else letter for letter in words)
    words = re.sub(r"\*\*(.*?)\*\*", r"\1", words).strip().strip("*`").strip()
    for opening, closing in ('""', "''", "[]", "“”", "「」", "【】"):
        if len(words) > 2 and words[0] == opening and words[-1] == closing and closing not in words[1:-1]:
            words = words[1:-1].strip()
    return words


def _plain(text: str) -> str:
    text = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return _ARTICLE.sub("", text.strip(" .,;:!?\"'*`_()[]{}"))


def _mentioned(plain: str, texts: dict[str, str]) -> str | None:
    if len(plain.split()) > MAX_MENTION_WORDS:
        return None
    edges = r"(?<![\w+\-.])", r"(?!\w|[.,]\d)"  # "5" is not in "-5", "5.2" or "15"
    found = [letter for letter, text in texts.items() if text and re.search(re.escape(text).join(edges), plain)]
    # "blue" inside "light blue" is no mention of its own.
    found = [
        letter
        for letter in found
        if not any(
            other != letter and texts[letter] in texts[other] and texts[letter] != texts[other] for other in found
        )
    ]
    return found[0] if len(found) == 1 else None
