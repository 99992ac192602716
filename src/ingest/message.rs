//! The rendered text of a Sysmon event, for records whose shipper lost the fields themselves.
use crate::event::{EventBuilder, EventCode, Field, Key};

/// Adds the `Name: value` lines of `message` that the record lacks. A line that does not begin with the
/// name of a field of this code continues the value before it.
pub fn fill(builder: &mut EventBuilder, message: &str) {
    let code = EventCode::get(builder.code);
    let mut found: Vec<(Field, String)> = Vec::new();
    for line in message.trim_end().split('\n').skip(1) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let field = line.split_once(':').and_then(|(name, value)| {
            let field = Field::parse_data(name)?;
            let of_code = code.is_none_or(|c| c.fields.contains(&field));
            let new = found.iter().all(|(f, _)| *f != field);
            (of_code && new).then(|| (field, value.strip_prefix(' ').unwrap_or(value)))
        });
        match (field, found.last_mut()) {
            (Some((field, value)), _) => found.push((field, value.into())),
            (None, Some((_, value))) => {
                value.push_str("\r\n");
                value.push_str(line);
            }
            (None, None) => {}
        }
    }
    for (field, value) in found {
        if !builder.has(field) {
            builder.add(Key::Field(field), &value);
        }
    }
}

/// Lines of the message below its title: as many as the record has fields, if none was lost.
pub fn lines(message: &str) -> usize {
    memchr::memchr_iter(b'\n', message.trim_end().as_bytes()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::ordinals::Counted;

    #[test]
    fn lines_become_fields_and_others_continue() {
        let mut b = EventBuilder::default();
        b.code = 20;
        b.data("User", r"CORP\kept");
        let text = "WmiEventConsumer activity detected:\r\nRuleName: -\r\nUtcTime: 2020-09-02 01:43:49.913\r\n\
                    User: CORP\\other\r\nName:  \"x\"\r\nDestination:  \"a\r\nImage: not a field of 20\r\n";
        fill(&mut b, text);
        let e = b.finish(&mut Counted::default());
        assert_eq!(e.get(Field::User), Some(r"CORP\kept"));
        assert_eq!(e.get(Field::Name), Some(" \"x\""));
        assert_eq!(e.get(Field::Destination), Some(" \"a\r\nImage: not a field of 20"));
        assert_eq!(e.get(Field::UtcTime), Some("2020-09-02 01:43:49.913"));
        assert_eq!(e.get(Field::RuleName), None);
        assert_eq!(lines(text), 6);
    }
}
