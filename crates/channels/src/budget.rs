//! What fits. A message has room for so much; what is told is measured first, and the most dangerous is
//! kept first. What is left out is counted, so that nobody takes a part for the whole.
//!
//! Only numbers here: what a line costs on a surface is the surface's business.

/// What is kept before what, whatever the order in which it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// What every reader needs: a gate that failed, the commit.
    First,
    /// A resource is removed.
    Removal,
    /// A resource is replaced.
    Replacement,
    /// Access changes.
    Access,
    /// Something that holds data changes.
    Data,
    /// What a gate said.
    Gate,
    /// What the action's owner said.
    Comment,
    /// Further commits.
    Source,
    /// What is not known.
    Gap,
    /// Variables.
    Variable,
    /// All other changes.
    Rest,
}

/// Some lines under one heading.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    /// What its heading costs.
    pub(crate) heading: usize,
    /// What the line "N more" at its end costs.
    pub(crate) more: usize,
    /// Its lines, in the order in which they are shown, and what each costs.
    pub(crate) items: Vec<(Rank, usize)>,
    /// What had been left out before.
    pub(crate) hidden: usize,
}

/// How much there is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SizeBudget {
    /// In the unit of the costs.
    pub(crate) total: usize,
    /// Groups at most.
    pub(crate) groups: usize,
    /// What the line costs that speaks of groups without a place.
    pub(crate) remainder: usize,
}

/// What is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FittedText {
    /// The groups, in their order.
    pub(crate) groups: Vec<FittedLines>,
    /// How many lines have no place because their groups have none.
    pub(crate) left_out: usize,
}

/// What is shown of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FittedLines {
    /// Which one.
    pub(crate) index: usize,
    /// Which of its lines, in their order.
    pub(crate) items: Vec<usize>,
    /// How many more there are.
    pub(crate) more: usize,
}

/// Chooses what is shown.
///
/// All of it, if there is room. Else line by line in the order of their ranks, and within a rank in the
/// order in which they are shown, until one has no room: nothing less important takes the place of
/// something more important that is longer.
pub(crate) fn fit(groups: &[Group], room: &SizeBudget) -> FittedText {
    let mut chosen: Vec<Option<Vec<usize>>> = vec![None; groups.len()];
    if groups.len() <= room.groups && whole(groups) <= room.total {
        for (group, chosen) in groups.iter().zip(&mut chosen) {
            *chosen = Some((0..group.items.len()).collect());
        }
    } else {
        choose(groups, room, &mut chosen);
    }
    selected(groups, chosen)
}

/// What everything costs.
fn whole(groups: &[Group]) -> usize {
    let cost = |group: &Group| {
        let more = if group.hidden > 0 { group.more } else { 0 };
        let items: usize = group.items.iter().map(|(_, cost)| cost).sum();
        group.heading + more + items
    };
    groups.iter().map(cost).sum()
}

fn choose(groups: &[Group], room: &SizeBudget, chosen: &mut [Option<Vec<usize>>]) {
    let mut order: Vec<(Rank, usize, usize)> = Vec::new();
    for (g, group) in groups.iter().enumerate() {
        order.extend(
            group
                .items
                .iter()
                .enumerate()
                .map(|(i, (rank, _))| (*rank, g, i)),
        );
    }
    order.sort_unstable();
    let (mut used, mut opened) = (room.remainder, 0);
    for (_, g, i) in order {
        let group = &groups[g];
        let opening = chosen[g].is_none();
        if opening && opened == room.groups {
            continue;
        }
        // The line "N more" is paid with the heading: it is needed unless all lines find a place.
        let first = if opening {
            group.heading + group.more
        } else {
            0
        };
        let cost = first + group.items[i].1;
        if used + cost > room.total {
            break;
        }
        used += cost;
        opened += usize::from(opening);
        chosen[g].get_or_insert_default().push(i);
    }
}

fn selected(groups: &[Group], chosen: Vec<Option<Vec<usize>>>) -> FittedText {
    let mut kept = FittedText::default();
    for (index, (group, items)) in groups.iter().zip(chosen).enumerate() {
        let all = group.items.len() + group.hidden;
        match items {
            None => kept.left_out += all,
            Some(mut items) => {
                items.sort_unstable();
                let more = all - items.len();
                kept.groups.push(FittedLines { index, items, more });
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranks() -> impl Strategy<Value = Rank> {
        prop::sample::select(vec![
            Rank::First,
            Rank::Removal,
            Rank::Data,
            Rank::Source,
            Rank::Rest,
        ])
    }

    fn groups() -> impl Strategy<Value = Vec<Group>> {
        let group = (
            0..40_usize,
            0..20_usize,
            0..5_usize,
            prop::collection::vec((ranks(), 0..60_usize), 0..30),
        );
        let group = group.prop_map(|(heading, more, hidden, items)| Group {
            heading,
            more,
            items,
            hidden,
        });
        prop::collection::vec(group, 0..8)
    }

    fn cost(groups: &[Group], kept: &FittedText) -> usize {
        let of = |group: &FittedLines| {
            let all = &groups[group.index];
            let items: usize = group.items.iter().map(|i| all.items[*i].1).sum();
            all.heading + items + if group.more > 0 { all.more } else { 0 }
        };
        kept.groups.iter().map(of).sum()
    }

    proptest! {
        #[test]
        fn never_more_than_there_is_room_for(groups in groups(), total in 0..1_500_usize, most in 0..8_usize) {
            let room = SizeBudget { total, groups: most, remainder: 20 };
            let kept = fit(&groups, &room);
            let remainder = if kept.left_out > 0 { 20 } else { 0 };
            prop_assert!(cost(&groups, &kept) + remainder <= total.max(remainder));
            prop_assert!(kept.groups.len() <= most);
        }

        #[test]
        fn nothing_is_lost_unnamed(groups in groups(), total in 0..1_500_usize) {
            let kept = fit(&groups, &SizeBudget { total, groups: 5, remainder: 20 });
            let all: usize = groups.iter().map(|group| group.items.len() + group.hidden).sum();
            let told: usize = kept.groups.iter().map(|group| group.items.len() + group.more).sum();
            prop_assert_eq!(all, told + kept.left_out);
        }

        #[test]
        fn the_more_important_is_kept_first(groups in groups(), total in 0..1_500_usize) {
            let kept = fit(&groups, &SizeBudget { total, groups: 8, remainder: 20 });
            let is_kept = |g: usize, i: usize| {
                kept.groups.iter().any(|group| group.index == g && group.items.contains(&i))
            };
            let mut worst_kept = Rank::First;
            let mut best_dropped = None::<Rank>;
            for (g, group) in groups.iter().enumerate() {
                for (i, (rank, _)) in group.items.iter().enumerate() {
                    if is_kept(g, i) {
                        worst_kept = worst_kept.max(*rank);
                    } else {
                        best_dropped = Some(best_dropped.map_or(*rank, |best| best.min(*rank)));
                    }
                }
            }
            prop_assert!(best_dropped.is_none_or(|dropped| dropped >= worst_kept));
        }
    }

    #[test]
    fn everything_is_shown_where_there_is_room() {
        let group = Group {
            heading: 5,
            more: 5,
            items: vec![(Rank::Rest, 10), (Rank::Removal, 10)],
            hidden: 0,
        };
        let room = SizeBudget {
            total: 25,
            groups: 1,
            remainder: 5,
        };
        assert_eq!(
            fit(std::slice::from_ref(&group), &room).groups[0].items,
            [0, 1]
        );
        let tight = SizeBudget { total: 24, ..room };
        // The heading, the line "1 more" and the remainder take 15 of it.
        assert_eq!(fit(&[group], &tight).left_out, 2);
    }
}
