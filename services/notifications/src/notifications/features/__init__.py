"""Use cases of the notifications service, one a file."""
