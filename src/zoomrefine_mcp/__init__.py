"""zoomrefine-mcp: answers questions about details in very large pictures, by looking twice."""
