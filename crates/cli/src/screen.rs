//! Where results go. Colours are for terminals only, and for those who don't say `NO_COLOR`
//! (<https://no-color.org>).

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

/// Standard output and standard error.
#[derive(Debug)]
pub(crate) struct Screen {
    /// Whether results are told as JSON.
    pub(crate) json: bool,
    colours: bool,
    out: io::Stdout,
    err: io::Stderr,
}

/// What a piece of text is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Style {
    /// A heading.
    Heading,
    /// Good.
    Good,
    /// Wrong.
    Bad,
    /// To be looked at.
    Careful,
    /// Of less interest.
    Quiet,
}

impl Screen {
    /// The screen of this process.
    pub(crate) fn new(json: bool) -> Self {
        let wanted = common::settings::environment("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            json,
            colours: wanted && io::stdout().is_terminal(),
            out: io::stdout(),
            err: io::stderr(),
        }
    }

    /// One that nobody looks at, with or without colours.
    #[cfg(test)]
    pub(crate) fn of(colours: bool) -> Self {
        Self {
            colours,
            ..Self::new(false)
        }
    }

    /// Whether there are colours.
    pub(crate) fn has_colours(&self) -> bool {
        self.colours
    }

    /// How many columns a line may have; none where it goes into a file or a pipe.
    pub(crate) fn width(&self) -> Option<usize> {
        let size = rustix::termios::tcgetwinsize(&self.out).ok()?;
        (size.ws_col > 0).then(|| size.ws_col.into())
    }

    /// A line of a result.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        writeln!(self.out, "{}", text.as_ref())
    }

    /// What goes on meanwhile: beside the result, or on standard error where that is JSON. That nobody can read it is
    /// no reason to stop.
    pub(crate) fn progress(&mut self, text: &str, style: Option<Style>) {
        let _ = if self.json {
            writeln!(self.err, "{text}")
        } else {
            let text = style.map_or_else(|| text.to_owned(), |style| self.styled(style, text));
            writeln!(self.out, "{text}")
        };
    }

    /// A result as JSON.
    pub(crate) fn value(&mut self, value: &Value) -> io::Result<()> {
        self.line(format!("{value:#}"))
    }

    /// What is wrong, and what to do about it. That it can't be written is no reason to fail otherwise.
    pub(crate) fn error(&mut self, what: &impl std::fmt::Display) {
        let _ = writeln!(self.err, "{what}");
    }

    /// The text in a style, where there are colours.
    pub(crate) fn styled(&self, style: Style, text: &str) -> String {
        if !self.colours {
            return text.to_owned();
        }
        let code = match style {
            Style::Heading => "1",
            Style::Good => "32",
            Style::Bad => "31",
            Style::Careful => "33",
            Style::Quiet => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
