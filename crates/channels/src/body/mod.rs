//! What is told, before it is cut to a surface and written in its markup: a title, some lines that are
//! always there, sections of lines by rank, and where to go from there.
//!
//! All texts in a body are clean (see [`text::clean`]) and none is escaped.

mod announcement;
mod briefing;
mod changes;
mod gate;
mod line;
mod note;
mod outcome;
mod pause;

pub(crate) use briefing::unopened;
pub(crate) use line::{Line, Part, Tone};

use approvals::{Case, Source};
use contacts::Language;
use jiff::Timestamp;

use crate::budget::Rank;
use crate::links;
use crate::texts::{Key, Texts};
use crate::{ApprovalNotice, Choice, Message, NoticeLength, NoticeReason, Subject};
use text::clean;

/// What is told.
#[derive(Debug, Clone)]
pub(crate) struct MessageBody {
    /// One line.
    pub(crate) title: String,
    /// The title in English letters, for surfaces that know only ASCII.
    pub(crate) ascii_title: String,
    /// Whether it is good news, bad news, or a question.
    pub(crate) tone: Tone,
    /// Who is to notice, as configured.
    pub(crate) mentions: Vec<String>,
    /// What is always told: few lines.
    pub(crate) lead: Vec<Line>,
    /// The rest, as far as there is room.
    pub(crate) sections: Vec<Section>,
    /// Where to go.
    pub(crate) links: Vec<Target>,
    /// What may be done; none where nothing is open.
    pub(crate) decision: Option<Decision>,
    /// What a reader may ask for.
    pub(crate) choices: Vec<Choice>,
    /// What stands below a mail.
    pub(crate) footer: String,
}

/// Lines under a heading.
#[derive(Debug, Clone, Default)]
pub(crate) struct Section {
    /// The heading.
    pub(crate) heading: String,
    /// A line below it that belongs to it.
    pub(crate) summary: Option<Line>,
    /// The lines.
    pub(crate) items: Vec<Item>,
    /// How many more there were when the briefing was made.
    pub(crate) hidden: usize,
}

/// A line of a section.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// What it is kept before.
    pub(crate) rank: Rank,
    /// The line.
    pub(crate) line: Line,
}

/// A link with a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// What is there.
    pub(crate) label: String,
    /// Where it is.
    pub(crate) url: String,
    /// Whether it is the page with all of the case.
    pub(crate) whole: bool,
}

/// What a reader may do.
#[derive(Debug, Clone)]
pub(crate) struct Decision {
    /// The case, by its opaque id.
    pub(crate) case: String,
    /// What a decision is about.
    pub(crate) about: DecisionSubject,
    /// The pipeline or the service, for confirmations.
    pub(crate) pipeline: String,
    /// The stage, for confirmations.
    pub(crate) stage: String,
    /// The page that asks for a yes.
    pub(crate) approve: Option<String>,
    /// The page that asks for a no.
    pub(crate) reject: Option<String>,
}

/// What a decision is about, and so what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecisionSubject {
    /// An approval of a pipeline.
    Pipeline,
    /// A paused deployment.
    Pause,
    /// A gate that asks.
    Gate,
}

/// How much of each thing a surface shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Detail {
    /// Properties of a changed resource.
    pub(crate) properties: usize,
    /// Characters of a value.
    pub(crate) value: usize,
    /// Characters of a text of a person, such as a commit's message.
    pub(crate) text: usize,
    /// Lines of a longer text, such as a comment.
    pub(crate) lines: usize,
}

impl MessageBody {
    /// The body of a message.
    pub(crate) fn of(
        message: &Message<'_>,
        shape: NoticeLength,
        texts: &Texts,
        detail: &Detail,
    ) -> Self {
        let title = title(message, texts);
        let mut body = Self {
            title: clean::cut(&title, 300),
            ascii_title: ascii_title(message, texts),
            tone: tone(message),
            mentions: mentions(message),
            lead: Vec::new(),
            sections: Vec::new(),
            links: Vec::new(),
            decision: None,
            choices: Vec::new(),
            footer: texts.plain(Key::MailFooter),
        };
        match &message.subject {
            Subject::Approval(notice) => {
                body.add_approval(notice, shape, (texts, detail, message.now));
            }
            Subject::Forwarded(plain) => note::plain(&mut body, plain, texts, detail),
            Subject::Announcement(news) => announcement::tell(&mut body, news),
            Subject::Test => body.lead.push(Line::text(texts.plain(Key::TestText))),
        }
        body
    }

    fn add_approval(
        &mut self,
        notice: &ApprovalNotice<'_>,
        shape: NoticeLength,
        (texts, detail, now): (&Texts, &Detail, Timestamp),
    ) {
        let (case, asks) = (notice.case, notice.occasion.asks());
        match notice.occasion {
            NoticeReason::Outcome(outcome) => outcome::tell(self, (case, outcome), texts, detail),
            NoticeReason::Decided {
                action_state,
                who,
                comment,
            } => {
                let source = &case.source;
                self.lead
                    .push(note::status((source, action_state), who, texts));
                self.lead.extend(note::comment_line(
                    (source, action_state),
                    comment,
                    texts,
                    detail,
                ));
            }
            NoticeReason::Ask | NoticeReason::Reminder { .. } | NoticeReason::Escalation => {}
        }
        if asks {
            self.lead.push(waits(case, now, texts, detail));
            self.lead.extend(pause::at_the_end(case, texts));
            if case.source.gate().is_some() {
                self.lead.push(gate::at_the_end(texts));
            }
        }
        if shape == NoticeLength::Whole {
            briefing::tell(self, case, texts, detail);
        }
        links(self, notice, texts);
        // A note stands beside the message that has the buttons.
        if shape == NoticeLength::Whole && notice.waiting && asks {
            self.decision = Some(decision(notice));
        }
    }

    /// The same with its choices as links, for surfaces whose buttons nobody hears of.
    pub(crate) fn linked(mut self) -> Self {
        let choices = std::mem::take(&mut self.choices);
        let links = choices.into_iter().filter_map(|choice| {
            Some(Target {
                label: choice.label,
                url: choice.url?,
                whole: true,
            })
        });
        self.links.splice(0..0, links);
        self
    }
}

/// What waits, and how long it still does.
fn waits(case: &Case, now: Timestamp, texts: &Texts, detail: &Detail) -> Line {
    let value = |text: &str| clean::short(text, detail.value);
    let source = &case.source;
    let (name, stage, third) = (
        value(source.name()),
        value(source.stage()),
        value(source.detail()),
    );
    let told = match source {
        Source::Pipeline(_) => texts.get(
            Key::Waits,
            &[("action", &third), ("stage", &stage), ("pipeline", &name)],
        ),
        Source::Ecs(_) => texts.get(
            Key::PauseWaits,
            &[("cluster", &third), ("stage", &stage), ("service", &name)],
        ),
        Source::Gate(_) => texts.get(Key::GateWaits, &[("gate", &stage), ("release", &name)]),
    };
    let until = texts.until(case.expires, now);
    Line::text(format!("{told} ")).and_strong(until, Tone::Warning)
}

fn title(message: &Message<'_>, texts: &Texts) -> String {
    match &message.subject {
        Subject::Approval(notice) => {
            let key = match notice.occasion {
                NoticeReason::Ask => Key::AskTitle,
                NoticeReason::Reminder { .. } => Key::ReminderTitle,
                NoticeReason::Escalation => Key::EscalationTitle,
                NoticeReason::Decided { action_state, .. } => note::decided_title(action_state),
                NoticeReason::Outcome(outcome) => outcome::title(outcome),
            };
            let source = &notice.case.source;
            let (pipeline, stage) = (clean::line(source.name()), clean::line(source.stage()));
            texts.get(key, &[("pipeline", &pipeline), ("stage", &stage)])
        }
        Subject::Test => texts.plain(Key::TestTitle),
        Subject::Announcement(news) => given_title(&news.title, texts),
        Subject::Forwarded(plain) => given_title(&plain.title, texts),
    }
}

/// Slack refuses a message whole for one empty text.
fn given_title(text: &str, texts: &Texts) -> String {
    let title = clean::line(text);
    if title.is_empty() {
        texts.plain(Key::PlainTitle)
    } else {
        title
    }
}

/// A subject of SNS is ASCII, so that other languages would be a row of question marks.
fn ascii_title(message: &Message<'_>, texts: &Texts) -> String {
    if let Subject::Announcement(news) = &message.subject {
        return given_title(&news.ascii_title, texts);
    }
    if texts.language() == Language::English {
        title(message, texts)
    } else {
        title(message, &Texts::of(Language::English))
    }
}

fn tone(message: &Message<'_>) -> Tone {
    match &message.subject {
        Subject::Approval(notice) => match notice.occasion {
            NoticeReason::Decided { action_state, .. } => note::tone(action_state.status),
            NoticeReason::Outcome(outcome) => outcome::tone(outcome),
            NoticeReason::Ask | NoticeReason::Reminder { .. } | NoticeReason::Escalation => {
                Tone::Warning
            }
        },
        Subject::Announcement(news) => announcement::tone(news.severity),
        Subject::Forwarded(_) | Subject::Test => Tone::Plain,
    }
}

/// People are called only where something is left for them to do.
fn mentions(message: &Message<'_>) -> Vec<String> {
    let asking = message.approval().filter(|notice| notice.occasion.asks());
    let mentions = asking.map_or(&[][..], |notice| notice.mentions);
    let clean = mentions.iter().map(|mention| clean::line(mention));
    clean
        .filter(|mention| !mention.is_empty())
        .take(20)
        .collect()
}

fn links(body: &mut MessageBody, notice: &ApprovalNotice<'_>, texts: &Texts) {
    let case = notice.case;
    let own = |link: &Option<String>| link.as_deref().and_then(links::own);
    let foreign = |link: &Option<String>| link.as_deref().and_then(links::foreign);
    let console = match case.source {
        Source::Pipeline(_) => Key::ConsoleLink,
        Source::Ecs(_) | Source::Gate(_) => Key::DeploymentConsoleLink,
    };
    let found = [
        (Key::ViewLink, own(&notice.links.view)),
        (Key::ExternalLink, foreign(&case.external_link)),
        (console, foreign(&case.console_link)),
    ];
    for (key, url) in found {
        if let Some(url) = url {
            let (label, whole) = (texts.plain(key), key == Key::ViewLink);
            body.links.push(Target { label, url, whole });
        }
    }
}

fn decision(notice: &ApprovalNotice<'_>) -> Decision {
    let case = notice.case;
    let own = |link: &Option<String>| link.as_deref().and_then(links::own);
    Decision {
        case: case.id.to_string(),
        about: match case.source {
            Source::Pipeline(_) => DecisionSubject::Pipeline,
            Source::Ecs(_) => DecisionSubject::Pause,
            Source::Gate(_) => DecisionSubject::Gate,
        },
        pipeline: clean::short(case.source.name(), 100),
        stage: clean::short(case.source.stage(), 100),
        approve: own(&notice.links.approve),
        reject: own(&notice.links.reject),
    }
}
