"""The MCP face: everything that speaks the protocol lives in here, and nothing of it outside."""
