"""Rules of notices: who is told of which fact, in which words, and what becomes of the mail. No I/O."""
