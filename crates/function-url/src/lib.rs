//! The edge of a function that anybody can call by its URL: requests in, pages out, forms that only our own
//! pages can send, Slack's requests within the time that Slack waits, and events that a function sends to
//! itself.
//!
//! What must always hold:
//! - Each answer has the headers that keep a browser from storing, embedding, sniffing or leaking it.
//! - Nothing of a request is looked at before it has proved where it comes from.
//! - Who can't prove anything learns nothing, not even why.

mod form;
pub mod page;
mod request;
mod response;
mod self_invocation;
pub mod slack_request;

pub use form::{Form, NotFromForm, ShownForm};
pub use request::{MAX_BODY, NotOurs, Request, is_request};
pub use response::Response;
pub use self_invocation::{OpenError, SealedEvent, SelfEvent, SelfInvocationError, invoke_self};
