"""Turns the raw files of a source into the stored raw tables, in bounded memory, without Spark."""
