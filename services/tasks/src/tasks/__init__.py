"""Directives, tasks, units and people: who does what, by when, with what result."""
