//! Amazon Resource Names, and where what they name is.

use serde::{Deserialize, Serialize};
pub use text::arn::{Arn, function_name, last_name};

/// An account and a region.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Twelve digits.
    pub account: String,
    /// Such as `eu-central-1`.
    pub region: String,
}

impl Place {
    /// Where a function with this ARN runs: `arn:aws:lambda:REGION:ACCOUNT:function:NAME`.
    pub fn of_function(arn: &str) -> Option<Self> {
        let arn = Arn::parse(arn).filter(|arn| arn.service == "lambda")?;
        let known = !arn.region.is_empty() && !arn.account.is_empty();
        known.then(|| Self {
            account: arn.account.to_owned(),
            region: arn.region.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_says_where_the_function_runs() {
        let arn = "arn:aws:lambda:eu-central-1:111122223333:function:env-scheduler:live";
        let at = Place::of_function(arn).unwrap();
        assert_eq!(
            (&*at.account, &*at.region),
            ("111122223333", "eu-central-1")
        );
        for wrong in [
            "",
            "env-scheduler",
            "arn:aws:sns:eu-central-1:1:x",
            "arn:aws:lambda:::f:x",
        ] {
            assert_eq!(Place::of_function(wrong), None, "{wrong:?}");
        }
    }
}
