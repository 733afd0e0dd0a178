//! The turns of a run: what to do next, of what was seen and said so far.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::action::{self, Action, InvalidAction, ToolCall, head};
use crate::bounds::Usage;
use crate::prompt::{Task, framed};
use crate::{Answer, PageState};

/// How often a model may say what can't be done, one after the other.
const MAX_INVALID_ANSWERS: u32 = 4;
/// How often the same may be done on the same page.
const MAX_REPEATED_ACTIONS: usize = 3;
/// Characters of what came of an action, and of a page's text.
const MAX_OUTCOME_CHARS: usize = 300;
const MAX_READ_CHARS: usize = 8_000;
/// Turns that a model is reminded of; earlier ones are left out.
const MAX_TURNS: usize = 30;

/// A run of an agent.
#[derive(Clone, Debug)]
pub struct Agent {
    task: Task,
    page: PageState,
    turns: Vec<Turn>,
    /// What the model is told beside the page: that it must use a tool.
    reminder: Option<&'static str>,
    /// What was done, and on which page.
    done: Vec<(u64, Action)>,
    wrong: u32,
    spent: Usage,
    state: State,
}

/// What a model did, and what came of it.
#[derive(Clone, Debug)]
struct Turn {
    tools: Vec<(String, Value)>,
    /// For each of them: what came of it, and whether it could be done.
    results: Vec<(String, bool)>,
}

#[derive(Clone, Debug)]
enum State {
    Asking,
    Acting(Action),
    Ended(End),
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Ask the model this, by Converse; then [`Agent::hear`].
    Ask(Value),
    /// Do this in the page; then [`Agent::see`].
    Act(Action),
    /// Nothing more.
    End(End),
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The model says that the goal is reached.
    Done {
        /// In its words.
        summary: String,
        /// What it doubts.
        doubts: Vec<String>,
    },
    /// The model says that the goal can't be reached.
    GaveUp(String),
    /// A bound is reached: which.
    OutOf(String),
    /// It did the same again and again.
    Circles(String),
    /// It said again and again what can't be done.
    Nonsense(String),
    /// It was stopped: by a guardrail, say.
    Stopped(String),
    /// The model, or the browser, did not answer.
    Lost(String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done { summary, .. } => write!(f, "the model says that it is done: {summary}"),
            Self::GaveUp(why) => write!(f, "the model gave up: {why}"),
            Self::OutOf(bound) => write!(f, "the agent did not come to an end within {bound}"),
            Self::Circles(what) => write!(
                f,
                "the agent goes in circles: it did {what:?} again and again on the same page"
            ),
            Self::Nonsense(last) => write!(
                f,
                "the model says what can't be done, again and again: {last}"
            ),
            Self::Stopped(reason) => write!(f, "the model stopped: {reason}"),
            Self::Lost(why) => write!(f, "the agent was cut off: {why}"),
        }
    }
}

impl Agent {
    /// A run that begins on `page`.
    pub fn new(task: Task, page: PageState) -> Self {
        Self {
            task,
            page,
            turns: Vec::new(),
            reminder: None,
            done: Vec::new(),
            wrong: 0,
            spent: Usage::default(),
            state: State::Asking,
        }
    }

    /// The page that the model saw last.
    pub fn page(&self) -> &PageState {
        &self.page
    }

    /// What it has cost so far.
    pub fn spent(&self) -> Usage {
        self.spent
    }

    /// What is to be done now, so long after the beginning.
    pub fn next(&mut self, elapsed: Duration) -> Next {
        if let (State::Asking | State::Acting(_), Some(bound)) = (&self.state, self.bound(elapsed))
        {
            self.state = State::Ended(End::OutOf(bound));
        }
        match &self.state {
            State::Ended(end) => Next::End(end.clone()),
            State::Acting(action) => Next::Act(action.clone()),
            State::Asking => Next::Ask(self.request()),
        }
    }

    /// The bound that is reached, if one is.
    fn bound(&self, elapsed: Duration) -> Option<String> {
        let bounds = self.task.bounds;
        if elapsed >= bounds.time {
            return Some(format!("its time, {} s", bounds.time.as_secs()));
        }
        if self.spent.tokens() >= bounds.tokens {
            return Some(format!(
                "its {} tokens ({} used)",
                bounds.tokens,
                self.spent.tokens()
            ));
        }
        if let Some((most, price)) = bounds.cost
            && self.spent.usd(price) >= most
        {
            return Some(format!(
                "its {most} USD ({:.4} used)",
                self.spent.usd(price)
            ));
        }
        let asks = matches!(self.state, State::Asking);
        (asks && self.spent.steps >= bounds.steps).then(|| format!("its {} steps", bounds.steps))
    }

    /// The model has answered.
    pub fn hear(&mut self, answer: Answer) {
        if !matches!(self.state, State::Asking) {
            return;
        }
        self.spent.steps += 1;
        self.spent.input_tokens = self.spent.input_tokens.saturating_add(answer.input_tokens);
        self.spent.output_tokens = self
            .spent
            .output_tokens
            .saturating_add(answer.output_tokens);
        self.reminder = None;
        if matches!(
            answer.stop_reason.as_str(),
            "guardrail_intervened" | "content_filtered"
        ) {
            self.state = State::Ended(End::Stopped(answer.stop_reason));
            return;
        }
        let Some((name, input)) = answer.tools.first() else {
            self.reminder = Some("Use one of the tools.");
            self.is_wrong(format!(
                "no tool, but: {}",
                head(&answer.text, MAX_OUTCOME_CHARS)
            ));
            return;
        };
        let said = action::parse(name, input, &self.page, &self.task);
        let results = |first: &str, is_good| {
            let others = answer.tools.iter().skip(1);
            let others = others.map(|_| ("not done: one tool at a time".to_owned(), false));
            std::iter::once((first.to_owned(), is_good))
                .chain(others)
                .collect()
        };
        match said {
            Err(InvalidAction(why)) => {
                let results = results(&why, false);
                self.remember(answer.tools, results);
                self.is_wrong(why);
            }
            Ok(ToolCall::Done { summary, doubts }) => {
                self.state = State::Ended(End::Done { summary, doubts });
            }
            Ok(ToolCall::GiveUp(why)) => self.state = State::Ended(End::GaveUp(why)),
            Ok(ToolCall::Act(action)) => {
                self.wrong = 0;
                let here = (self.page.fingerprint(), action.clone());
                let same = self.done.iter().filter(|earlier| **earlier == here).count();
                if same >= MAX_REPEATED_ACTIONS {
                    let what = action.described(&self.page);
                    self.state = State::Ended(End::Circles(what));
                    return;
                }
                self.done.push(here);
                let results = results("", true);
                self.remember(answer.tools, results);
                self.state = State::Acting(action);
            }
        }
    }

    fn remember(&mut self, tools: Vec<(String, Value)>, results: Vec<(String, bool)>) {
        self.turns.push(Turn { tools, results });
        if self.turns.len() > MAX_TURNS {
            self.turns.remove(0);
        }
    }

    fn is_wrong(&mut self, why: String) {
        self.wrong += 1;
        if self.wrong >= MAX_INVALID_ANSWERS {
            self.state = State::Ended(End::Nonsense(why));
        }
    }

    /// What came of the action, and the page after it.
    pub fn see(&mut self, came: Result<String, String>, page: PageState) {
        if !matches!(self.state, State::Acting(_)) {
            return;
        }
        let is_good = came.is_ok();
        let most = if is_good {
            MAX_READ_CHARS
        } else {
            MAX_OUTCOME_CHARS
        };
        let text = match came {
            Ok(text) | Err(text) => head(&text, most),
        };
        if let Some((outcome, good)) = self
            .turns
            .last_mut()
            .and_then(|turn| turn.results.first_mut())
        {
            (*outcome, *good) = (text, is_good);
        }
        self.page = page;
        self.state = State::Asking;
    }

    /// The run can't go on.
    pub fn lose(&mut self, why: String) {
        if !matches!(self.state, State::Ended(_)) {
            self.state = State::Ended(End::Lost(why));
        }
    }

    /// What Converse takes. Only the last page is in it whole: earlier ones say nothing any more.
    fn request(&self) -> Value {
        let page = framed(&self.page.outline());
        let first = if self.turns.is_empty() {
            page.clone()
        } else {
            "The first page is left out.".to_owned()
        };
        let mut messages = vec![json!({ "role": "user", "content": [{ "text": first }] })];
        for (index, turn) in self.turns.iter().enumerate() {
            let is_last = index + 1 == self.turns.len();
            let used = turn.tools.iter().enumerate().map(|(number, (name, input))| {
                let input = if input.is_object() { input.clone() } else { json!({}) };
                json!({ "toolUse": { "toolUseId": id(index, number), "name": legal(name), "input": input } })
            });
            messages.push(json!({ "role": "assistant", "content": used.collect::<Vec<_>>() }));
            let results = turn.results.iter().enumerate();
            let results = results.map(|(number, (outcome, is_good))| {
                // What a page's text says is in the frame of a page, too.
                let outcome = if outcome.chars().count() > MAX_OUTCOME_CHARS {
                    if is_last {
                        framed(outcome)
                    } else {
                        "left out".to_owned()
                    }
                } else {
                    outcome.clone()
                };
                let text = match (is_last && number == 0, outcome.as_str()) {
                    (true, "") => page.clone(),
                    (true, said) => format!("{said}\n{page}"),
                    (false, "") => "done".to_owned(),
                    (false, said) => said.to_owned(),
                };
                json!({ "toolResult": {
                    "toolUseId": id(index, number), "content": [{ "text": text }],
                    "status": if *is_good { "success" } else { "error" }
                } })
            });
            messages.push(json!({ "role": "user", "content": results.collect::<Vec<_>>() }));
        }
        if let (Some(reminder), Some(last)) = (self.reminder, messages.last_mut())
            && let Some(content) = last["content"].as_array_mut()
        {
            content.push(json!({ "text": reminder }));
        }
        json!({
            "system": [{ "text": self.task.system() }],
            "messages": messages,
            "toolConfig": { "tools": action::tools() },
            "inferenceConfig": { "maxTokens": self.task.max_answer, "temperature": 0 }
        })
    }
}

/// Ours: a model's own may be none, or the same twice.
fn id(turn: usize, number: usize) -> String {
    format!("turn-{turn}-{number}")
}

/// A name that Converse takes, also of a tool that there is not.
fn legal(name: &str) -> String {
    let kept = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "_-".contains(*c));
    let kept: String = kept.take(64).collect();
    if kept.is_empty() {
        "unknown".to_owned()
    } else {
        kept
    }
}

#[cfg(test)]
mod tests;
