//! Equal elements of a list, for `uniqueItems`: only those are compared that have the same fingerprint, as comparing each
//! with each takes too long from some thousands on. A fingerprint decides nothing; whoever chooses a body can't foresee it.

use std::hash::{BuildHasher, RandomState};

use exact_json::{Budget, Elements, Node, Undecided, View, same};

/// Elements of a list that are compared: what is kept of them takes memory.
pub(super) const MAX_UNIQUE: usize = 50_000;

/// The places of two elements that are equal: of the first one that was there before.
pub(super) fn equal_elements(
    elements: Elements<'_>,
    budget: &mut Budget,
) -> Result<Option<(usize, usize)>, Undecided> {
    let hasher = RandomState::new();
    let mut known = Vec::with_capacity(elements.total());
    for (place, element) in elements.enumerate() {
        known.push((fingerprint(element, &hasher, budget)?, place, element));
    }
    // A number whose exponent is beyond every bound may be equal to any other: then each is compared with each.
    if known.iter().any(|(fingerprint, ..)| fingerprint.is_none()) {
        for (fingerprint, ..) in &mut known {
            *fingerprint = None;
        }
    }
    known.sort_unstable_by_key(|(fingerprint, place, _)| (*fingerprint, *place));
    let mut first: Option<(usize, usize)> = None;
    for alike in known.chunk_by(|(one, ..), (other, ..)| one == other) {
        if let Some(found) = equal_among(alike, budget)?
            && first.is_none_or(|(_, other)| found.1 < other)
        {
            first = Some(found);
        }
    }
    Ok(first)
}

type Known<'d> = (Option<u64>, usize, Node<'d>);

fn equal_among(
    alike: &[Known<'_>],
    budget: &mut Budget,
) -> Result<Option<(usize, usize)>, Undecided> {
    for (further, (_, place, element)) in alike.iter().enumerate() {
        for (_, before, other) in &alike[..further] {
            if same(*other, *element, budget)? {
                return Ok(Some((*before, *place)));
            }
        }
    }
    Ok(None)
}

/// The same for equal values. None where a number is beyond every bound.
fn fingerprint(
    value: Node<'_>,
    hasher: &RandomState,
    budget: &mut Budget,
) -> Result<Option<u64>, Undecided> {
    budget.spend(1)?;
    Ok(match value.view() {
        View::Null => Some(hasher.hash_one(0)),
        View::Bool(value) => Some(hasher.hash_one((1, value))),
        View::Number(text) => {
            budget.spend_bytes(text.len())?;
            canonical(text).map(|number| hasher.hash_one((2, number)))
        }
        View::String(text) => {
            budget.spend_bytes(text.size())?;
            // Half of a surrogate pair is no text, and is compared as it is.
            Some(hasher.hash_one((3, text.decode().ok())))
        }
        View::Array(elements) => {
            let mut of_all = hasher.hash_one((4, elements.total()));
            for element in elements {
                let Some(one) = fingerprint(element, hasher, budget)? else {
                    return Ok(None);
                };
                of_all = hasher.hash_one((of_all, one));
            }
            Some(of_all)
        }
        View::Object(members) => {
            // Whatever their order.
            let mut of_all = 0_u64;
            for (key, member) in members.unique()? {
                let key = fingerprint(key, hasher, budget)?;
                let (Some(key), Some(member)) = (key, fingerprint(member, hasher, budget)?) else {
                    return Ok(None);
                };
                of_all = of_all.wrapping_add(hasher.hash_one((key, member)));
            }
            Some(hasher.hash_one((5, of_all)))
        }
    })
}

/// The sign, the digits without zeros around them, and the exponent of a number: the same for equal ones.
fn canonical(number: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let negative = mantissa.starts_with('-');
    let mantissa = mantissa.trim_start_matches('-');
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let short = digits.trim_end_matches('0');
    if short.is_empty() {
        return Some((false, String::new(), 0));
    }
    let zeros = i64::try_from(digits.len() - short.len()).ok()?;
    let places = i64::try_from(fraction.len()).ok()?;
    let exponent = exponent.parse::<i64>().ok()?;
    let exponent = exponent.checked_add(zeros)?.checked_sub(places)?;
    Some((negative, short.to_owned(), exponent))
}

#[cfg(test)]
mod tests {
    use exact_json::Document;

    use super::*;

    fn equal(list: &str) -> Option<(usize, usize)> {
        let document = Document::parse(list.to_owned()).unwrap();
        let View::Array(elements) = document.root().view() else {
            panic!("{list}");
        };
        equal_elements(elements, &mut Budget::default()).unwrap()
    }

    #[test]
    fn equal_ones_are_found_however_they_are_written() {
        for (list, found) in [
            ("[1, 2, 1.0, 2]", Some((0, 2))),
            ("[100, 1e2]", Some((0, 1))),
            ("[0.10, 10e-2]", Some((0, 1))),
            ("[0, -0.0e5]", Some((0, 1))),
            (r#"["\u0061", "a"]"#, Some((0, 1))),
            (r#"[{"a":1,"b":[2]}, 7, {"b":[2.0],"a":1}]"#, Some((0, 2))),
            (
                r#"[1, "1", [1], {"1":1}, -1, true, null, [], {}, "", 0.1, 10]"#,
                None,
            ),
            ("[[1,2],[2,1]]", None),
            ("[9007199254740993, 9007199254740992]", None),
        ] {
            assert_eq!(equal(list), found, "{list}");
        }
    }

    #[test]
    fn an_object_with_a_key_twice_is_not_taken_for_another_one() {
        let document = Document::parse(r#"[{"a":1,"a":2}, {"a":2}]"#.to_owned()).unwrap();
        let View::Array(elements) = document.root().view() else {
            panic!("it is a list");
        };
        assert!(equal_elements(elements, &mut Budget::default()).is_err());
    }
}
