//! Readers against the real logs and against bad input.
mod bad;
mod layouts;
mod manifest;
mod speed;
