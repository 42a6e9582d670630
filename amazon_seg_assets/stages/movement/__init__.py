"""The way of customers between snapshots, what followed on a snapshot, and what segments buy."""
