//! Where people are reached: what is told in which words, written within what each service accepts, and
//! delivered.
//!
//! A [`Message`] is what is to be told; [`render`] makes of it what a channel is sent, as a pure function;
//! [`deliver()`] sends it.
//!
//! What must always hold:
//! - A message stays within the limits of its service, whatever was found out about a release, and what
//!   is dangerous is the last to be left out.
//! - Nothing that others wrote does anything: no mention, no markup, no link but https.
//! - No secret and no approval token is in a message, an error or a log.
//! - Nothing is sent to a private address, nor where a redirect leads.

mod body;
mod budget;
mod clean;
mod deliver;
pub mod limits;
mod message;
mod outgoing;
mod render;
pub mod standard_webhooks;
mod texts;

pub use deliver::{Cause, DeliverError, Delivered, DeliveryRequest, Mode, deliver, prepare};
pub use message::{
    Announcement, AnnouncementList, Choice, ForwardedMessage, Links, Message, Occasion, Severity,
    Shape,
};
pub use outgoing::{
    Http, Outgoing, RequestError, SLACK_API, UrlError, answer_slack, is_public, leads_to_slack,
};
pub use render::{Payload, Size, Surface, render, render_as};
pub use texts::{Key, Texts, check as check_texts, fill};
