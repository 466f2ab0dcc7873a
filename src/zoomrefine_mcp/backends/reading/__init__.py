"""How the embedded backend reads: text lines off a picture, the one that bears on the question, its value.

``engine`` reads lines, ``lines`` keeps them on the original, ``wanted`` takes the question apart, ``words`` compares
words with what was read, ``layout`` says which text belongs to which, ``values`` knows what an answer looks like,
``finding`` decides, ``choices`` picks an option, ``regions`` says where to look next.
"""
