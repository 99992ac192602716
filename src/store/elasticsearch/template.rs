//! Puts the index template, with the best way to find a text inside of values that the cluster has.
use super::{
    Store,
    mapping::{self, Substring},
};
use crate::{
    elastic::{self, Method},
    error::{Error, Result},
};
use serde_json::Value;

impl Store {
    /// Asks the cluster what it has, and puts the template.
    pub async fn put_template(&self) -> Result<Substring> {
        let of = |substring, doc_values| mapping::template(&self.prefix, self.shards, substring, doc_values);
        let ways = match &self.substring {
            Some(forced) => std::slice::from_ref(forced),
            None => &Substring::ALL,
        };
        for way in ways {
            let templates = [of(*way, true), of(*way, false)];
            for template in &templates[..if *way == Substring::Wildcard { 2 } else { 1 }] {
                if self.fits(template).await? {
                    let path = format!("_index_template/{}", self.prefix);
                    self.client.ask(Method::Put, &path, template).await?;
                    if *way == Substring::Keyword && self.substring.is_none() {
                        tracing::warn!(
                            "the cluster has neither wildcard fields nor the n-gram tokenizer: searches for a part of \
                             a value go through all distinct values, which is slow where there are many"
                        );
                    }
                    return Ok(*way);
                }
            }
        }
        let names: Vec<&str> = ways.iter().map(|w| w.as_str()).collect();
        Err(Error::bad_input(format!(
            "the cluster cannot make indices for searches by {}: choose another way, or none",
            names.join(", ")
        )))
    }

    /// The ways of all indices that there are now; none where one of them does not tell its own, as those of older versions
    /// do not: then all are searched by the terms, which each has. What comes into an index made later has come after the
    /// search.
    pub async fn ways(&self) -> Result<Vec<Substring>> {
        let path = format!(
            "{}/_mapping?ignore_unavailable=true&allow_no_indices=true\
             &filter_path=*.mappings._meta.substring,*.mappings.dynamic",
            self.indices()
        );
        let answer = self.client.ask(Method::Get, &path, &Value::Null).await?;
        let ways =
            answer.as_object().into_iter().flat_map(serde_json::Map::values).map(|i| Substring::of(&i["mappings"]));
        let Some(ways) = ways.collect::<Option<Vec<_>>>() else { return Ok(Vec::new()) };
        Ok(Substring::ALL.into_iter().filter(|way| ways.contains(way)).collect())
    }

    /// Whether the cluster can make indices by a template.
    async fn fits(&self, template: &Value) -> Result<bool> {
        let path = format!("_index_template/_simulate/{}", self.prefix);
        let (status, answer) = self.client.send(Method::Post, &path, "application/json", template.to_string()).await?;
        match status {
            200..300 => Ok(true),
            400 => {
                tracing::debug!(answer = %answer, "the cluster refuses an index template");
                Ok(false)
            }
            _ => Err(elastic::failure(status, &answer)),
        }
    }
}
