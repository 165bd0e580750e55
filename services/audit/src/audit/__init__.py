"""The ledger (sổ cái kiểm toán): every event of the platform, in order, as it was sent."""
