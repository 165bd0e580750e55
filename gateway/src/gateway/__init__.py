"""The one door (cổng): who calls, how much, where to; tokens, clients, the merged API."""
