"""Sentiment: what texts say beside the stars, by a model that the stars have taught."""
