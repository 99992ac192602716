//! How many documents to ask for at once. The cluster does not say how big they are, so the first answer is a small one, and
//! the next ones are as large as those before allow; never so large that big ones at once could not be held.
use serde_json::Value;

/// Documents of the first answer.
const FIRST: usize = 16;
/// Most documents of one answer.
pub const MOST: usize = 250;
/// Bytes that one answer should have.
const BYTES: usize = 4 << 20;

pub struct Pace(usize);

impl Default for Pace {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Pace {
    /// Documents to ask for.
    pub const fn size(&self) -> usize {
        self.0
    }

    /// Takes note of an answer.
    pub fn saw(&mut self, documents: usize, bytes: usize) {
        if let Some(each) = bytes.checked_div(documents) {
            self.0 = (BYTES / each.max(1)).clamp(1, MOST);
        }
    }
}

/// Bytes of the texts of a document.
pub fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(weight).sum(),
        Value::Object(parts) => parts.iter().map(|(name, part)| name.len() + weight(part)).sum(),
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_documents_are_big_few_are_asked_for() {
        let mut pace = Pace::default();
        assert!(pace.size() < MOST);
        for (documents, bytes, next) in [(16, 16 * 900, MOST), (250, 250 * 900_000, 4), (4, 4 << 30, 1), (0, 0, 1)] {
            pace.saw(documents, bytes);
            assert_eq!(pace.size(), next);
        }
        assert_eq!(weight(&serde_json::json!({ "a": ["bc", { "d": "ef" }], "n": 1 })), 15);
    }
}
