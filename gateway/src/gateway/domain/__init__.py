"""Rules about partner systems and people who call."""
