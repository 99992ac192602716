//! Readers against the real logs and against bad input.
mod manifest;
