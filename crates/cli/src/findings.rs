//! What came of rules, as a table's row and as JSON: for the wiring of a deployment and for an installation.

use ::wiring::Outcome;
use serde_json::{Value, json};

use crate::screen::Style;
use crate::table::Cell;

/// A row of a table. `words` say that the rule holds, and that it does not.
pub(crate) fn row(rule: &str, outcome: &Outcome, words: [&str; 2]) -> [Cell; 3] {
    let (word, style, why) = match outcome {
        Outcome::Held => (words[0], Style::Good, String::new()),
        Outcome::Mismatch(mismatch) => (words[1], Style::Bad, mismatch.to_string()),
        Outcome::Unknown(why) => ("unknown", Style::Careful, why.clone()),
        Outcome::NotJudged(why) => ("not judged", Style::Quiet, why.clone()),
    };
    [
        (rule.to_owned(), None),
        (word.to_owned(), Some(style)),
        (text::clean::line(&why), None),
    ]
}

/// For `--json`. `wrong` is the word for a rule that does not hold.
pub(crate) fn as_json(rule: &str, outcome: &Outcome, wrong: &str) -> Value {
    match outcome {
        Outcome::Held => json!({ "rule": rule, "outcome": "held" }),
        Outcome::Mismatch(mismatch) => json!({
            "rule": rule,
            "outcome": wrong,
            "place": mismatch.place,
            "what": mismatch.what,
            "remedy": mismatch.remedy,
        }),
        Outcome::Unknown(why) => json!({ "rule": rule, "outcome": "unknown", "why": why }),
        Outcome::NotJudged(why) => json!({ "rule": rule, "outcome": "not_judged", "why": why }),
    }
}
