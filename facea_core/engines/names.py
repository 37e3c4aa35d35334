"""What independent units of work can be run by."""

ENGINES = ("serial", "processes", "ray")
"""In this process, in several of this machine, or in actors of a Ray cluster."""
