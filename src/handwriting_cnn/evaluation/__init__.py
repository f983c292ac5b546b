"""Judging a classifier: metrics, intervals, the report and its pictures."""
