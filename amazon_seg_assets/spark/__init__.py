"""The Spark session and the Java it runs on; nothing here knows what is computed with them."""
