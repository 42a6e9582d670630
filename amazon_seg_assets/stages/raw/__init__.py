"""The raw tables: files of the source, read in bounded memory and written once, without Spark."""
