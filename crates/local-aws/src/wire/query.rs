//! The AWS query protocol's input: a flat form whose dotted keys spell structures and lists.

use std::collections::BTreeMap;

use url::form_urlencoded;

/// The parameters of a call, or of one structure in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryParams {
    values: BTreeMap<String, String>,
}

impl QueryParams {
    /// Reads a form body or a query string.
    pub fn parse(form: &[u8]) -> Self {
        form_urlencoded::parse(form).into_owned().collect()
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A list of plain values: `Names.member.1=…`.
    pub fn list(&self, name: &str) -> Vec<String> {
        self.members(name)
            .iter()
            .filter_map(|member| member.get("").map(str::to_owned))
            .collect()
    }

    /// A structure: `Matcher.HttpCode=…`; empty when the caller sent none.
    #[must_use]
    pub fn structure(&self, name: &str) -> Self {
        self.below(&format!("{name}."))
    }

    /// A list of structures: `Targets.member.1.Id=…`, in the order of the indices.
    pub fn members(&self, name: &str) -> Vec<Self> {
        let mut members: BTreeMap<u32, Self> = BTreeMap::new();
        for (key, value) in self.below(&format!("{name}.member.")).values {
            let (index, rest) = key.split_once('.').unwrap_or((&key, ""));
            if let Ok(index) = index.parse() {
                members
                    .entry(index)
                    .or_default()
                    .values
                    .insert(rest.to_owned(), value);
            }
        }
        members.into_values().collect()
    }

    /// Whether nothing was sent.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    fn below(&self, prefix: &str) -> Self {
        let below = self.values.range(prefix.to_owned()..);
        below
            .map_while(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value.clone())))
            .collect()
    }
}

impl FromIterator<(String, String)> for QueryParams {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(values: I) -> Self {
        Self {
            values: values.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_structures_are_read_as_boto3_writes_them() {
        let params = QueryParams::parse(
            b"Action=CreateListener&Port=80&DefaultActions.member.1.Type=forward\
              &DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn=a%3Ab\
              &DefaultActions.member.1.ForwardConfig.TargetGroups.member.2.TargetGroupArn=c\
              &DefaultActions.member.1.ForwardConfig.TargetGroups.member.2.Weight=10",
        );
        let actions = params.members("DefaultActions");
        assert_eq!(actions.len(), 1);
        let groups = actions[0]
            .structure("ForwardConfig")
            .members("TargetGroups");
        assert_eq!(groups[0].get("TargetGroupArn"), Some("a:b"));
        assert_eq!(groups[0].get("Weight"), None);
        assert_eq!(groups[1].get("Weight"), Some("10"));
    }

    #[test]
    fn the_tenth_member_stands_after_the_ninth() {
        let form: Vec<String> = (1..=10).map(|n| format!("Names.member.{n}=n{n}")).collect();
        let form = form.join("&");
        let names = QueryParams::parse(form.as_bytes()).list("Names");
        assert_eq!(names.first().map(String::as_str), Some("n1"));
        assert_eq!(names.last().map(String::as_str), Some("n10"));
    }

    #[test]
    fn an_empty_list_as_the_cli_sends_it_has_no_members() {
        assert!(QueryParams::parse(b"Names=").list("Names").is_empty());
    }
}
