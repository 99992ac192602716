//! Which events a rule speaks about: its logsource as a set of streams.
//!
//! A stream is a kind of event that has an engine of its own: an event code, for code 12 also what was done to
//! the key, since `registry_add` and `registry_delete` share the code and differ by `EventType` only.
use crate::event::{Event, EventCode, Field};
use rsigma_parser::LogSource;

/// Position of an engine in a rule set.
pub type Stream = usize;

const KNOWN: usize = 30;
const DELETE: Stream = 30;
const OTHER_OF_12: Stream = 31;
const ERROR: Stream = 32;
const UNKNOWN: Stream = 33;
pub const STREAMS: usize = 34;

/// Stream of an event of the Sysmon provider.
pub fn stream_of(event: &Event) -> Stream {
    match event.code {
        12 => match event.get(Field::EventType) {
            Some(t) if t.eq_ignore_ascii_case("CreateKey") || t.eq_ignore_ascii_case("CreateValue") => 12,
            Some(t) if t.eq_ignore_ascii_case("DeleteKey") || t.eq_ignore_ascii_case("DeleteValue") => DELETE,
            _ => OTHER_OF_12,
        },
        255 => ERROR,
        code => usize::try_from(code).ok().filter(|c| (1..KNOWN).contains(c)).unwrap_or(UNKNOWN),
    }
}

/// The event code of a stream; `None` where it has many.
pub fn code_of(stream: Stream) -> Option<u32> {
    match stream {
        DELETE | OTHER_OF_12 => Some(12),
        ERROR => Some(255),
        UNKNOWN => None,
        code => u32::try_from(code).ok(),
    }
}

fn streams_of_code(code: u32, category: &str) -> &'static [Stream] {
    const CODES: [Stream; KNOWN] = {
        let mut codes = [0; KNOWN];
        let mut i = 0;
        while i < KNOWN {
            codes[i] = i;
            i += 1;
        }
        codes
    };
    match (code, category) {
        (12, "registry_add") => &[12],
        (12, "registry_delete") => &[DELETE],
        (12, _) => &[12, DELETE, OTHER_OF_12],
        (255, _) => &[ERROR],
        (code, _) => usize::try_from(code).ok().and_then(|c| CODES.get(c..=c)).unwrap_or(&[]),
    }
}

/// How a logsource is named in lists: `process_creation`, `service:sysmon`.
pub fn label(source: &LogSource) -> String {
    match (&source.category, &source.service, &source.product) {
        (Some(c), None, _) => c.clone(),
        (Some(c), Some(s), _) => format!("{c} service:{s}"),
        (None, Some(s), _) => format!("service:{s}"),
        (None, None, Some(p)) => format!("product:{p}"),
        (None, None, None) => String::new(),
    }
}

/// Streams of a rule, or why Sysmon for Windows cannot serve it.
pub fn streams(source: &LogSource) -> Result<Vec<Stream>, String> {
    if let Some(product) = &source.product
        && !product.eq_ignore_ascii_case("windows")
    {
        return Err(format!("logsource product '{product}': only Windows Sysmon events are matched"));
    }
    if let Some(service) = &source.service
        && !service.eq_ignore_ascii_case("sysmon")
    {
        return Err(format!("logsource service '{service}' is not Sysmon"));
    }
    if let Some(name) = source.custom.keys().min() {
        return Err(format!("logsource attribute '{name}' is not known"));
    }
    let Some(category) = source.category.as_deref().map(str::to_ascii_lowercase) else {
        return if source.service.is_some() {
            Ok((1..STREAMS).collect())
        } else {
            Err("logsource names neither a category nor the service sysmon".into())
        };
    };
    let streams: Vec<Stream> = EventCode::all()
        .iter()
        .filter(|c| c.sigma.contains(&category.as_str()))
        .flat_map(|c| streams_of_code(c.code, &category))
        .copied()
        .collect();
    if streams.is_empty() {
        return Err(format!("logsource category '{category}' is not served by Sysmon"));
    }
    Ok(streams)
}
