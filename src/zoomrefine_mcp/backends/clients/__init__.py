"""One wire each, one call each: ``ChatClient`` is in ``base.py``, what all of them share in the other modules."""
