"""The telemetry history by Spark Structured Streaming."""
