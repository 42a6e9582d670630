"""Tests of amazon_seg_assets."""
