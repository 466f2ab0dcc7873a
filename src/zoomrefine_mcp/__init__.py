"""zoomrefine-mcp: answers questions about details in very large pictures, by looking closer."""

from zoomrefine_mcp.app import App, open_app
from zoomrefine_mcp.errors import BackendFailure, InputError, ZoomRefineError
from zoomrefine_mcp.geometry import Box, PixelBox, Size
from zoomrefine_mcp.notebook import ask
from zoomrefine_mcp.policies import Adaptive, Direct, Paper, Policy, Thorough
from zoomrefine_mcp.records import Budget
from zoomrefine_mcp.results import LocalizeResult, ZoomResult
from zoomrefine_mcp.settings import Settings
from zoomrefine_mcp.zoom import ZoomRefine

__all__ = [
    "Adaptive",
    "App",
    "BackendFailure",
    "Box",
    "Budget",
    "Direct",
    "InputError",
    "LocalizeResult",
    "Paper",
    "PixelBox",
    "Policy",
    "Settings",
    "Size",
    "Thorough",
    "ZoomRefine",
    "ZoomRefineError",
    "ZoomResult",
    "ask",
    "open_app",
]
