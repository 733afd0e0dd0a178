//! A body's sections as far as a surface has room for them.

use crate::body::{Line, MessageBody, Section};
use crate::budget::{Group, SizeBudget, fit};
use crate::texts::{Key, Texts};

/// What things cost on a surface. Each is written as it will be sent, and measured.
pub(super) trait Cost {
    /// A heading with its summary, and whatever opens and closes a section.
    fn heading(&self, section: &Section) -> usize;
    /// A line of a section.
    fn line(&self, line: &Line) -> usize;
    /// A line that says how many more there are.
    fn more(&self, text: &str) -> usize;
}

/// How much room a surface has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For all sections, in the unit of the costs.
    pub(super) total: usize,
    /// For one line.
    pub(super) line: usize,
    /// Sections at most.
    pub(super) sections: usize,
}

/// A section as it is shown.
pub(super) struct FittedSection<'a> {
    /// The section with its heading and summary.
    pub(super) section: &'a Section,
    /// Its lines.
    pub(super) lines: Vec<Line>,
    /// What is said of those that are left out.
    pub(super) more: Option<String>,
}

/// The sections as far as there is room, and what is said of those that have none.
pub(super) fn sections<'a>(
    body: &'a MessageBody,
    limits: &Limits,
    cost: &impl Cost,
    texts: &Texts,
) -> (Vec<FittedSection<'a>>, Option<String>) {
    // As long as the line gets.
    let longest = texts.count(Key::MoreOne, Key::MoreOther, 1_000_000);
    let mut lines: Vec<Vec<Line>> = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    for section in &body.sections {
        let cut: Vec<Line> = section
            .items
            .iter()
            .map(|item| item.line.within(limits.line, |line| cost.line(line)))
            .collect();
        groups.push(Group {
            heading: cost.heading(section),
            more: cost.more(&longest),
            items: section
                .items
                .iter()
                .zip(&cut)
                .map(|(item, line)| (item.rank, cost.line(line)))
                .collect(),
            hidden: section.hidden,
        });
        lines.push(cut);
    }
    let room = SizeBudget {
        total: limits.total,
        groups: limits.sections,
        remainder: cost.more(&longest),
    };
    let kept = fit(&groups, &room);
    let more = |n: usize| (n > 0).then(|| texts.count(Key::MoreOne, Key::MoreOther, n));
    let shown = kept
        .groups
        .iter()
        .map(|group| FittedSection {
            section: &body.sections[group.index],
            lines: group
                .items
                .iter()
                .map(|item| lines[group.index][*item].clone())
                .collect(),
            more: more(group.more),
        })
        .collect();
    (shown, more(kept.left_out))
}
