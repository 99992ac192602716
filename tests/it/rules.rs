//! Sigma rules: loading, and matching against what other engines found.
mod archive;
mod events;
