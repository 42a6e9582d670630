"""RFM segments: scores, schemes compared, and the customers of each segment as files."""
