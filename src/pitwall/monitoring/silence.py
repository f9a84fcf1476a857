"""How long a session must be silent until it counts as over."""

from __future__ import annotations

SILENT_S = 30.0
"""A session without rows for this long has ended its lap."""
RELEASED_S = 600.0
"""A session without rows for this long is forgotten. The features job releases it at about the same
time (the setting `session_release_s`, in Kafka time that was read)."""
