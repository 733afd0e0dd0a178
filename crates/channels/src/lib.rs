//! Where people are reached: in which words, within what each service accepts, and each of them once.
//!
//! A [`Message`] is what people are sent; [`render`] makes of it what a channel takes, as a pure function; [`deliver()`]
//! sends it, and a [`Dispatcher`] sends it once to each [`Recipient`].
//!
//! What must always hold:
//! - A message stays within the limits of its service, whatever was found out about a release, and what
//!   is dangerous is the last to be left out.
//! - Nothing that others wrote does anything: no mention, no markup, no link but https.
//! - No secret and no approval token is in a message, an error or a log.
//! - Nothing is sent to a private address, nor where a redirect leads.

mod body;
mod budget;
mod deliver;
mod dispatch;
pub mod limits;
mod links;
mod message;
mod outgoing;
mod recipient;
mod render;
pub mod standard_webhooks;
mod texts;

pub use deliver::{
    Cause, DeliverError, Delivered, DeliveryMode, DeliveryRequest, deliver, prepare,
};
pub use dispatch::{DeliveryClaim, DispatchError, Dispatcher, MessageKey, Post};
pub use message::{
    Announcement, AnnouncementList, ApprovalNotice, Choice, ForwardedMessage, Links, Message,
    NoticeLength, NoticeReason, Severity, Subject,
};
pub use outgoing::{
    Http, Outgoing, RequestError, SLACK_API, UrlError, answer_slack, is_public, leads_to_slack,
};
pub use recipient::{Recipient, recipients};
pub use render::{Payload, Size, Surface, render, render_as};
pub use texts::{Key, Texts, check as check_texts, fill};
