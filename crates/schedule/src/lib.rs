//! When an environment is on: pure functions of a schedule and an instant.
//!
//! Why it is a crate of its own: whether something sleeps, and whether somebody may decide at this
//! hour, must be readable, testable and the same everywhere. So nothing here reads a clock, a file, the
//! environment or the machine's time zone data: the zone database is the one that is built in.
//!
//! - [`Schedule`] is what a person wrote, in one of three grammars ([`Syntax`]).
//! - [`Calendar`] holds the holidays, [`Overrides`] what people asked for in the meantime.
//! - [`desired_state`] says on or off at an instant, and why; [`next_edge`] when that changes next.
//!
//! The two rules that are easy to get wrong:
//! - A local time is not an instant. A time that the clocks skip means the first instant after the gap.
//!   A time that they show twice means the first occurrence where a window starts and the last one where
//!   it ends, so that nobody is cut off an hour early.
//! - A window over midnight belongs to the day on which it starts: `Fri 20:00-06:00` ends on Saturday
//!   morning. The same holds for holidays: on a holiday nothing starts, and what has started the evening
//!   before ends as it would.

pub mod aws_cron;
pub mod aws_expression;
mod calendar;
mod calendar_problem;
mod cursor;
pub mod custodian;
mod desired_state;
mod encoding;
mod error;
mod events;
mod icalendar;
pub mod kube_downscaler;
mod parse;
mod read;
mod recurrence;
mod schedule;
mod state;
mod syntax;
mod window;
mod zone;

pub use calendar::{Calendar, CalendarError};
pub use calendar_problem::CalendarProblem;
pub use desired_state::{Decision, Edge, Overrides, StateReason, desired_state, next_edge};
pub use encoding::MAX_CALENDAR_BYTES;
pub use error::ScheduleError;
pub use schedule::{Part, Schedule};
pub use state::State;
pub use syntax::{Context, Syntax, UnknownSyntax};
pub use zone::zone_data;
