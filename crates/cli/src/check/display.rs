//! How a run is shown while it goes on, and its end.
//!
//! Each check is a line as soon as it is measured, with its reason where it did not pass. In a bake a line is written
//! only where a check comes to something else than in the round before; on a terminal one more line says how far the
//! bake is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::time::Duration;

use gate::{Bake, Conclusion, Measurement, Outcome, Progress, Severity, Stage};
use text::words;

use super::formats::notes;
use super::target::Release;
use crate::screen::{Screen, Style};

pub(super) struct Display<'a> {
    screen: &'a mut Screen,
    quiet: bool,
    stage: Stage,
    checks: usize,
    bake: Bake,
    /// What each check came to in its last round.
    last: BTreeMap<String, Measurement>,
    round: u32,
    done_in_round: usize,
    /// There is a line that is to be written over.
    moving: bool,
    terminal: bool,
}

impl<'a> Display<'a> {
    pub(super) fn new(
        screen: &'a mut Screen,
        quiet: bool,
        stage: Stage,
        checks: usize,
        bake: Bake,
    ) -> Self {
        let terminal = !screen.json && !quiet && io::stdout().is_terminal();
        Self {
            screen,
            quiet,
            stage,
            checks,
            bake,
            last: BTreeMap::new(),
            round: 0,
            done_in_round: 0,
            moving: false,
            terminal,
        }
    }

    pub(super) fn begin(&mut self, release: &Release) {
        if self.quiet {
            return;
        }
        let checks = words::count(self.checks, "check");
        let (suite, address) = (&release.suite.name, release.address());
        let mut line = format!("{suite}, {}: {checks} against {address}", self.stage);
        if let Some(deployment) = release.deployment() {
            let _ = write!(line, " (deployment {deployment})");
        }
        if self.bakes() {
            let every = words::duration(self.bake.every);
            let length = words::duration(self.bake.length());
            let _ = write!(line, ", every {every} for {length}");
        }
        self.screen.progress(&line, Some(Style::Heading));
    }

    pub(super) fn show(&mut self, progress: &Progress) -> io::Result<()> {
        match progress {
            Progress::RoundBegun { number, elapsed } => {
                self.round = *number;
                self.done_in_round = 0;
                self.how_far(*elapsed)
            }
            Progress::CheckDone {
                name,
                severity,
                measurement,
                detail,
                duration,
                tries,
            } => {
                self.done_in_round += 1;
                let before = self.last.insert(name.clone(), *measurement);
                let worth_a_line = match before {
                    None => true,
                    Some(before) => before != *measurement,
                };
                if self.quiet || !worth_a_line {
                    return Ok(());
                }
                self.clear()?;
                let mut facts = vec![words::duration(*duration)];
                if *tries > 1 {
                    facts.push(format!("{tries} tries"));
                }
                if self.bakes() {
                    facts.push(format!("round {}", self.round));
                }
                match severity {
                    Severity::Required => {}
                    Severity::DryRun => facts.push("dry run".to_owned()),
                    Severity::Advisory => facts.push("advisory".to_owned()),
                    Severity::Overridden => facts.push("overridden".to_owned()),
                }
                let word = format!("{:<12}", measurement.as_str());
                let word = self.styled(style(*measurement), &word);
                let facts = self.styled(Style::Quiet, &format!("({})", facts.join(", ")));
                self.screen
                    .progress(&format!("  {word} {name} {facts}"), None);
                if *measurement != Measurement::Passed && !detail.is_empty() {
                    self.screen
                        .progress(&format!("               {detail}"), None);
                }
                Ok(())
            }
        }
    }

    pub(super) fn end(&mut self, outcome: &Outcome) -> io::Result<()> {
        self.clear()?;
        if self.screen.json {
            return self.screen.line(gate::report::json(&outcome.report));
        }
        let verdict = &outcome.verdict;
        let style = match verdict.conclusion {
            Conclusion::Passed => Style::Good,
            Conclusion::Failed => Style::Bad,
            Conclusion::Inconclusive => Style::Careful,
        };
        let dry_run = if verdict.dry_run { " (dry run)" } else { "" };
        let word = if outcome.refused {
            "refused"
        } else {
            verdict.conclusion.as_str()
        };
        let took = words::duration(Duration::from_millis(outcome.report.duration_ms));
        let word = self.screen.styled(style, word);
        self.screen.line(format!("{word}{dry_run} after {took}"))?;
        for reason in &verdict.reasons {
            self.screen.line(format!("  {reason}"))?;
        }
        if !self.quiet {
            for check in &outcome.report.checks {
                for note in notes(check) {
                    let line = format!("  note on {}: {note}", check.name);
                    self.screen.line(self.screen.styled(Style::Quiet, &line))?;
                }
            }
        }
        Ok(())
    }

    fn bakes(&self) -> bool {
        self.stage == Stage::PostTraffic && !self.bake.window.is_zero()
    }

    /// On standard error there are no colours.
    fn styled(&self, style: Style, text: &str) -> String {
        if self.screen.json {
            text.to_owned()
        } else {
            self.screen.styled(style, text)
        }
    }

    /// The line that moves.
    fn how_far(&mut self, elapsed: Duration) -> io::Result<()> {
        if !self.terminal || !self.bakes() {
            return Ok(());
        }
        let passed = self
            .last
            .values()
            .filter(|m| **m == Measurement::Passed)
            .count();
        let line = format!(
            "  round {}, {} of {}: {passed} of {} passed",
            self.round,
            words::duration(Duration::from_secs(elapsed.as_secs())),
            words::duration(self.bake.length()),
            words::count(self.checks, "check"),
        );
        let width = self.screen.width().unwrap_or(80).saturating_sub(1);
        let line: String = line.chars().take(width).collect();
        let mut out = io::stdout();
        write!(out, "\r\u{1b}[K{line}")?;
        out.flush()?;
        self.moving = true;
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.moving) {
            let mut out = io::stdout();
            write!(out, "\r\u{1b}[K")?;
            out.flush()?;
        }
        Ok(())
    }
}

fn style(measurement: Measurement) -> Style {
    match measurement {
        Measurement::Passed => Style::Good,
        Measurement::Failed => Style::Bad,
        Measurement::Inconclusive | Measurement::Errored | Measurement::NoData => Style::Careful,
    }
}
