"""What ``zoomrefine-mcp doctor`` finds: every check as a value, with what to do about it. Nothing here prints.

``diagnosis.py`` goes through the checks; ``surroundings.py`` looks at settings and directories, ``neighbours.py`` at
the model servers of this machine, ``naming.py`` at the model and its profile; ``eyesight.py`` shows the backend test
cards, ``conventions.py`` tries every way of reading its boxes, and ``judging.py`` says what came of it. ``listing.py``
is the table.
"""

from __future__ import annotations

from zoomrefine_mcp.doctor.checks import Check, Diagnosis, Status
from zoomrefine_mcp.doctor.diagnosis import TRIES, diagnose
from zoomrefine_mcp.doctor.listing import table
from zoomrefine_mcp.doctor.neighbours import LOCAL_SERVERS, LocalServer

__all__ = ["LOCAL_SERVERS", "TRIES", "Check", "Diagnosis", "LocalServer", "Status", "diagnose", "table"]
