"""Jobs, sensors, and the search for what is to be made again."""
