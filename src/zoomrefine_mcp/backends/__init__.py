"""Everything that answers, behind one seam (``base.py``)."""
