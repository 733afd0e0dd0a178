//! A `taskdef.json` as `CodePipeline`'s action `CodeDeployToECS` has it: a task definition with placeholders for images.
//!
//! Pure: text and images in, what is registered or all problems out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::fields;

/// What describe-task-definition says beyond what can be registered.
const ADDED_BY_DESCRIBE: &[&str] = &[
    "compatibilities",
    "deleteRequestedAt",
    "deregisteredAt",
    "registeredAt",
    "registeredBy",
    "requiresAttributes",
    "revision",
    "status",
    "taskDefinitionArn",
];

/// How whoever deploys gives images: the remedies name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// By the options `--image` and `--image-detail`.
    CommandLine,
    /// By the keys `images` and `image_detail` of `UserParameters`.
    Pipeline,
}

impl Caller {
    fn image(self, name: &str) -> String {
        match self {
            Self::CommandLine => format!("--image '{name}=…'"),
            Self::Pipeline => format!(r#""images": {{"{name}": "…"}}"#),
        }
    }

    fn image_detail(self) -> &'static str {
        match self {
            Self::CommandLine => "--image-detail",
            Self::Pipeline => "image_detail",
        }
    }
}

/// What is put in for placeholders.
#[derive(Debug)]
pub struct Images {
    /// How they were given.
    pub caller: Caller,
    /// By the name of the placeholder, without `<` and `>`.
    pub named: BTreeMap<String, String>,
    /// `ImageURI` of an `imageDetail.json`: for the one placeholder of an image that has no value.
    pub detail: Option<String>,
}

/// The task definition that is registered, or everything that is wrong with it.
pub fn fill(
    text: &str,
    images: &Images,
    allow_unknown: bool,
) -> Result<Map<String, Value>, Vec<String>> {
    let text = text.trim_start_matches('\u{feff}');
    let value: Value =
        serde_json::from_str(text).map_err(|error| vec![format!("it is not JSON: {error}")])?;
    let mut definition = unwrapped(value)?;
    for field in ADDED_BY_DESCRIBE {
        definition.remove(*field);
    }
    let mut found = Placeholders::default();
    found.of_object(&definition);
    let mut problems = Vec::new();
    let values = values(&found, images, &mut problems);
    for name in found.all.iter().filter(|name| !values.contains_key(*name)) {
        problems.push(format!(
            "{}<{name}> has no value; say {}",
            lines_of(text, name),
            images.caller.image(name)
        ));
    }
    for value in definition.values_mut() {
        replace(value, &values);
    }
    problems.extend(fields::problems(&definition, allow_unknown));
    if problems.is_empty() {
        Ok(definition)
    } else {
        Err(problems)
    }
}

/// An answer of describe-task-definition is taken as it is, with its tags.
fn unwrapped(value: Value) -> Result<Map<String, Value>, Vec<String>> {
    let Value::Object(mut whole) = value else {
        return Err(vec![
            "it is no object; a task definition begins with {".to_owned(),
        ]);
    };
    let described = whole.remove("taskDefinition");
    let Some(Value::Object(mut definition)) = described else {
        whole.extend(described.map(|other| ("taskDefinition".to_owned(), other)));
        return Ok(whole);
    };
    let tags = whole.remove("tags");
    if let Some(key) = whole.keys().next() {
        return Err(vec![format!("{key}: no such field beside taskDefinition")]);
    }
    let tags = tags.filter(|tags| tags.as_array().is_some_and(|tags| !tags.is_empty()));
    definition.extend(tags.map(|tags| ("tags".to_owned(), tags)));
    Ok(definition)
}

fn values(
    found: &Placeholders,
    images: &Images,
    problems: &mut Vec<String>,
) -> BTreeMap<String, String> {
    let mut values = images.named.clone();
    let mut free = found
        .in_images
        .iter()
        .filter(|name| !values.contains_key(*name));
    let first = (free.next(), free.next());
    if let Some(uri) = &images.detail {
        match first {
            (Some(name), None) => {
                let name = name.clone();
                values.insert(name, uri.clone());
            }
            (None, _) => problems.push(format!(
                "no image has a placeholder for the image of {}, such as <IMAGE1_NAME>",
                images.caller.image_detail()
            )),
            (Some(one), Some(other)) => problems.push(format!(
                "{} could be for <{one}> or <{other}>; say {} for all but one",
                images.caller.image_detail(),
                images.caller.image("NAME")
            )),
        }
    }
    let all = || found.texts.iter();
    for name in images.named.keys() {
        if !all().any(|text| text.contains(&format!("<{name}>"))) {
            problems.push(format!(
                "{}: there is no <{name}>",
                images.caller.image(name)
            ));
        }
    }
    values
}

/// Which placeholders there are.
#[derive(Default)]
struct Placeholders {
    all: BTreeSet<String>,
    /// Those in the `image` of a container.
    in_images: BTreeSet<String>,
    texts: Vec<String>,
}

impl Placeholders {
    fn of_object(&mut self, object: &Map<String, Value>) {
        for (key, value) in object {
            self.of_value(value, key == "image");
        }
    }

    fn of_value(&mut self, value: &Value, is_image: bool) {
        match value {
            Value::String(text) => {
                // No image has such a sign; a command may well: `cat < file`.
                let names = names_in(text).filter(|name| is_image || is_constant(name));
                for name in names {
                    self.all.insert(name.to_owned());
                    if is_image {
                        self.in_images.insert(name.to_owned());
                    }
                }
                if text.contains('<') {
                    self.texts.push(text.clone());
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.of_value(item, is_image)),
            Value::Object(object) => self.of_object(object),
            _ => {}
        }
    }
}

/// What stands between `<` and `>`.
fn names_in(text: &str) -> impl Iterator<Item = &str> {
    text.split('<').skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('>')?;
        (!name.is_empty()).then_some(name)
    })
}

/// `IMAGE1_NAME`
fn is_constant(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// `line 3: `, `lines 3 and 8: `
fn lines_of(text: &str, name: &str) -> String {
    let wanted = format!("<{name}>");
    let numbers: Vec<String> = text
        .lines()
        .enumerate()
        // Some writers escape these signs.
        .filter(|(_, line)| {
            let line = line
                .replace("\\u003c", "<")
                .replace("\\u003C", "<")
                .replace("\\u003e", ">")
                .replace("\\u003E", ">");
            line.contains(&wanted)
        })
        .map(|(index, _)| (index + 1).to_string())
        .collect();
    match numbers.as_slice() {
        [] => String::new(),
        [one] => format!("line {one}: "),
        [first @ .., last] => format!("lines {} and {last}: ", first.join(", ")),
    }
}

fn replace(value: &mut Value, values: &BTreeMap<String, String>) {
    match value {
        Value::String(text) if text.contains('<') => {
            for (name, image) in values {
                *text = text.replace(&format!("<{name}>"), image);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, values)),
        Value::Object(object) => object.values_mut().for_each(|item| replace(item, values)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const URI: &str = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop@sha256:1";

    fn images(named: &[(&str, &str)], detail: Option<&str>) -> Images {
        let named = named
            .iter()
            .map(|(name, uri)| ((*name).to_owned(), (*uri).to_owned()));
        Images {
            caller: Caller::CommandLine,
            named: named.collect(),
            detail: detail.map(str::to_owned),
        }
    }

    fn taskdef(image: &str) -> Value {
        json!({"family": "shop", "containerDefinitions": [{"name": "shop", "image": image}]})
    }

    #[test]
    fn the_one_placeholder_gets_the_image_of_the_detail() {
        let text = taskdef("<IMAGE1_NAME>").to_string();
        let filled = fill(&text, &images(&[], Some(URI)), false).unwrap();
        assert_eq!(Value::Object(filled), taskdef(URI));
        let text = taskdef("registry.example/shop:<TAG>").to_string();
        let filled = fill(&text, &images(&[("TAG", "2.0.0")], None), false).unwrap();
        assert_eq!(
            Value::Object(filled),
            taskdef("registry.example/shop:2.0.0")
        );
    }

    #[test]
    fn what_describe_adds_is_dropped_and_its_tags_are_kept() {
        let mut described = taskdef("shop:1");
        for field in ADDED_BY_DESCRIBE {
            described[*field] = json!("added");
        }
        let text = json!({"taskDefinition": described, "tags": [{"key": "a", "value": "b"}]});
        let filled = fill(&text.to_string(), &images(&[], None), false).unwrap();
        assert_eq!(filled["tags"][0]["key"], "a");
        assert_eq!(filled.len(), 3);
    }

    #[test]
    fn all_problems_are_told_at_once_with_their_lines() {
        let text = r#"{
  "family": "shop",
  "executionRoleArn": "arn:aws:iam::<ACCOUNT_ID>:role/shop",
  "containerDefinitions": [
    {"name": "shop", "image": "\u003cIMAGE1_NAME\u003e", "command": ["sh", "-c", "cat <in >out"]},
    {"name": "proxy", "image": "<proxy>", "ports": []}
  ]
}"#;
        let given = images(&[("IMAGE3_NAME", "a")], Some(URI));
        insta::assert_snapshot!(fill(text, &given, false).unwrap_err().join("\n"), @"
        --image-detail could be for <IMAGE1_NAME> or <proxy>; say --image 'NAME=…' for all but one
        --image 'IMAGE3_NAME=…': there is no <IMAGE3_NAME>
        line 3: <ACCOUNT_ID> has no value; say --image 'ACCOUNT_ID=…'
        line 5: <IMAGE1_NAME> has no value; say --image 'IMAGE1_NAME=…'
        line 6: <proxy> has no value; say --image 'proxy=…'
        containerDefinitions[1].ports: no such field in a task definition
        ");
        insta::assert_snapshot!(fill(&taskdef("shop:1").to_string(), &images(&[], Some(URI)), false).unwrap_err().join("\n"), @"no image has a placeholder for the image of --image-detail, such as <IMAGE1_NAME>");
        insta::assert_snapshot!(fill("{\"family\": <IMAGE1_NAME>}", &given, false).unwrap_err().join("\n"), @"it is not JSON: expected value at line 1 column 12");
        assert!(fill("[]", &given, false).is_err());
    }

    #[test]
    fn a_text_that_only_looks_like_a_placeholder_can_be_kept() {
        let mut definition = taskdef("shop:1");
        definition["containerDefinitions"][0]["command"] = json!(["cat <<EOF <EOF>"]);
        let text = definition.to_string();
        assert!(fill(&text, &images(&[], None), false).is_err());
        let kept = fill(&text, &images(&[("EOF", "<EOF>")], None), false).unwrap();
        assert_eq!(Value::Object(kept), definition);
    }
}
