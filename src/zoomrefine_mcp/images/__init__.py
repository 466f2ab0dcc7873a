"""Pictures from files to the bytes that are sent; nothing outside touches an imaging library.

``source`` opens and renders, ``encode`` writes, ``draw`` makes pictures for people; ``reader`` is the only way to the
file's bytes.
"""

import os

# What libvips thinks of a damaged picture ends in our error; as a warning it is noise on stderr, and it quotes bytes of
# the file. libvips reads this variable when it is loaded, so it stands before every import of pyvips.
os.environ.setdefault("VIPS_WARNING", "0")
