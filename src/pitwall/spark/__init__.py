"""Spark: its own programs, and the telemetry history by Structured Streaming."""
