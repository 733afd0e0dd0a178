//! Amazon Resource Names, taken apart.

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
        parts
            .next()
            .filter(|scheme| scheme.eq_ignore_ascii_case("arn"))?;
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

/// The name of a Lambda function that is named by its name or its ARN, with or without a version or an alias.
pub fn function_name(named: &str) -> &str {
    let name = named
        .split_once(":function:")
        .map_or(named, |(_, rest)| rest);
    name.split(':').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_function_is_named_by_its_name_or_its_arn() {
        for named in [
            "gate",
            "gate:live",
            "arn:aws:lambda:eu-west-1:111122223333:function:gate",
            "arn:aws:lambda:eu-west-1:111122223333:function:gate:7",
        ] {
            assert_eq!(function_name(named), "gate", "{named}");
        }
    }
}
