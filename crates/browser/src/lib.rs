//! A thin client of the Chrome `DevTools` Protocol: pages as people use them, for checks that must not trust a browser.
//!
//! What must always hold:
//! - Nothing goes on when a [`Page`] is dropped: there is no task behind it, and its browser context ends with its connection.
//! - Messages, bytes and time are bounded, whatever a browser or a page sends.
//! - What is asked of a page runs in a world of its own, which the page's scripts can't change.

#[cfg(feature = "chromium")]
mod chromium;
mod connection;
mod element;
mod error;
mod events;
mod input;
mod limits;
mod log;
mod page;
mod secluded;
mod view;

#[cfg(feature = "chromium")]
pub use chromium::Chromium;
pub use connection::Endpoint;
pub use element::{IntendedAction, Located, Locator, NotActionable, TextMatch};
pub use error::Error;
pub use input::Key;
pub use limits::MAX_MESSAGE_BYTES;
pub use log::{Log, MAX_LINE, PendingRequest, Problem, ProblemKind, RequestLine};
pub use page::{Decision, Navigation, Page, PageOptions, PageRequest, RequestPolicy, Viewport};
pub use view::{Audit, Contrast, LowContrast, Node, Overflow, Screenshot, View};
