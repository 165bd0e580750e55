"""Peers as most people would write them; each is run as a script, and all but two in the bench's own environment."""
