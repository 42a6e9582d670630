"""Pure functions from tables to tables: cleaning, RFM, K-Means, labels, scores. No Dagster here."""
