"""What an entry commits to, how entries are chained, how a breach is found. No I/O."""
