//! Sigma rules: loading, and matching against what other engines found.
mod archive;
mod cost;
pub mod events;
mod explained;
mod filter;
mod gaps;
mod load;
mod modifiers;
mod oracle;
mod placeholders;
mod related;
mod search;
