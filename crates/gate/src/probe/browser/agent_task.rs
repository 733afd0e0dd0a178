//! What a model is to do in a browser, as the suite has it.

use std::collections::BTreeMap;
use std::sync::Arc;

use agent::{Bounds, PageState, Price, Task, TaskValue};

use super::proof::Proof;
use super::step::Step;
use crate::probe::ProbeError;
use crate::redact::Redactor;
use crate::template::{Reference, Template, Values};

/// Tokens of one answer.
const MAX_ANSWER_TOKENS: u32 = 1_000;

/// What a model is to do.
#[derive(Clone, Debug)]
pub(crate) struct AgentTask {
    pub(crate) goal: Template,
    pub(crate) persona: Option<Template>,
    pub(crate) data: Vec<TaskValueTemplate>,
    pub(crate) model: String,
    pub(crate) bounds: Bounds,
    pub(crate) price: Option<Price>,
    /// What judges.
    pub(crate) proof: Proof,
    /// What an earlier run did.
    pub(crate) recorded: Vec<Step>,
    /// The names of all secrets of the suite: none of them is shown to a model.
    pub(crate) secrets: Vec<String>,
}

impl AgentTask {
    pub(crate) fn templates(&self, see: &mut dyn FnMut(&Template)) {
        see(&self.goal);
        self.persona.iter().for_each(&mut *see);
        for datum in &self.data {
            see(&datum.value);
        }
        for step in &self.recorded {
            step.templates(see);
        }
        self.proof.templates(see);
    }

    /// What it does, in a few words.
    pub(crate) fn written(&self) -> Vec<String> {
        let recorded = self.recorded.iter().map(Step::written);
        let goal = format!("{} is asked to: {}", self.model, self.goal.written());
        recorded.chain([goal]).chain(self.proof.written()).collect()
    }

    /// What its texts are filled with: the run's values, and those of `data` by their names.
    pub(super) fn values(&self, values: &Values) -> Result<Values, ProbeError> {
        let datum = |datum: &TaskValueTemplate| {
            let value = datum.value.render_value(values)?;
            Ok::<_, ProbeError>((datum.name.clone(), value))
        };
        let data: Result<BTreeMap<_, _>, ProbeError> = self.data.iter().map(datum).collect();
        Ok(Values {
            captures: Arc::new(data?),
            ..values.clone()
        })
    }

    pub(super) fn task(&self, origins: Vec<String>, values: &Values) -> Result<Task, ProbeError> {
        let datum = |datum: &TaskValueTemplate| {
            let shown = (!datum.is_secret)
                .then(|| datum.value.render(values))
                .transpose()?;
            Ok::<_, ProbeError>(TaskValue {
                name: datum.name.clone(),
                shown,
            })
        };
        let data: Result<Vec<TaskValue>, ProbeError> = self.data.iter().map(datum).collect();
        let persona = self
            .persona
            .as_ref()
            .map(|persona| persona.render(values))
            .transpose()?;
        Ok(Task {
            goal: self.goal.render(values)?,
            persona,
            data: data?,
            origins,
            bounds: self.bounds,
            max_answer: MAX_ANSWER_TOKENS,
        })
    }

    pub(super) fn redactor(&self, values: &Values) -> Redactor {
        let secrets = self.secrets.iter().filter_map(|name| {
            let secret = values.text(&Reference::Name(name.clone())).ok()?;
            Some(secret.into_owned())
        });
        let secrets: Vec<String> = secrets.collect();
        Redactor::new(secrets.iter().map(String::as_str))
    }
}

/// A value that may be typed.
#[derive(Clone, Debug)]
pub(crate) struct TaskValueTemplate {
    pub(crate) name: String,
    pub(crate) value: Template,
    pub(crate) is_secret: bool,
}

/// A page that the model sees, and by which numbers the browser knows its elements.
pub(super) struct SeenPage {
    pub(super) state: PageState,
    pub(super) backends: Vec<Option<i64>>,
}
