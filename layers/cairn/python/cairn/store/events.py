"""Events, derived from uploads."""

LISTED = (
    "project_id",
    "event_id",
    "received",
    "timestamp",
    "title",
    "culprit",
    "level",
    "os",
    "release",
    "status",
    "expires",
)
"""Attributes that the index ``by_project`` carries beside the keys: what a list shows. Never the body."""
