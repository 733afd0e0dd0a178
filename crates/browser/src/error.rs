//! Why a browser could not do something, and whose fault that is.

use tokio_tungstenite::tungstenite;

use crate::limits::MAX_MESSAGE_BYTES;

/// Why nothing came of a browser's work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address of the browser can't be used.
    #[error("the address of the browser can't be used: {why}; write ws://HOST:PORT/PATH")]
    Endpoint {
        /// What is wrong with it.
        why: String,
    },
    /// Nobody answers there.
    #[error(
        "no browser answers at {place}: {why}; check that it runs, and that this address reaches it"
    )]
    Connect {
        /// Host and port.
        place: String,
        /// The cause.
        why: String,
    },
    /// There is no program to start, or it ends at once.
    #[error("{0}")]
    Start(String),
    /// The browser went away.
    #[error("the browser closed the connection")]
    Closed,
    /// The connection broke.
    #[error("the connection to the browser broke off: {0}")]
    Broken(String),
    /// The browser does not do what a command says.
    #[error("the browser refuses {method}: {message}")]
    Refused {
        /// The command.
        method: String,
        /// The browser's words.
        message: String,
    },
    /// No answer to a command in time. A page whose script never ends keeps the browser from answering, too.
    #[error("the browser does not answer {method} in time")]
    Silent {
        /// The command.
        method: String,
    },
    /// What came is no message of the protocol.
    #[error("the browser sent what is no message of the Chrome DevTools Protocol: {0}")]
    Nonsense(String),
    /// A message that is longer than is read.
    #[error("a message of the browser is longer than {} MiB, which is as much as is read", MAX_MESSAGE_BYTES / 1024 / 1024)]
    TooLarge,
    /// More messages than are read.
    #[error(
        "the browser sent {messages} messages with {bytes} bytes, which is as much as is read; do less in one check"
    )]
    Flood {
        /// How many came.
        messages: usize,
        /// How long they were together.
        bytes: usize,
    },
    /// The page's own process ended.
    #[error("the page crashed")]
    Crashed,
    /// The browser answers and the page does not: a script of it never ends.
    #[error("the page does not answer: a script of it keeps it busy")]
    Frozen,
    /// Another document came before the browser answered what was asked of the one before; it may never answer.
    #[error("the page went on to another one before {method} was answered")]
    DocumentGone {
        /// The command.
        method: String,
    },
    /// A script of ours in the page failed.
    #[error("a look into the page failed: {0}")]
    Script(String),
}

impl Error {
    /// Whether it says something of the page, and not of the browser or of the way to it.
    pub fn is_of_page(&self) -> bool {
        matches!(self, Self::Crashed | Self::Frozen)
    }

    /// What was asked of a document is void, as another one has come.
    pub(crate) fn is_of_a_document_gone(&self) -> bool {
        let message = match self {
            Self::DocumentGone { .. } => return true,
            Self::Refused { message, .. } => message,
            _ => return false,
        };
        [
            "Cannot find context",
            "Execution context was destroyed",
            "Promise was collected",
            "Inspected target navigated or closed",
            "uniqueContextId not found",
            "Cannot find execution context",
            "Cannot find default execution context",
        ]
        .iter()
        .any(|words| message.contains(words))
    }

    pub(crate) fn nonsense(error: &serde_json::Error) -> Self {
        Self::Nonsense(error.to_string())
    }

    pub(crate) fn broken(error: &tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Capacity(_) => Self::TooLarge,
            tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => {
                Self::Closed
            }
            other => Self::Broken(other.to_string()),
        }
    }
}
