//! The stored form of an event: the winlogbeat/ECS layout.
