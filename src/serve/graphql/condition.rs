//! Conditions of the API, turned into the one condition of the product.
use super::enums::Operator;
use crate::{
    error::{Error, Result},
    event::{
        Condition,
        condition::{self, Match},
    },
};
use async_graphql::{InputObject, OneofObject};

/// Which events: comparisons, joined by and, or, not.
#[derive(Debug, Clone, OneofObject)]
pub enum ConditionInput {
    /// All of them hold.
    And(Vec<ConditionInput>),
    /// At least one of them holds.
    Or(Vec<ConditionInput>),
    /// It does not hold.
    Not(Box<ConditionInput>),
    /// One comparison.
    Match(MatchInput),
}

/// One comparison of a field with values.
#[derive(Debug, Clone, InputObject)]
pub struct MatchInput {
    /// A criterion (`ip`, `port`, `host`, `process`, `file`, `registryKey`, `registryValue`, `hash`), a Sysmon field
    /// such as `CommandLine`, or `data.NAME` for another value of the record. See `fields`.
    field: String,
    /// How to compare.
    #[graphql(default_with = "Operator::Equals")]
    operator: Operator,
    /// What to compare with: any of these. Left out for `EXISTS`.
    values: Option<Vec<String>>,
}

/// Patterns of one condition at most: each is compiled.
pub const MAX_PATTERNS: usize = 500;

/// # Errors
/// `BAD_INPUT` that names the field, operator or bound.
pub fn condition(input: Option<ConditionInput>) -> Result<Condition> {
    let Some(input) = input else { return Ok(Condition::All) };
    let (mut patterns, mut operands) = (0, 0);
    let condition = convert(input, 0, &mut patterns, &mut operands)?;
    condition.check()?;
    Ok(condition)
}

fn convert(input: ConditionInput, depth: usize, patterns: &mut usize, operands: &mut usize) -> Result<Condition> {
    if depth > condition::MAX_DEPTH {
        return Err(Error::bad_input(format!("condition is nested deeper than {}", condition::MAX_DEPTH)));
    }
    let mut all = |items: Vec<ConditionInput>| -> Result<Vec<Condition>> {
        items.into_iter().map(|i| convert(i, depth + 1, patterns, operands)).collect()
    };
    match input {
        ConditionInput::And(items) => Ok(Condition::And(all(items)?)),
        ConditionInput::Or(items) => Ok(Condition::Or(all(items)?)),
        ConditionInput::Not(item) => Ok(Condition::Not(Box::new(convert(*item, depth + 1, patterns, operands)?))),
        ConditionInput::Match(MatchInput { field, operator, values }) => {
            let values = values.unwrap_or_default();
            *operands += values.len();
            if matches!(operator, Operator::Wildcard | Operator::Regex) {
                *patterns += values.len();
            }
            if *patterns > MAX_PATTERNS {
                return Err(Error::bad_input(format!("condition has more than {MAX_PATTERNS} patterns")));
            }
            if *operands > condition::MAX_OPERANDS {
                return Err(Error::bad_input(format!("condition has more than {} values", condition::MAX_OPERANDS)));
            }
            Ok(Condition::Match(Match::new(&field, operator.into(), &values)?))
        }
    }
}
