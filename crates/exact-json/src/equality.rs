//! Equality of JSON values: numbers by value, objects without regard to order.

use std::cmp::Ordering;

use crate::budget::{Budget, Undecided};
use crate::document::{Members, Node, View};
use crate::number;
use crate::text::Text;

/// Whether two values are equal.
pub fn same(left: Node<'_>, right: Node<'_>, budget: &mut Budget) -> Result<bool, Undecided> {
    // Both are at most as deep as a document may be, so the recursion is bounded.
    budget.spend(1)?;
    match (left.view(), right.view()) {
        (View::Null, View::Null) => Ok(true),
        (View::Bool(a), View::Bool(b)) => Ok(a == b),
        (View::Number(a), View::Number(b)) => Ok(order(a, b, budget)?.is_eq()),
        (View::String(a), View::String(b)) => same_text(a, b, budget),
        (View::Array(a), View::Array(b)) => {
            if a.total() != b.total() {
                return Ok(false);
            }
            for (a, b) in a.zip(b) {
                if !same(a, b, budget)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (View::Object(a), View::Object(b)) => {
            let (a, b) = (a.unique()?, b.unique()?);
            Ok(a.total() == b.total() && objects(a, b, budget)?)
        }
        _ => Ok(false),
    }
}

/// The order of two numbers.
pub fn order(a: &str, b: &str, budget: &mut Budget) -> Result<Ordering, Undecided> {
    budget.spend_bytes(a.len() + b.len())?;
    number::compare(a, b).ok_or_else(|| {
        let longer = if number::compare(a, "1").is_none() {
            a
        } else {
            b
        };
        Undecided::Exponent(crate::text::head(longer, 100).to_owned())
    })
}

fn same_text(a: Text<'_>, b: Text<'_>, budget: &mut Budget) -> Result<bool, Undecided> {
    budget.spend_bytes(a.size().min(b.size()))?;
    Ok(a.same(b))
}

/// Of as many members each.
fn objects(mut a: Members<'_>, mut b: Members<'_>, budget: &mut Budget) -> Result<bool, Undecided> {
    // Most answers keep one order; only from the first difference on are keys sorted.
    loop {
        let (rest_a, rest_b) = (a.clone(), b.clone());
        let (Some((key_a, value_a)), Some((key_b, value_b))) = (a.next(), b.next()) else {
            return Ok(true);
        };
        if !same_text(key_a.string(), key_b.string(), budget)? {
            return sorted(rest_a, rest_b, budget);
        }
        if !same(value_a, value_b, budget)? {
            return Ok(false);
        }
    }
}

fn sorted(a: Members<'_>, b: Members<'_>, budget: &mut Budget) -> Result<bool, Undecided> {
    let (a, b) = (by_key(a, budget)?, by_key(b, budget)?);
    for ((within_a, a), (within_b, b)) in a.iter().zip(b.iter()) {
        if !same_text(within_a.string(), within_b.string(), budget)? || !same(a, b, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}

struct ByKey<'d> {
    any: Option<Node<'d>>,
    keys: Vec<u32>,
}

impl<'d> ByKey<'d> {
    fn iter(&self) -> impl Iterator<Item = (Node<'d>, Node<'d>)> {
        let any = self.any;
        self.keys.iter().filter_map(move |key| {
            let key = any?.at(*key);
            Some((key, key.at(key.next())))
        })
    }
}

/// Four bytes a key, so that comparing takes less memory than the document itself.
fn by_key<'d>(members: Members<'d>, budget: &mut Budget) -> Result<ByKey<'d>, Undecided> {
    let any = members.clone().next().map(|(key, _)| key);
    let total = members.total();
    let mut keys = Vec::with_capacity(total);
    for (key, _) in members {
        // Each key is compared about as often as the count has binary digits.
        budget.spend_bytes(key.string().size() * (total.ilog2() as usize + 1))?;
        keys.push(key.index);
    }
    if let Some(any) = any {
        keys.sort_unstable_by(|a, b| any.at(*a).string().compare(any.at(*b).string()));
    }
    Ok(ByKey { any, keys })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    fn equal(left: &str, right: &str) -> Result<bool, Undecided> {
        let (left, right) = (
            Document::parse(left).unwrap(),
            Document::parse(right).unwrap(),
        );
        same(left.root(), right.root(), &mut Budget::default())
    }

    #[test]
    fn values_are_equal_by_what_they_mean() {
        for [left, right] in [
            ["7", "7.0"],
            [
                r#"{ "a": [1.0, {}], "b": null }"#,
                r#"{"b":null,"a":[1,{}]}"#,
            ],
            [r#""\u0061\ud83d\ude00""#, r#""a😀""#],
            [r#"{"\u0061":1,"c":2,"b":3}"#, r#"{"a":1,"b":3,"c":2}"#],
            [r#"["\ud800"]"#, r#"["\ud800"]"#],
        ] {
            assert_eq!(equal(left, right), Ok(true), "{left} {right}");
        }
        for [left, right] in [
            ["18446744073709551615", "18446744073709551614"],
            ["[36893488147419103232]", "[36893488147419103233]"],
            ["7", "\"7\""],
            ["null", "0"],
            ["[]", "{}"],
            ["[1,2]", "[2,1]"],
            ["[1]", "[1,1]"],
            [r#"{"a":1,"b":2}"#, r#"{"a":1,"c":2}"#],
            [r#"{"a":1,"b":2}"#, r#"{"b":1,"a":2}"#],
            [r#""\ud800""#, r#""\ufffd""#],
            ["true", "false"],
        ] {
            assert_eq!(equal(left, right), Ok(false), "{left} {right}");
        }
    }

    #[test]
    fn what_can_not_be_compared_is_undecided() {
        insta::assert_snapshot!(
            equal("1e1000000000000000000000", "2").unwrap_err(),
            @"1e1000000000000000000000 can't be compared exactly: its exponent has more than 18 digits"
        );
        assert!(matches!(
            equal(r#"{"a":1,"a":1}"#, r#"{"a":1,"a":1}"#),
            Err(Undecided::DuplicateKey { .. })
        ));
    }

    #[test]
    fn comparing_is_bounded() {
        let keys = |numbers: &mut dyn Iterator<Item = u32>| {
            let members: Vec<String> = numbers.map(|n| format!("\"key{n}\":{n}")).collect();
            format!("{{{}}}", members.join(","))
        };
        let (up, down) = (keys(&mut (0..20_000)), keys(&mut (0..20_000).rev()));
        assert_eq!(equal(&up, &down), Ok(true));
        let (a, b) = (
            Document::parse(&*up).unwrap(),
            Document::parse(&*down).unwrap(),
        );
        assert_eq!(
            same(a.root(), b.root(), &mut Budget::new(1_000)),
            Err(Undecided::Steps)
        );
    }
}
