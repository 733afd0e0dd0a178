//! `env at`: schedules of any of the three grammars evaluated at instants, from arguments or as JSON lines
//! on standard input. A bad line never stops the others.

mod evaluate;
mod lines;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write as _};

use environments::config::Config;
use jiff::Timestamp;
use schedule::{State, Syntax};

use self::evaluate::{Answer, Evaluator, LocatedError};
use super::{snapshot, times};
use crate::failure::Failure;
use crate::screen::{Screen, Style};

/// Say whether a schedule is on at given instants, and why.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The grammar: windows, custodian, kube-downscaler, py-kube-downscaler or go-kube-downscaler
    #[arg(long, default_value = "windows")]
    syntax: Syntax,
    /// The zone of windows that name none; left out: the configuration's
    #[arg(long, value_parser = zone_name)]
    zone: Option<String>,
    /// A configuration whose named schedules and holidays count, as for `env plan`; never taken from the
    /// environment
    #[arg(long, value_name = "PLACE")]
    config: Option<String>,
    /// The schedule; without one, JSON lines are read from standard input
    schedule: Option<String>,
    /// Instants such as 2026-11-23T22:00:00Z; left out: now
    #[arg(value_name = "INSTANT", value_parser = times::instant)]
    instants: Vec<Timestamp>,
}

const EXAMPLES: &str = "\
A line of standard input is {\"syntax\", \"schedule\", \"at\"}; syntax and zone may be left out for
those of the command line. For
each line there is one of output: {\"state\", \"next_edge\", \"rule\"} (and \"remarks\" on the
schedule, if there are any), or {\"error\": {\"line\", \"field\", \"column\", \"problem\",
\"remedy\"}}. Columns are characters from 1, in the field's text, or in the line if it is no such object.

Exit codes: 0 all could be answered, 1 a line could not, 2 wrong call, schedule or configuration.

Examples:
  deploy-hooks env at \"Mon-Fri 09:00-22:00 Europe/Berlin\" 2026-03-29T00:30:00Z 2026-03-29T01:30:00Z
  deploy-hooks env at --syntax custodian \"off=[(M-F,19)];on=[(M-F,7)];tz=pt\"
  deploy-hooks env at --config environments.yaml office 2026-12-25T12:00:00Z
  deploy-hooks env at < questions.jsonl > answers.jsonl";

/// Answers.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let named = args.config.as_deref().filter(|named| !named.is_empty());
    let config = match named {
        Some(named) => Some(snapshot::config(named, None).await?),
        None => None,
    };
    let mut evaluator = evaluator(args, config.as_ref());
    match &args.schedule {
        Some(schedule) => instants(args, schedule, &mut evaluator, screen),
        None if io::stdin().is_terminal() => Err(Failure::Wrong(
            "give a schedule and instants, or JSON lines on standard input; --help shows both"
                .to_owned(),
        )),
        None => {
            let out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
            let wrong = lines::answer_all(io::stdin(), out, (args.syntax, &mut evaluator))?;
            if wrong == 0 {
                return Ok(());
            }
            let told = strict_yaml::words::count(wrong, "line");
            Err(Failure::Failed(format!(
                "{told} could not be answered; see their errors"
            )))
        }
    }
}

fn evaluator<'a>(args: &'a Args, config: Option<&'a Config>) -> Evaluator<'a> {
    let own = |config: &'a Config| config.zone.as_deref();
    Evaluator::new(
        config,
        args.zone.as_deref().or_else(|| config.and_then(own)),
    )
}

fn instants(
    args: &Args,
    schedule: &str,
    evaluator: &mut Evaluator<'_>,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let now = [Timestamp::now()];
    let instants = if args.instants.is_empty() {
        &now[..]
    } else {
        &args.instants
    };
    let mut remarked = false;
    for at in instants {
        match evaluator.answer((args.syntax, schedule), None, *at) {
            Ok(answer) if screen.json => {
                let mut line = Vec::new();
                answer.write(&mut line);
                line.push(b'\n');
                io::stdout().write_all(&line)?;
            }
            Ok(answer) => {
                screen.line(told(*at, &answer, screen))?;
                if !std::mem::replace(&mut remarked, true) {
                    for remark in answer.remarks {
                        screen.error(&format!("{} (warning)", super::plain(remark)));
                    }
                }
            }
            Err(located) => {
                if screen.json {
                    let error = serde_json::json!({ "error": located });
                    screen.line(error.to_string())?;
                }
                return Err(Failure::Wrong(pointed(schedule, &located)));
            }
        }
    }
    Ok(())
}

/// `2026-11-23T22:00:00Z  off  outside all windows; on at 2026-11-24T09:00:00Z`
fn told(at: Timestamp, answer: &Answer<'_>, screen: &Screen) -> String {
    let style = match answer.state {
        State::On => Style::Good,
        State::Off => Style::Quiet,
    };
    let state = screen.styled(style, &format!("{:<3}", answer.state.to_string()));
    let next = match answer.next_edge {
        Some(edge) => format!("{} at {edge}", other(answer.state)),
        None => "for ever".to_owned(),
    };
    format!("{at}  {state}  {}; {next}", answer.rule)
}

fn other(state: State) -> State {
    match state {
        State::On => State::Off,
        State::Off => State::On,
    }
}

/// The problem, and the place in the text where it begins.
fn pointed(schedule: &str, located: &LocatedError) -> String {
    let problem = format!(
        "column {}: {}; {}",
        located.column, located.problem, located.remedy
    );
    if let Some(inner) = &located.schedule {
        return format!("schedule {inner:?}, {problem}");
    }
    let before = " ".repeat(located.column.saturating_sub(1));
    format!("{problem}\n  {}\n  {before}^", super::plain(schedule))
}

fn zone_name(text: &str) -> Result<String, String> {
    times::zone(text).map(|_| text.to_owned())
}

/// The texts of the configuration's schedules in our own grammar, which others may name.
fn texts(config: Option<&Config>) -> BTreeMap<String, String> {
    let schedules = config.iter().flat_map(|config| &config.schedules);
    schedules
        .filter(|(_, named)| named.syntax == Syntax::Windows)
        .map(|(name, named)| (name.clone(), named.schedule.to_string()))
        .collect()
}
