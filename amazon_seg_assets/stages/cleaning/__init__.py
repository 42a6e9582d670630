"""Clean, lean reviews and products, and their join."""
