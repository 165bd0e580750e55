"""What the audit service publishes. The ledger itself is made of everybody's events and publishes none for an entry."""
