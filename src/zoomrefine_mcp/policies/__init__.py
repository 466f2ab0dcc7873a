"""Policies: a policy is a value that decides the next look. It keeps what it has as soon as it has it.

``Direct``    one look at the view (the baseline).
``Paper``     Zoom-Refine to the letter (arXiv 2506.01663): one box, one crop, two looks.
``Adaptive``  as many looks as pay, each following from the evidence of the one before.
``Thorough``  the same, and a second, independent look at what decided.
``Pinpoint``  what ``localize_region`` runs: point in the view, sharpen in crops.
"""

from __future__ import annotations

from zoomrefine_mcp.errors import BadRequest
from zoomrefine_mcp.policies.adaptive import Adaptive, Thorough
from zoomrefine_mcp.policies.fixed import Direct, Paper
from zoomrefine_mcp.policies.looking import Policy
from zoomrefine_mcp.policies.pinpoint import Pinpoint, Precision

__all__ = ["POLICIES", "Adaptive", "Direct", "Paper", "Pinpoint", "Policy", "Precision", "Thorough", "policy_named"]

POLICIES: dict[str, type[Direct | Paper | Adaptive | Thorough]] = {
    kind.name: kind for kind in (Adaptive, Thorough, Paper, Direct)
}


def policy_named(name: str, view_edge: int | None = None) -> Policy:
    """The policy with that name.

    Raises:
        BadRequest: There is none; the hint lists them.
    """
    if name not in POLICIES:
        raise BadRequest(f"there is no policy named {name!r}", hint=f"Use one of: {', '.join(POLICIES)}.")
    return POLICIES[name](view_edge=view_edge)
