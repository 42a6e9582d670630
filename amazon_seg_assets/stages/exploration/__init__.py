"""The raw data at a glance: profiles, counts and top lists, whatever the snapshot."""
