//! `UserParameters` of the action: JSON that says what is deployed where. All problems are reported together.

use std::collections::BTreeMap;
use std::time::Duration;

use common::provenance::{is_commit, is_execution};
use ecs_deploy::deployment::LIFECYCLE_STAGES;
use serde_json::{Map, Value};

const EXAMPLE: &str = r#"{"cluster":"production","service":"shop","task_definition":"build::taskdef.json","image_detail":"image::imageDetail.json"}"#;
const PARAMETER_KEYS: [&str; 10] = [
    "cluster",
    "service",
    "task_definition",
    "image_detail",
    "images",
    "until",
    "timeout",
    "allow_unknown_fields",
    "commit",
    "pipeline_execution_id",
];
/// A job lives for a day, all continuations together.
const MAX_TIMEOUT: Duration = Duration::from_hours(23);

/// What the action asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) cluster: String,
    pub(crate) service: String,
    /// `build::taskdef.json`, or `taskdef.json` in the one artifact that has it.
    pub(crate) task_definition: FilePath,
    /// For the one placeholder of an image that is not in `images`.
    pub(crate) image_detail: Option<FilePath>,
    /// By the names of placeholders.
    pub(crate) images: BTreeMap<String, String>,
    /// The action succeeds once this lifecycle stage has begun.
    pub(crate) until: Option<String>,
    /// How long the deployment is followed.
    pub(crate) timeout: Duration,
    /// Whether fields are registered that this version does not know.
    pub(crate) allow_unknown_fields: bool,
    /// What was built, for the tags of the task definition.
    pub(crate) commit: Option<String>,
    /// The execution of the pipeline, likewise.
    pub(crate) pipeline_execution_id: Option<String>,
}

/// A file in an input artifact, as `CodePipeline` writes it elsewhere: `artifact::path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilePath {
    /// None: that artifact which has the file.
    pub(crate) artifact: Option<String>,
    pub(crate) path: String,
}

impl FilePath {
    fn of(text: &str) -> Self {
        match text.split_once("::") {
            Some((artifact, path)) => Self {
                artifact: Some(artifact.to_owned()),
                path: path.to_owned(),
            },
            None => Self {
                artifact: None,
                path: text.to_owned(),
            },
        }
    }
}

impl Parameters {
    pub(crate) fn read(text: &str) -> Result<Self, Vec<String>> {
        let Ok(Value::Object(object)) = serde_json::from_str::<Value>(text) else {
            return Err(vec![format!(
                "the action's UserParameters are no JSON object; write, for example, {EXAMPLE}"
            )]);
        };
        let mut problems = Vec::new();
        for key in object
            .keys()
            .filter(|key| !PARAMETER_KEYS.contains(&key.as_str()))
        {
            let meant = text::words::nearest(key, PARAMETER_KEYS)
                .map_or_else(String::new, |near| format!("; did you mean {near}?"));
            problems.push(format!("unknown key {key:?}{meant}"));
        }
        let mut reader = Reader {
            object: &object,
            problems: &mut problems,
        };
        let cluster = reader.required("cluster");
        let service = reader.required("service");
        let task_definition = reader.text("task_definition");
        let image_detail = reader.text("image_detail");
        let images = reader.images();
        let until = reader.until();
        let timeout = reader.timeout();
        let allow_unknown_fields = reader.flag("allow_unknown_fields");
        let commit = reader.id("commit", is_commit, "a commit's hash: #{Source.CommitId}");
        let pipeline_execution_id = reader.id(
            "pipeline_execution_id",
            is_execution,
            "#{codepipeline.PipelineExecutionId}",
        );
        if !problems.is_empty() {
            let of_parameters = |problem| format!("UserParameters: {problem}");
            let example = format!("write, for example, {EXAMPLE}");
            return Err(problems
                .into_iter()
                .map(of_parameters)
                .chain([example])
                .collect());
        }
        Ok(Self {
            cluster,
            service,
            task_definition: FilePath::of(task_definition.as_deref().unwrap_or("taskdef.json")),
            image_detail: image_detail.as_deref().map(FilePath::of),
            images,
            until,
            timeout,
            allow_unknown_fields,
            commit,
            pipeline_execution_id,
        })
    }
}

struct Reader<'a> {
    object: &'a Map<String, Value>,
    problems: &'a mut Vec<String>,
}

impl Reader<'_> {
    fn text(&mut self, key: &str) -> Option<String> {
        match self.object.get(key)? {
            Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
            Value::String(_) | Value::Null => None,
            _ => {
                self.problems.push(format!("{key} is not a string"));
                None
            }
        }
    }

    fn required(&mut self, key: &str) -> String {
        let before = self.problems.len();
        let text = self.text(key).unwrap_or_default();
        if text.is_empty() && self.problems.len() == before {
            self.problems.push(format!("{key} is missing"));
        }
        text
    }

    fn id(&mut self, key: &str, is: fn(&str) -> bool, expected: &str) -> Option<String> {
        let text = self.text(key)?;
        if !is(text.trim()) {
            self.problems
                .push(format!("{key} is {text:?}; expected {expected}"));
            return None;
        }
        Some(text.trim().to_owned())
    }

    fn flag(&mut self, key: &str) -> bool {
        match self.object.get(key) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.problems.push(format!("{key} is not true or false"));
                false
            }
        }
    }

    fn images(&mut self) -> BTreeMap<String, String> {
        const EXPECTED: &str = r#"images is not an object of image addresses, such as {"IMAGE1_NAME": "registry.example/shop:2.0.0"}"#;
        let object = match self.object.get("images") {
            None | Some(Value::Null) => return BTreeMap::new(),
            Some(Value::Object(object)) => object,
            Some(_) => {
                self.problems.push(EXPECTED.to_owned());
                return BTreeMap::new();
            }
        };
        let images: BTreeMap<_, _> = object
            .iter()
            .filter_map(|(name, value)| {
                let name = name.trim_start_matches('<').trim_end_matches('>');
                Some((name.to_owned(), value.as_str()?.to_owned()))
            })
            .collect();
        if images.len() < object.len() {
            self.problems.push(EXPECTED.to_owned());
        }
        images
    }

    fn until(&mut self) -> Option<String> {
        let stage = self.text("until")?;
        if LIFECYCLE_STAGES.contains(&stage.as_str()) {
            return Some(stage);
        }
        self.problems.push(format!(
            "until is {stage:?}; expected one of {}",
            LIFECYCLE_STAGES.join(", ")
        ));
        None
    }

    fn timeout(&mut self) -> Duration {
        let Some(written) = self.text("timeout") else {
            return MAX_TIMEOUT;
        };
        let read = written.parse::<jiff::SignedDuration>().ok();
        let read = read.and_then(|read| Duration::try_from(read).ok());
        let fits = |read: &Duration| !read.is_zero() && *read <= MAX_TIMEOUT;
        read.filter(fits).unwrap_or_else(|| {
            self.problems.push(format!(
                "timeout is {written:?}; expected a time such as 4h or 90m, at most 23h, as CodePipeline ends a job after a day"
            ));
            MAX_TIMEOUT
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_parameters_are_read() {
        let read = Parameters::read(EXAMPLE).unwrap();
        assert_eq!(read.cluster, "production");
        assert_eq!(read.task_definition, FilePath::of("build::taskdef.json"));
        assert_eq!(read.task_definition.artifact.as_deref(), Some("build"));
        assert_eq!(read.timeout, MAX_TIMEOUT);
        let least = Parameters::read(r#"{"cluster":"a","service":"b"}"#).unwrap();
        assert_eq!(least.task_definition.path, "taskdef.json");
        assert_eq!(least.task_definition.artifact, None);
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let wrong = r#"{"service":7,"task_definiton":"x","images":["a"],"until":"BAKED","timeout":"2d","allow_unknown_fields":"yes"}"#;
        insta::assert_snapshot!(Parameters::read(wrong).unwrap_err().join("\n"), @r#"
        UserParameters: unknown key "task_definiton"; did you mean task_definition?
        UserParameters: cluster is missing
        UserParameters: service is not a string
        UserParameters: images is not an object of image addresses, such as {"IMAGE1_NAME": "registry.example/shop:2.0.0"}
        UserParameters: until is "BAKED"; expected one of RECONCILE_SERVICE, PRE_SCALE_UP, SCALE_UP, POST_SCALE_UP, TEST_TRAFFIC_SHIFT, POST_TEST_TRAFFIC_SHIFT, PRODUCTION_TRAFFIC_SHIFT, POST_PRODUCTION_TRAFFIC_SHIFT, BAKE_TIME, CLEAN_UP
        UserParameters: timeout is "2d"; expected a time such as 4h or 90m, at most 23h, as CodePipeline ends a job after a day
        UserParameters: allow_unknown_fields is not true or false
        write, for example, {"cluster":"production","service":"shop","task_definition":"build::taskdef.json","image_detail":"image::imageDetail.json"}
        "#);
        insta::assert_snapshot!(Parameters::read("shop").unwrap_err().join("\n"), @r#"the action's UserParameters are no JSON object; write, for example, {"cluster":"production","service":"shop","task_definition":"build::taskdef.json","image_detail":"image::imageDetail.json"}"#);
    }
}
