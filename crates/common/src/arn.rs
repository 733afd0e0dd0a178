//! Amazon Resource Names, taken apart, and where what they name is.

use serde::{Deserialize, Serialize};

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`. Any part but the first may be empty; none is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn`, …
    pub partition: &'a str,
    /// `iam`, `sns`, …
    pub service: &'a str,
    /// Empty where the service has none, as IAM.
    pub region: &'a str,
    /// Twelve digits; empty for S3.
    pub account: &'a str,
    /// All that follows, with its colons.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// The parts; none where there are fewer than six.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        parts.next().filter(|scheme| *scheme == "arn")?;
        Some(Self {
            partition: parts.next()?,
            service: parts.next()?,
            region: parts.next()?,
            account: parts.next()?,
            resource: parts.next()?,
        })
    }
}

/// What stands behind the last slash: the name or the id of what an ARN of ECS or IAM means. Another text is its own name.
pub fn last_name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

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

    #[test]
    fn the_last_name_is_behind_the_last_slash() {
        let service = "arn:aws:ecs:eu-west-1:111122223333:service/dev/shop";
        assert_eq!(last_name(service), "shop");
        assert_eq!(last_name("shop"), "shop");
        assert_eq!(last_name(""), "");
    }

    #[test]
    fn an_arn_has_six_parts_and_the_last_keeps_its_colons() {
        let arn = Arn::parse("arn:aws:lambda:eu-west-1:111122223333:function:gate:live").unwrap();
        assert_eq!((arn.service, arn.region), ("lambda", "eu-west-1"));
        assert_eq!(arn.resource, "function:gate:live");
        assert_eq!(Arn::parse("arn:aws:iam::111122223333"), None);
        assert_eq!(Arn::parse("urn:aws:iam::111122223333:role/x"), None);
    }
}
