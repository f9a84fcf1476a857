"""The Parquet sink leaves no file open when it cannot write one."""

from __future__ import annotations

from java_trial import trial


def test_the_stream_of_a_file_that_cannot_be_written_is_closed() -> None:
    """Each line: whether the stream was closed, and what was thrown."""
    assert trial("sinks.parquet.ParquetFactoryTrial") == [
        ["true", "IllegalArgumentException"],
        ["false", "nothing"],
    ]
