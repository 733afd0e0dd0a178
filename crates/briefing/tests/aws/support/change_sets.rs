//! Change sets as `DescribeChangeSet` writes them.

use std::collections::HashMap;
use std::fmt::Write;

/// A change set.
#[derive(Debug, Clone, Default)]
pub struct Set {
    pub id: String,
    pub resources: Vec<Resource>,
}

/// A resource that changes.
#[derive(Debug, Clone, Default)]
pub struct Resource {
    pub action: &'static str,
    pub id: String,
    pub kind: &'static str,
    pub replacement: &'static str,
    /// The change set of a nested stack.
    pub nested: Option<String>,
    pub details: Vec<Detail>,
}

/// What changes about it: name, requires recreation, before, after.
pub type Detail = (&'static str, &'static str, String, String);

impl Resource {
    pub fn new(action: &'static str, id: &str, kind: &'static str) -> Self {
        Self {
            action,
            id: id.to_owned(),
            kind,
            replacement: if action == "Modify" { "False" } else { "" },
            ..Self::default()
        }
    }

    pub fn replaced(mut self, replacement: &'static str) -> Self {
        self.replacement = replacement;
        self
    }

    pub fn with(mut self, name: &'static str, recreates: &'static str, values: [&str; 2]) -> Self {
        let [before, after] = values.map(str::to_owned);
        self.details.push((name, recreates, before, after));
        self
    }

    pub fn nesting(mut self, arn: &str) -> Self {
        self.nested = Some(arn.to_owned());
        self
    }

    fn xml(&self) -> String {
        let mut xml = String::new();
        for (name, value) in [
            ("Action", self.action),
            ("LogicalResourceId", &self.id),
            ("ResourceType", self.kind),
            ("Replacement", self.replacement),
            ("ChangeSetId", self.nested.as_deref().unwrap_or_default()),
        ] {
            element(&mut xml, name, value);
        }
        let mut details = String::new();
        for (name, recreates, before, after) in &self.details {
            let mut target = String::from("<Attribute>Properties</Attribute>");
            for (key, value) in [
                ("Name", *name),
                ("RequiresRecreation", recreates),
                ("BeforeValue", before),
                ("AfterValue", after),
            ] {
                element(&mut target, key, value);
            }
            let _ = write!(details, "<member><Target>{target}</Target></member>");
        }
        format!(
            "<member><Type>Resource</Type><ResourceChange>{xml}<Details>{details}</Details>\
             </ResourceChange></member>"
        )
    }
}

fn element(xml: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        let value = value
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let _ = write!(xml, "<{name}>{value}</{name}>");
    }
}

/// Which change set a call is about: `STACK/NAME`, or an ARN.
pub(super) fn about(form: &HashMap<String, String>) -> String {
    let name = form.get("ChangeSetName").cloned().unwrap_or_default();
    match form.get("StackName") {
        Some(stack) => format!("{stack}/{name}"),
        None => name,
    }
}

impl Set {
    /// One page, of `size` changes; 0: all.
    pub(super) fn page(&self, form: &HashMap<String, String>, size: usize) -> String {
        assert_eq!(form["IncludePropertyValues"], "true");
        let from: usize = form
            .get("NextToken")
            .map_or(0, |token| token.parse().unwrap());
        let size = if size == 0 { usize::MAX } else { size };
        let left = self.resources.iter().skip(from);
        let changes: String = left.take(size).map(Resource::xml).collect();
        let next = from.saturating_add(size);
        let token = if next < self.resources.len() {
            format!("<NextToken>{next}</NextToken>")
        } else {
            String::new()
        };
        format!(
            "<DescribeChangeSetResponse><DescribeChangeSetResult>\
             <ChangeSetId>{}</ChangeSetId><Status>CREATE_COMPLETE</Status>\
             <Changes>{changes}</Changes>{token}\
             </DescribeChangeSetResult></DescribeChangeSetResponse>",
            self.id
        )
    }
}
