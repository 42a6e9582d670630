"""Customer value: who is still there, and what they will buy, by BG/NBD and Gamma-Gamma."""
