//! `[Options]` of an entry: those that a step can hold, those that are about output, and those that are refused.

use hurl_core::ast::{
    BooleanOption, CountOption, Duration, DurationOption, Entry, EntryOption, OptionKind,
    VariableDefinition, VariableValue,
};
use hurl_core::types::{Count, DurationUnit, ToSource as _};
use strict_yaml::{Node, Position};

use crate::context::{Context, SUITE_REMEDY};
use crate::names::Kind;
use crate::tree::{at, boolean, number, start, text};

/// How many redirects a gate follows.
const MAX_REDIRECTS: usize = 10;

/// What the options of an entry say of its step.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) location: bool,
    pub(crate) compressed: bool,
    pub(crate) path_as_is: bool,
    pub(crate) max_redirects: Option<(Position, usize)>,
    pub(crate) timeout: Option<Node>,
    /// How often the entry is tried again, and after which pause.
    pub(crate) retries: Option<Node>,
    pub(crate) retry_every: Option<Node>,
}

/// Reads the options of an entry; variables hold from here on.
pub(crate) fn read(entry: &Entry, context: &mut Context) -> Options {
    let mut options = Options::default();
    for option in entry.request.options() {
        let at = at(option.space0.source_info.end);
        match &option.kind {
            OptionKind::FollowLocation(value) => {
                options.location = flag(value, at, context).unwrap_or_default();
                if options.location {
                    can_follow(&entry.request.method.to_string(), at, context);
                }
            }
            OptionKind::Compressed(value) => {
                options.compressed = flag(value, at, context).unwrap_or_default();
            }
            OptionKind::PathAsIs(value) => {
                options.path_as_is = flag(value, at, context).unwrap_or_default();
            }
            OptionKind::MaxRedirect(value) => options.max_redirects = redirects(value, at, context),
            OptionKind::MaxTime(value) => options.timeout = duration(value, at, context),
            OptionKind::Retry(value) => options.retries = times(value, at, context),
            OptionKind::RetryInterval(value) => options.retry_every = duration(value, at, context),
            OptionKind::Variable(definition) => variable(definition, context),
            _ => other(option, at, context),
        }
    }
    options
}

/// Refuses to follow redirects of requests that Hurl, like curl, goes on with as GET, and a gate, like browsers, as they are.
fn can_follow(method: &str, at: Position, context: &Context) {
    if !matches!(method, "GET" | "POST") {
        let message =
            format!("location: true of {method}: Hurl goes on with GET, and a gate does not");
        let remedy = "expect the redirect itself: its status, and its header Location";
        context.problems.add(at, message, remedy);
    }
}

/// Options that change nothing here: they are about output, or say what holds anyway.
fn other(option: &EntryOption, at: Position, context: &Context) {
    let name = option.kind.identifier();
    let (message, remedy) = match &option.kind {
        OptionKind::Verbose(_)
        | OptionKind::VeryVerbose(_)
        | OptionKind::Verbosity(_)
        | OptionKind::Insecure(BooleanOption::Literal(false))
        | OptionKind::Skip(BooleanOption::Literal(false))
        | OptionKind::FollowLocationTrusted(BooleanOption::Literal(false)) => return,
        OptionKind::Insecure(_) => (
            "insecure: a gate checks certificates".to_owned(),
            "leave it out; a suite trusts an authority of your own by ca_certificates",
        ),
        OptionKind::Skip(_) => (
            "skip: a gate never skips a request".to_owned(),
            "remove the option, or the entry",
        ),
        OptionKind::FollowLocationTrusted(_) => (
            "location-trusted: credentials never follow a redirect to another place".to_owned(),
            "write location: true",
        ),
        OptionKind::Delay(_) => (
            "delay: a step begins when the one before has ended".to_owned(),
            "leave it out; to wait for something, retry what it makes true",
        ),
        OptionKind::User(_) => (
            "user: credentials have a section of their own".to_owned(),
            "write [BasicAuth], with the password as a placeholder",
        ),
        OptionKind::Header(_) => (
            "header as an option".to_owned(),
            "write the header below the request line",
        ),
        OptionKind::Repeat(_) => (
            "repeat: a step is asked once".to_owned(),
            "leave it out; the bake of a suite asks again",
        ),
        OptionKind::CaCertificate(_) => (
            "cacert: files are not read".to_owned(),
            "leave it out; a suite trusts an authority of your own by ca_certificates",
        ),
        _ => (format!("the option {name} is not supported"), SUITE_REMEDY),
    };
    context.problems.add(at, message, remedy);
}

fn placeholder<T>(at: Position, context: &Context) -> Option<T> {
    context.refuse(
        at,
        "an option can't have placeholders",
        "write the value out",
    )
}

fn flag(value: &BooleanOption, at: Position, context: &Context) -> Option<bool> {
    match value {
        BooleanOption::Literal(value) => Some(*value),
        BooleanOption::Placeholder(_) => placeholder(at, context),
    }
}

fn times(value: &CountOption, at: Position, context: &Context) -> Option<Node> {
    match value {
        CountOption::Literal(Count::Finite(times)) => Some(number(at, &times.to_string())),
        CountOption::Literal(Count::Infinite) => {
            let message = "retry: -1 would try for ever, and a gate has to answer";
            context.refuse(at, message, "say how often, up to 100")
        }
        CountOption::Placeholder(_) => placeholder(at, context),
    }
}

fn redirects(value: &CountOption, at: Position, context: &Context) -> Option<(Position, usize)> {
    match value {
        CountOption::Literal(Count::Finite(most)) if *most <= MAX_REDIRECTS => Some((at, *most)),
        CountOption::Literal(most) => {
            let message = format!("max-redirs: {most} is more than a gate follows");
            context.refuse(
                at,
                message,
                format!("write up to {MAX_REDIRECTS}, or leave it out"),
            )
        }
        CountOption::Placeholder(_) => placeholder(at, context),
    }
}

fn duration(value: &DurationOption, at: Position, context: &Context) -> Option<Node> {
    match value {
        DurationOption::Literal(Duration { value, unit }) => {
            let unit = unit.unwrap_or(DurationUnit::MilliSecond);
            Some(text(at, format!("{}{unit}", value.as_u64())))
        }
        DurationOption::Placeholder(_) => placeholder(at, context),
    }
}

fn variable(definition: &VariableDefinition, context: &mut Context) {
    let at = start(definition.source_info);
    let value = match &definition.value {
        VariableValue::Null => {
            let message = "a variable of a suite can't be null";
            context.refuse(at, message, "write null where it is used")
        }
        VariableValue::Bool(value) => Some((boolean(at, *value), Kind::Typed)),
        VariableValue::Number(value) => {
            let written = value.to_source();
            Some((number(at, written.as_str()), Kind::Typed))
        }
        VariableValue::String(template) => context
            .literal(template, "the value of a variable")
            .map(|value| (text(at, value), Kind::Text)),
    };
    // Also where it has problems: what uses it has none of its own.
    let (node, kind) = value.unwrap_or_else(|| (text(at, ""), Kind::Text));
    context.names.define(&definition.name, node, kind);
}
