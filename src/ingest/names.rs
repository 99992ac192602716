//! Windows' own names for numbers of the `System` section, as shippers write them.
use super::node::number;

/// `information` -> 4.
pub fn level(text: &str) -> Option<u32> {
    Some(match text.trim().to_ascii_lowercase().as_str() {
        "critical" => 1,
        "error" => 2,
        "warning" => 3,
        "information" | "info" => 4,
        "verbose" | "debug" => 5,
        other => u32::try_from(number(other)?).ok()?,
    })
}

/// `Info` -> 0.
pub fn opcode(text: &str) -> Option<u32> {
    Some(match text.trim().to_ascii_lowercase().as_str() {
        "info" => 0,
        "start" => 1,
        "stop" => 2,
        other => u32::try_from(number(other)?).ok()?,
    })
}
