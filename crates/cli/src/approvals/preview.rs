//! `approvals preview`: what a message becomes in each channel, beside what the channel accepts. The
//! same code renders it that sends it; nothing is sent, and no AWS account is needed.

use std::path::PathBuf;

use approval_notifier::forward;
use approvals::config::{Config, Route};
use approvals::message::GateDecision;
use approvals::{ActionState, Briefing, Case, Status};
use channels::{
    ApprovalNotice, ForwardedMessage, Links, Message, NoticeLength, NoticeReason, Payload,
    Recipient, Subject, Surface, Texts, recipients, render_as,
};
use clap::ValueEnum;
use contacts::Language;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::preview_subject::{self, PreviewSubject};
use crate::failure::{Failure, read_json};
use crate::screen::{Screen, Style};

/// Show how a message looks in each channel that would get it; nothing is sent.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// What would be found out about the release, as JSON; without it, only what the message itself says is shown
    #[arg(long)]
    briefing: Option<PathBuf>,
    /// Only this channel, whether the route names it or not; may be repeated
    #[arg(long = "channel")]
    channels: Vec<String>,
    /// In this language: en or zh
    #[arg(long, value_parser = super::language)]
    language: Option<Language>,
    /// What is told of it
    #[arg(long, value_enum, default_value = "ask")]
    occasion: When,
    /// How it is shown; html shows the page of a mail
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Where links lead
    #[arg(long, default_value = "https://decision.example.com")]
    decision_url: String,
    /// The time of telling, for example 2026-03-02T09:00:00Z; left out: when the message was sent, or now if it doesn't say
    #[arg(long)]
    now: Option<Timestamp>,
    /// An event of SNS or EventBridge, or an approval message alone; - reads standard input
    message: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  deploy-hooks approvals preview --config examples/approvals.yaml \\
      --briefing examples/approvals/briefing.json events/approval-asks.json
  deploy-hooks approvals preview --config approvals.yaml --channel managers --format html \\
      events/approval-asks.json > mail.html";

const UNKNOWN_MESSAGE: &str = "this message is of a shape that is not known, and is passed on as text; an approval must \
     come as CodePipeline publishes it, by SNS, SQS or a pipe of EventBridge";

const ASKED_BEFORE: &str = "channels that were asked about this gate hear what became of the question in place of this message";

const NO_BRIEFING: &str = "without --briefing, what is looked up (commits, versions, change sets, what gates said) is left out; \
     examples/approvals/briefing.json is one";

/// When the message was sent, as EventBridge, SNS or SQS say.
fn sent(message: &Value) -> Option<Timestamp> {
    let record = message.pointer("/Records/0").unwrap_or(message);
    let in_queue: Option<Value> = record
        .get("body")
        .and_then(|body| serde_json::from_str(body.as_str()?).ok());
    let told = [
        record.get("time"),
        record.pointer("/Sns/Timestamp"),
        record.get("Timestamp"),
        in_queue.as_ref().and_then(|body| body.get("Timestamp")),
    ];
    told.into_iter()
        .flatten()
        .find_map(|told| told.as_str()?.parse().ok())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Html,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum When {
    Ask,
    Reminder,
    Escalation,
    Approved,
    Rejected,
    Expired,
    Superseded,
}

/// One rendered message.
struct RenderedMessage {
    recipient: String,
    surface: Surface,
    language: Language,
    payload: Payload,
}

/// Renders the message for each channel.
pub(crate) fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let config = super::config(&args.config)?;
    let briefing = match &args.briefing {
        None => Briefing::default(),
        Some(path) => serde_json::from_value(read_json(path)?).map_err(|error| {
            Failure::Wrong(format!("{} is no briefing: {error}", path.display()))
        })?,
    };
    let message = read_json(&args.message)?;
    // An old event would only show that its time is over.
    let now = args.now.or_else(|| sent(&message));
    let now = now.unwrap_or_else(Timestamp::now);
    let subject = preview_subject::read(&message, briefing, now)?;
    let (shown, route) = match &subject {
        PreviewSubject::Case(case) => of_case(args, &config, case, now)?,
        PreviewSubject::Decision { decision, is_asked } => {
            if *is_asked {
                screen.error(&ASKED_BEFORE);
            }
            of_decision(args, &config, decision, now)?
        }
        PreviewSubject::Plain(plain) => (of_plain(args, &config, plain, now)?, None),
        PreviewSubject::Unknown(plain) => {
            screen.error(&UNKNOWN_MESSAGE);
            (of_plain(args, &config, plain, now)?, None)
        }
    };
    if matches!(subject, PreviewSubject::Case(_)) && args.briefing.is_none() {
        screen.error(&NO_BRIEFING);
    }
    match args.format {
        Format::Json => screen.value(&as_json(&shown, route))?,
        Format::Text if screen.json => screen.value(&as_json(&shown, route))?,
        Format::Text => as_text(&shown, route, screen)?,
        Format::Html => as_html(&shown, screen)?,
    }
    Ok(())
}

fn of_case<'a>(
    args: &Args,
    config: &'a Config,
    case: &Case,
    now: Timestamp,
) -> Result<(Vec<RenderedMessage>, Option<&'a str>), Failure> {
    let route = config.route(&case.source).ok_or_else(|| {
        Failure::Failed(format!(
            "no route matches {}; add one to {}, for example a last one without `match`",
            case.source,
            args.config.display()
        ))
    })?;
    let names: Vec<&str> = match args.occasion {
        When::Escalation => route
            .escalate
            .iter()
            .flat_map(|to| &to.tell)
            .map(String::as_str)
            .collect(),
        _ => route.tell.iter().map(String::as_str).collect(),
    };
    let action_state = action_state(args.occasion, now);
    let occasion = match (&action_state, args.occasion) {
        (Some(action_state), _) => NoticeReason::Decided {
            action_state,
            who: Some("release-manager"),
            comment: None,
        },
        (None, When::Reminder) => NoticeReason::Reminder { number: 1 },
        (None, When::Escalation) => NoticeReason::Escalation,
        (None, _) => NoticeReason::Ask,
    };
    let all = chosen(args, config, names)?;
    let shown = all.iter().map(|to| {
        let mentions = route.mention.get(&to.channel.name);
        let subject = Subject::Approval(ApprovalNotice {
            occasion,
            case,
            links: links(args, route, to),
            mentions: mentions.map(Vec::as_slice).unwrap_or_default(),
            waiting: action_state.is_none() && route.policy.decide,
        });
        let message = Message { subject, now };
        rendered(&message, to, &texts(args, config, Some(route), to))
    });
    Ok((shown.collect(), Some(&route.name)))
}

fn of_plain(
    args: &Args,
    config: &Config,
    plain: &ForwardedMessage,
    now: Timestamp,
) -> Result<Vec<RenderedMessage>, Failure> {
    forwarded(args, config, plain, (&config.other_messages, None), now)
}

/// What a gate has decided, to those whom the route for such decisions names.
fn of_decision<'a>(
    args: &Args,
    config: &'a Config,
    decision: &GateDecision,
    now: Timestamp,
) -> Result<(Vec<RenderedMessage>, Option<&'a str>), Failure> {
    let route = config.route_of_decision(decision).ok_or_else(|| {
        Failure::Failed(format!(
            "nobody is told: no route takes the gate's decision; add one with `match: {{ passed: false }}` to {}",
            args.config.display()
        ))
    })?;
    let text = forward::of_decision(decision);
    let shown = forwarded(args, config, &text, (&route.tell, Some(route)), now)?;
    Ok((shown, Some(&route.name)))
}

fn forwarded(
    args: &Args,
    config: &Config,
    text: &ForwardedMessage,
    (channels, route): (&[String], Option<&Route>),
    now: Timestamp,
) -> Result<Vec<RenderedMessage>, Failure> {
    let names = channels.iter().map(String::as_str).collect();
    let all = chosen(args, config, names)?;
    let shown = all.iter().map(|to| {
        let subject = Subject::Forwarded(text);
        let message = Message { subject, now };
        rendered(&message, to, &texts(args, config, route, to))
    });
    Ok(shown.collect())
}

fn action_state(when: When, now: Timestamp) -> Option<ActionState> {
    let status = match when {
        When::Ask | When::Reminder | When::Escalation => return None,
        When::Approved => Status::Approved,
        When::Rejected => Status::Rejected,
        When::Expired => Status::Expired,
        When::Superseded => Status::Superseded,
    };
    Some(ActionState {
        status,
        by: None,
        summary: None,
        at: Some(now),
    })
}

/// The recipients that are shown: those of the channels asked for, or else those who would be told.
fn chosen(args: &Args, config: &Config, told: Vec<&str>) -> Result<Vec<Recipient>, Failure> {
    for name in &args.channels {
        super::channel(config, name)?;
    }
    let names: Vec<&str> = if args.channels.is_empty() {
        told
    } else {
        args.channels.iter().map(String::as_str).collect()
    };
    let channels = names
        .into_iter()
        .filter_map(|name| config.channels.get(name));
    let all = recipients(channels);
    if all.is_empty() {
        return Err(Failure::Failed(
            "nobody is notified of this; name a channel with --channel".into(),
        ));
    }
    Ok(all)
}

/// Links as the notifier makes them, with no signature: they lead nowhere.
fn links(args: &Args, route: &Route, to: &Recipient) -> Links {
    let decides = route.policy.decide && route.policy.approvers.contains(&to.approver);
    let base = args.decision_url.trim_end_matches('/');
    let link = |action: &str| format!("{base}/d/preview-of-a-signed-link-to-{action}");
    Links {
        view: Some(link("view")),
        approve: decides.then(|| link("approve")),
        reject: decides.then(|| link("reject")),
    }
}

fn texts(args: &Args, config: &Config, route: Option<&Route>, to: &Recipient) -> Texts {
    let mut channel = to.channel.clone();
    channel.language = args.language.or(channel.language);
    Texts::for_channel(config, route, &channel)
}

fn rendered(message: &Message<'_>, to: &Recipient, texts: &Texts) -> RenderedMessage {
    let surface = Surface::of(&to.channel.kind);
    // A decision is told in place of the first message where that can be changed.
    let notice = message.approval();
    let decided = notice.is_some_and(|one| matches!(one.occasion, NoticeReason::Decided { .. }));
    let shape = if decided && to.changeable() {
        NoticeLength::Whole
    } else {
        message.shape()
    };
    RenderedMessage {
        recipient: to.key.clone(),
        surface,
        language: texts.language(),
        payload: render_as(message, shape, surface, texts),
    }
}

fn as_text(
    shown: &[RenderedMessage],
    route: Option<&str>,
    screen: &mut Screen,
) -> Result<(), Failure> {
    if let Some(route) = route {
        screen.line(format!(
            "{}{route}\n",
            screen.styled(Style::Quiet, "route: ")
        ))?;
    }
    for one in shown {
        let title = format!(
            "=== {} ({}, {}) ===",
            one.recipient,
            one.surface.name(),
            one.language
        );
        screen.line(screen.styled(Style::Heading, &title))?;
        screen.line(one.payload.shown())?;
        screen.line("")?;
        for size in one.payload.sizes() {
            let told = format!("{:>8} of {:>7} {}", size.is, size.limit, size.what);
            let style = if size.is <= size.limit {
                Style::Quiet
            } else {
                Style::Bad
            };
            screen.line(screen.styled(style, &told))?;
        }
        screen.line("")?;
    }
    Ok(())
}

fn as_json(shown: &[RenderedMessage], route: Option<&str>) -> Value {
    let messages = shown.iter().map(|one| {
        let sizes = one.payload.sizes();
        let sizes = sizes
            .iter()
            .map(|size| json!({"what": size.what, "is": size.is, "limit": size.limit}));
        json!({
            "recipient": one.recipient,
            "kind": one.surface.name(),
            "language": one.language,
            "payload": payload(&one.payload),
            "sizes": sizes.collect::<Vec<_>>(),
        })
    });
    json!({"route": route, "messages": messages.collect::<Vec<_>>()})
}

fn payload(payload: &Payload) -> Value {
    match payload {
        Payload::Slack { text, blocks } => json!({"text": text, "blocks": blocks}),
        Payload::Mail {
            subject,
            html,
            text,
        } => json!({"subject": subject, "html": html, "text": text}),
        Payload::SnsMail { subject, text } => json!({"subject": subject, "text": text}),
        Payload::Teams(value) | Payload::Webhook(value) | Payload::AmazonQ(value) => value.clone(),
    }
}

/// The page of the first mail: two pages are no page.
fn as_html(shown: &[RenderedMessage], screen: &mut Screen) -> Result<(), Failure> {
    let page = shown.iter().find_map(|one| match &one.payload {
        Payload::Mail { html, .. } => Some(html),
        _ => None,
    });
    let page = page.ok_or_else(|| {
        Failure::Wrong(
            "none of these channels gets HTML; name one of kind ses with --channel".into(),
        )
    })?;
    screen.line(page)?;
    Ok(())
}
