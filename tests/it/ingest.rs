//! Readers against the real logs and against bad input.
mod layouts;
mod manifest;
mod speed;
