//! Retention: the indices of old months are dropped as a whole, which costs nothing, and never single events.
use super::Store;
use crate::{elastic::Method, error::Result, event::Time};
use serde_json::Value;

impl Store {
    /// Drops the indices of the months before the last `keep_months` ones and the present one; their names.
    pub async fn drop_old(&self, now: Time) -> Result<Vec<String>> {
        let text = now.rfc3339();
        let present = text.get(..7).and_then(|t| month(t, '-'));
        let Some(first) = self.keep_months.zip(present).map(|(keep, now)| now.saturating_sub(keep)) else {
            return Ok(Vec::new());
        };
        let path = format!("{}/_mapping?allow_no_indices=true&filter_path=*.mappings.dynamic", self.indices());
        let answer = self.client.ask(Method::Get, &path, &Value::Null).await?;
        let mut dropped = Vec::new();
        for name in answer.as_object().into_iter().flat_map(serde_json::Map::keys) {
            let of = name.strip_prefix(&self.prefix).and_then(|n| n.strip_prefix('-')).and_then(last_month);
            if of.is_some_and(|of| of < first) {
                // Another process may have just done the same.
                let path = format!("{name}?ignore_unavailable=true");
                self.client.ask(Method::Delete, &path, &Value::Null).await?;
                dropped.push(name.clone());
            }
        }
        Ok(dropped)
    }
}

/// The last month of what an index of events is about.
fn last_month(name: &str) -> Option<u32> {
    month(name, '.').or_else(|| month(&format!("{name}.12"), '.'))
}

/// Months since the year 0 of a text such as `2021.10`.
fn month(text: &str, between: char) -> Option<u32> {
    let (year, month) = text.split_once(between).filter(|(y, m)| y.len() == 4 && m.len() == 2)?;
    let (year, month) = (year.parse::<u32>().ok()?, month.parse::<u32>().ok()?);
    (1..=12).contains(&month).then_some(year * 12 + month - 1)
}

#[cfg(test)]
mod tests {
    use super::{last_month, month};

    #[test]
    fn only_months_are_months() {
        assert_eq!(month("2021.10", '.'), month("2021-10", '-'));
        assert_eq!(month("2022.01", '.').zip(month("2021.12", '.')).map(|(a, b)| a - b), Some(1));
        assert_eq!(last_month("2040"), month("2040.12", '.'));
        assert_eq!((last_month("2021.10"), last_month("other")), (month("2021.10", '.'), None));
        for text in ["other", "2021.13", "2021.00", "2021.1", "x-2021.01", "2021.01.02", ""] {
            assert_eq!(month(text, '.'), None, "{text}");
        }
    }
}
