"""The node editor: draws a project, runs it and shows what flows."""
