//! What is demanded of every page, whatever the steps are: nothing goes wrong behind it, it fits the screen, everybody can
//! use it, and it is as quick as the suite says. A problem that a suite knows of is allowed by its text.

use std::time::Duration;

use browser::{Contrast, Log, LowContrast, Node, Overflow, ProblemKind, View};

use super::{Browser, Screen};
use crate::expect::{Actual, Finding, several};
use crate::probe::Trace;
use crate::words;

/// Roles that must have a name, and the rule that says so.
const NAMED_ROLES: [(&str, &str); 12] = [
    ("button", "button-name"),
    ("link", "link-name"),
    ("image", "image-name"),
    ("textbox", "field-name"),
    ("searchbox", "field-name"),
    ("combobox", "field-name"),
    ("listbox", "field-name"),
    ("checkbox", "field-name"),
    ("radio", "field-name"),
    ("slider", "field-name"),
    ("spinbutton", "field-name"),
    ("switch", "field-name"),
];

/// What of a page's coming is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vital {
    /// The largest piece of content is there.
    Lcp,
    /// Pieces of it move.
    Cls,
    /// The first byte of the page's answer.
    Ttfb,
    /// The longest time in which the page could not react.
    LongTask,
}

impl Vital {
    pub(crate) const ALL: [(&'static str, Self); 4] = [
        ("lcp", Self::Lcp),
        ("cls", Self::Cls),
        ("ttfb", Self::Ttfb),
        ("long_task", Self::LongTask),
    ];

    fn words(self) -> &'static str {
        match self {
            Self::Lcp => "largest contentful paint",
            Self::Cls => "cumulative layout shift",
            Self::Ttfb => "time to first byte",
            Self::LongTask => "longest task",
        }
    }

    fn of(self, view: &View) -> Option<f64> {
        match self {
            Self::Lcp => view.lcp,
            Self::Cls => Some(view.cls),
            Self::Ttfb => view.ttfb,
            Self::LongTask => Some(view.long_task),
        }
    }

    /// As people read it.
    fn shown(self, value: f64) -> String {
        match self {
            Self::Cls => format!("{value:.3}"),
            _ => words::duration(Duration::from_secs_f64(value.max(0.0).round() / 1_000.0)),
        }
    }
}

/// `lcp: "< 2.5s"`
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct VitalLimit {
    pub(crate) vital: Vital,
    /// In milliseconds; of a layout shift, as it is.
    pub(crate) limit: f64,
    /// Whether just that much is good enough.
    pub(crate) inclusive: bool,
}

impl VitalLimit {
    fn holds(&self, value: f64) -> bool {
        value < self.limit || (self.inclusive && value <= self.limit)
    }
}

/// What was found wrong with the pages of a check.
pub(super) struct Findings<'a> {
    probe: &'a Browser,
    problems: Vec<(Demand, String)>,
    allowed: Vec<String>,
    /// Problems that are not known, as there were too many.
    unknown: usize,
    /// The worst value of each vital that is limited.
    worst: Vec<Option<f64>>,
    /// Documents that were looked at.
    pages: usize,
}

/// What is demanded, in the order in which it is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    Of(ProblemKind),
    Fits,
    Accessible,
}

impl Demand {
    fn all() -> impl Iterator<Item = Self> {
        let kinds = ProblemKind::ALL.into_iter().map(Self::Of);
        kinds.chain([Self::Fits, Self::Accessible])
    }

    fn words(self) -> &'static str {
        match self {
            Self::Of(ProblemKind::Exception) => "no uncaught exceptions",
            Self::Of(ProblemKind::Console) => "no errors in the console",
            Self::Of(ProblemKind::Request) => "no failed requests",
            Self::Of(ProblemKind::MixedContent) => "no content by http on pages by https",
            Self::Of(ProblemKind::ContentPolicy) => "no violations of the content security policy",
            Self::Of(ProblemKind::Dialog) => "no dialogs",
            Self::Of(ProblemKind::PopUp) => "no other windows",
            Self::Of(ProblemKind::Download) => "no downloads",
            Self::Of(ProblemKind::Refused) => "no requests beyond the release",
            Self::Fits => "no page wider than the screen",
            Self::Accessible => "no page that breaks the basics of accessibility",
        }
    }
}

impl<'a> Findings<'a> {
    pub(super) fn new(probe: &'a Browser) -> Self {
        Self {
            probe,
            problems: Vec::new(),
            allowed: Vec::new(),
            unknown: 0,
            worst: vec![None; probe.vitals.len()],
            pages: 0,
        }
    }

    /// How many problems there are that nobody allows.
    pub(super) fn len(&self) -> usize {
        self.problems.len()
    }

    fn add(&mut self, demand: Demand, text: &str, screen: &Screen) {
        let shown = format!("{}: {text}", screen.name);
        if self.probe.allows(text) {
            if !self.allowed.contains(&shown) {
                self.allowed.push(shown);
            }
        } else if !self.problems.contains(&(demand, shown.clone())) {
            self.problems.push((demand, shown));
        }
    }

    /// What went wrong behind all the pages of a screen.
    pub(super) fn take_log(&mut self, log: &Log, screen: &Screen) {
        for problem in &log.problems {
            self.add(Demand::Of(problem.kind), &problem.text, screen);
        }
        self.unknown += log.problems_left_out;
    }

    /// The same where the way has changed: that a page is no longer where it was is no fault.
    pub(super) fn take_log_of_outdated_replay(&mut self, log: &Log, screen: &Screen) {
        for problem in &log.problems {
            if !matches!(problem.kind, ProblemKind::Request | ProblemKind::Refused) {
                self.add(Demand::Of(problem.kind), &problem.text, screen);
            }
        }
        self.unknown += log.problems_left_out;
    }

    /// A request that got no answer, by its text.
    pub(super) fn take_unanswered(&mut self, text: &str, screen: &Screen) {
        self.add(Demand::Of(ProblemKind::Request), text, screen);
    }

    /// What a page is like that has come to rest.
    pub(super) fn take_page(
        &mut self,
        view: &View,
        overflow: Option<Overflow>,
        tree: &[Node],
        contrast: &Contrast,
        screen: &Screen,
    ) {
        self.pages += 1;
        let path = url::Url::parse(&view.url)
            .map_or_else(|_| view.url.clone(), |url| url.path().to_owned());
        if let Some(Overflow { width, by }) = overflow {
            let most = screen.viewport.width;
            let text = format!("{path} is {width} wide, the screen {most}: {by}");
            self.add(Demand::Fits, &text, screen);
        }
        for problem in inaccessible(view, tree)
            .into_iter()
            .chain(contrast.low.iter().map(low_contrast))
        {
            let text = format!("{problem} in {path}");
            self.add(Demand::Accessible, &text, screen);
        }
        for (limit, worst) in self.probe.vitals.iter().zip(&mut self.worst) {
            if let Some(value) = limit.vital.of(view) {
                *worst = Some(worst.map_or(value, |worst| worst.max(value)));
            }
        }
    }

    /// All that is demanded, and what came of it.
    pub(super) fn all(self, trace: &mut Trace) -> Vec<Finding> {
        for allowed in self.allowed {
            trace.notes.push(format!("allowed: {allowed}"));
        }
        let mut findings = Vec::new();
        for demand in Demand::all() {
            let problems = self.problems.iter().filter(|(of, _)| *of == demand);
            let texts: Vec<String> = problems.map(|(_, text)| text.clone()).collect();
            let count = texts.len();
            let got = if count == 0 {
                Actual::Words("none".to_owned())
            } else {
                Actual::Value(several(texts.into_iter(), count, "; "))
            };
            findings.push(Finding::new(demand.words(), got, count == 0));
        }
        if self.unknown > 0 {
            let why = format!("{} more than are kept", self.unknown);
            findings.push(Finding::errored("all problems to be known", why));
        }
        for (limit, worst) in self.probe.vitals.iter().zip(self.worst) {
            let vital = limit.vital;
            let sign = if limit.inclusive { "<=" } else { "<" };
            let demand = format!("{} {sign} {}", vital.words(), vital.shown(limit.limit));
            findings.push(match worst {
                Some(value) => {
                    let got = Actual::Words(vital.shown(value));
                    Finding::new(demand, got, limit.holds(value))
                }
                None => Finding::errored(demand, "no page had this measured"),
            });
        }
        findings
    }
}

/// The basics without which some people can't use a page, each with its rule.
fn inaccessible(view: &View, tree: &[Node]) -> Vec<String> {
    let mut problems = Vec::new();
    if view.lang.trim().is_empty() {
        problems.push("html-lang: no language".to_owned());
    }
    if view.title.trim().is_empty() {
        problems.push("page-title: no title".to_owned());
    }
    if !tree.iter().any(|node| node.role == "main") {
        problems.push("main-landmark: no main".to_owned());
    }
    for (role, rule) in NAMED_ROLES {
        let nameless = tree
            .iter()
            .filter(|node| node.role == role && node.name.trim().is_empty());
        match nameless.count() {
            0 => {}
            count => problems.push(format!("{rule}: {role} without a name ({count})")),
        }
    }
    problems
}

/// `text-contrast: 2.32:1 of #aaaaaa on #ffffff, and 4.5:1 is needed: p.note "as of today" (3)`
fn low_contrast(low: &LowContrast) -> String {
    let LowContrast {
        what,
        ratio,
        needed,
        colour,
        background,
        count,
    } = low;
    format!(
        "text-contrast: {ratio:.2}:1 of {colour} on {background}, and {needed}:1 is needed: {what} ({count})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(role: &str, name: &str) -> Node {
        Node {
            depth: 0,
            role: role.to_owned(),
            name: name.to_owned(),
            ..Node::default()
        }
    }

    fn view(lang: &str, title: &str) -> View {
        View {
            url: "http://h/".to_owned(),
            title: title.to_owned(),
            text: String::new(),
            ready: true,
            lang: lang.to_owned(),
            ttfb: None,
            lcp: None,
            cls: 0.0,
            long_task: 0.0,
        }
    }

    #[test]
    fn a_page_that_everybody_can_use_has_names_and_landmarks() {
        let good = [node("main", ""), node("button", "Buy"), node("list", "")];
        assert!(inaccessible(&view("en", "Shop"), &good).is_empty());
        let bad = [
            node("button", " "),
            node("image", ""),
            node("textbox", ""),
            node("textbox", ""),
        ];
        assert_eq!(
            inaccessible(&view("", ""), &bad),
            [
                "html-lang: no language",
                "page-title: no title",
                "main-landmark: no main",
                "button-name: button without a name (1)",
                "image-name: image without a name (1)",
                "field-name: textbox without a name (2)",
            ]
        );
    }

    #[test]
    fn a_limit_of_a_vital_holds_as_it_is_written() {
        let limit = |inclusive| VitalLimit {
            vital: Vital::Cls,
            limit: 0.1,
            inclusive,
        };
        assert!(!limit(false).holds(0.1) && limit(true).holds(0.1) && limit(false).holds(0.09));
        assert!(!limit(true).holds(0.11));
        assert_eq!(Vital::Lcp.shown(2_500.0), "2.5s");
        assert_eq!(Vital::Cls.shown(0.123_4), "0.123");
    }
}
