//! AND, OR and NOT as `bool` queries that nest as little as can be: clusters refuse more than some thirty levels.
use serde_json::{Map, Value, json};

/// A condition with NOT at its leaves only.
#[derive(Debug, Clone)]
pub enum Tree {
    Leaf(Value),
    NotLeaf(Value),
    And(Vec<Tree>),
    Or(Vec<Tree>),
}

impl Tree {
    pub fn all_of(parts: impl IntoIterator<Item = Self>) -> Self {
        let flat = parts.into_iter().flat_map(|p| if let Self::And(inner) = p { inner } else { vec![p] });
        one_or(flat.collect(), Self::And)
    }

    pub fn any_of(parts: impl IntoIterator<Item = Self>) -> Self {
        let flat = parts.into_iter().flat_map(|p| if let Self::Or(inner) = p { inner } else { vec![p] });
        one_or(flat.collect(), Self::Or)
    }

    /// The opposite.
    pub fn not(self) -> Self {
        match self {
            Self::Leaf(v) => Self::NotLeaf(v),
            Self::NotLeaf(v) => Self::Leaf(v),
            Self::And(all) => Self::any_of(all.into_iter().map(Self::not)),
            Self::Or(any) => Self::all_of(any.into_iter().map(Self::not)),
        }
    }

    /// Levels of the query.
    fn levels(&self) -> usize {
        match self {
            Self::Leaf(_) => 0,
            Self::NotLeaf(_) => 1,
            Self::Or(any) => 1 + any.iter().map(Self::levels).max().unwrap_or(0),
            Self::And(all) => {
                // The deepest OR is a part of the same `bool`.
                let mut below: Vec<usize> = all.iter().map(Self::levels).collect();
                below.sort_unstable();
                let (deepest, rest) = below.split_last().map_or((0, &[][..]), |(d, r)| (*d, r));
                deepest.max(1 + rest.last().copied().unwrap_or(0))
            }
        }
    }

    pub fn query(self) -> Value {
        match self {
            Self::Leaf(v) => v,
            Self::NotLeaf(v) => json!({ "bool": { "must_not": [v] } }),
            Self::Or(any) if any.is_empty() => json!({ "match_none": {} }),
            Self::Or(any) => json!({ "bool": should(any) }),
            Self::And(all) if all.is_empty() => json!({ "match_all": {} }),
            Self::And(all) => {
                let (mut filter, mut not, mut any) = (Vec::new(), Vec::new(), Vec::new());
                for part in all {
                    match part {
                        Self::NotLeaf(v) => not.push(v),
                        Self::Or(inner) => any.push(Self::Or(inner)),
                        other => filter.push(other.query()),
                    }
                }
                any.sort_by_cached_key(Self::levels);
                let mut body = if let Some(Self::Or(deepest)) = any.pop() { should(deepest) } else { Map::new() };
                filter.extend(any.into_iter().map(Self::query));
                for (name, queries) in [("filter", filter), ("must_not", not)] {
                    if !queries.is_empty() {
                        body.insert(name.into(), queries.into());
                    }
                }
                json!({ "bool": body })
            }
        }
    }
}

fn one_or(mut parts: Vec<Tree>, many: fn(Vec<Tree>) -> Tree) -> Tree {
    match parts.pop() {
        Some(one) if parts.is_empty() => one,
        last => {
            parts.extend(last);
            many(parts)
        }
    }
}

fn should(any: Vec<Tree>) -> Map<String, Value> {
    // An empty list would be no clause at all.
    let any: Vec<Value> =
        if any.is_empty() { vec![json!({ "match_none": {} })] } else { any.into_iter().map(Tree::query).collect() };
    Map::from_iter([("should".to_owned(), any.into()), ("minimum_should_match".to_owned(), 1.into())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(name: &str) -> Tree {
        Tree::Leaf(json!(name))
    }

    #[test]
    fn one_level_for_an_and_with_its_or() {
        let or = Tree::any_of([leaf("c"), Tree::any_of([leaf("d")])]);
        let tree = Tree::all_of([leaf("a"), leaf("b").not(), or]);
        let query = json!({ "bool": {
            "should": ["c", "d"], "minimum_should_match": 1, "filter": ["a"], "must_not": ["b"],
        }});
        assert_eq!(tree.clone().query(), query);
        let opposite = json!({ "bool": { "minimum_should_match": 1, "should": [
            { "bool": { "must_not": ["a"] } }, "b", { "bool": { "must_not": ["c", "d"] } },
        ]}});
        assert_eq!(tree.not().query(), opposite);
    }

    #[test]
    fn nothing_and_everything() {
        assert_eq!(Tree::all_of([]).query(), json!({ "match_all": {} }));
        assert_eq!(Tree::all_of([]).not().query(), json!({ "match_none": {} }));
        let never = Tree::all_of([leaf("a"), Tree::any_of([]), Tree::any_of([leaf("b"), leaf("c")])]);
        assert_eq!(never.query()["bool"]["filter"][1], json!({ "match_none": {} }));
    }

    #[test]
    fn levels_grow_half_as_fast_as_the_condition() {
        let mut tree = leaf("x");
        for n in 0..32 {
            tree = if n % 2 == 0 { Tree::any_of([tree, leaf("a")]) } else { Tree::all_of([tree, leaf("b")]) };
        }
        fn bools(v: &Value) -> usize {
            match v {
                Value::Object(m) => usize::from(m.contains_key("bool")) + m.values().map(bools).max().unwrap_or(0),
                Value::Array(a) => a.iter().map(bools).max().unwrap_or(0),
                _ => 0,
            }
        }
        assert_eq!((tree.levels(), bools(&tree.query())), (16, 16));
    }
}
