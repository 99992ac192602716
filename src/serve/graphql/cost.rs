//! Cost of a request: computed before it runs, shown in `extensions.cost`.
use crate::serve::limits;
use async_graphql::{
    Response, ServerError, ValidationResult,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextRequest, NextValidation},
    value,
};
use std::sync::{Arc, Mutex, PoisonError};

/// Cost of a field that a store works on once, such as a statistic.
pub const STATISTIC: usize = 200;
/// Cost of a field that asks a store on its own for each of its parents.
pub const WALK: usize = 1_000;
/// More than any limit; keeps sums from overflowing.
const CEILING: usize = 1 << 30;

/// A list of at most `first` items.
pub fn list(first: i32, item: usize) -> usize {
    let first = usize::try_from(first.clamp(1, super::page::MAX)).unwrap_or(1);
    first.saturating_mul(item).clamp(1, CEILING)
}

/// A list whose every page is a walk of its own.
pub fn walk(first: i32, item: usize) -> usize {
    WALK + list(first, item)
}

/// A fixed cost and that of the fields inside.
pub fn fixed(cost: usize, inside: usize) -> usize {
    cost + inside.min(CEILING)
}

/// Writes `extensions.cost` into each answer.
pub struct Cost;

impl ExtensionFactory for Cost {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Computed::default())
    }
}

#[derive(Default)]
struct Computed(Mutex<Option<ValidationResult>>);

#[async_trait::async_trait]
impl Extension for Computed {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let response = next.run(ctx).await;
        let computed = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match computed {
            Some(c) => response.extension(
                "cost",
                value!({
                    "requested": c.complexity, "limit": (limits::COST),
                    "depth": c.depth, "depthLimit": (limits::DEPTH),
                }),
            ),
            None => response,
        }
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(ctx).await?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        Ok(result)
    }
}
