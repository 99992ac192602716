//! Log lines on standard error. Secrets are never given to the log.
use crate::error::{Error, Result};
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Starts logging with a filter such as `info` or `warn,sysmonsearch::pipeline=debug`.
///
/// # Errors
/// `BAD_INPUT` for a filter that cannot be read.
pub fn init(filter: &str) -> Result<()> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|e| Error::bad_input(format!("the log filter {filter:?} cannot be read: {e}")))?;
    // Not an error when a test has started it already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
    Ok(())
}
