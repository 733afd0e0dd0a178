//! A week on a terminal: a row for each service, a letter for each hour or few. Without colours the letters
//! alone say everything.

use jiff::SignedDuration;

use super::week::{Day, Span, Week, WeekRow};
use crate::screen::{Screen, Style};

/// Where nobody says how wide a line may be.
const DEFAULT_WIDTH: usize = 120;
/// Longer names are cut.
const MAX_NAME_CHARS: usize = 40;
/// Hours of a letter, the finest first.
const STEP_HOURS: [i64; 4] = [1, 2, 3, 4];

/// A week as lines.
pub(crate) fn chart(week: &Week, width: Option<usize>, screen: &Screen) -> Vec<String> {
    let names = week.rows.iter().map(|row| row.place.chars().count());
    let name = names.max().unwrap_or(0).clamp(7, MAX_NAME_CHARS);
    let step = step(width.unwrap_or(DEFAULT_WIDTH), name);
    let hours = if step == 1 {
        "hour".to_owned()
    } else {
        format!("{step} hours")
    };
    let mut lines = vec![
        screen.styled(Style::Heading, &week.title()),
        head(week, name, step, named),
        screen.styled(
            Style::Quiet,
            &head(week, name, step, |day, cells| {
                hours_of(week, day, (cells, step))
            }),
        ),
    ];
    lines.extend(
        week.rows
            .iter()
            .map(|row| line(week, row, (name, step), screen)),
    );
    lines.extend(week.changes());
    lines.push(legend(&hours, screen));
    lines
}

/// `Sun 29 (23 h)`, or `Sun 29*` where there is no room; what the clocks do is written below.
fn named(day: &Day, width: usize) -> String {
    let Some(length) = day.odd_length() else {
        return cut(&day.short(), width);
    };
    let whole = format!("{} ({length})", day.short());
    if whole.chars().count() <= width {
        whole
    } else {
        cut(&format!("{}*", day.short()), width)
    }
}

/// The finest that fits; the coarsest if none does.
fn step(width: usize, name: usize) -> i64 {
    let fits = |step: &i64| {
        let days = 7 * (24 / usize::try_from(*step).unwrap_or(1) + 1);
        name + 1 + days + 7 <= width
    };
    STEP_HOURS
        .into_iter()
        .find(fits)
        .unwrap_or(STEP_HOURS[STEP_HOURS.len() - 1])
}

fn head(week: &Week, name: usize, step: i64, text: impl Fn(&Day, usize) -> String) -> String {
    let days = week.days.iter().map(|day| {
        let cells = cells(day, step).len();
        format!("{:<cells$}", text(day, cells))
    });
    let days: Vec<String> = days.collect();
    format!("{:<name$} {}", "", days.join(" "))
        .trim_end()
        .to_owned()
}

/// The stretches that a letter stands for, from midnight on in real time: a day of 23 hours has 23.
fn cells(day: &Day, step: i64) -> Vec<Span> {
    let mut cells = Vec::new();
    let mut from = day.from;
    while from < day.until {
        let until = (from + SignedDuration::from_hours(step)).min(day.until);
        cells.push(Span { from, until });
        from = until;
    }
    cells
}

/// `0  6  12 18 `, each above its hour on the clocks of that day, as far as there is room.
fn hours_of(week: &Week, day: &Day, (width, step): (usize, i64)) -> String {
    let marks: &[i64] = if step > 2 { &[0, 12] } else { &[0, 6, 12, 18] };
    let (mut text, mut told) = (String::new(), -1);
    for (index, cell) in cells(day, step).iter().enumerate() {
        let local = week.local(cell.from);
        let minutes = i64::from(local.hour()) * 60 + i64::from(local.minute());
        let within = minutes..minutes + step * 60;
        let marked = marks
            .iter()
            .find(|hour| **hour > told && within.contains(&(**hour * 60)));
        let has_room = index == 0 || text.len() < index;
        if let Some(hour) = marked.filter(|_| has_room) {
            told = *hour;
            text.push_str(&" ".repeat(index - text.len()));
            text.push_str(&hour.to_string());
        }
    }
    cut(&text, width)
}

fn line(week: &Week, row: &WeekRow, (name, step): (usize, i64), screen: &Screen) -> String {
    let letters = ChartLetters::of(screen);
    let days = week.days.iter().map(|day| {
        let on: Vec<Span> = row.on_day(day).collect();
        let signs: Vec<ChartSign> = cells(day, step)
            .iter()
            .map(|cell| sign(*cell, &on))
            .collect();
        painted(&signs, letters, screen)
    });
    let days: Vec<String> = days.collect();
    let place = cut(&super::plain(&row.place), name);
    format!("{place:<name$} {} {:>4.0} h", days.join(" "), row.hours)
}

/// What a letter says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ChartSign {
    On,
    Off,
    /// It goes on within.
    Begins,
    /// It goes off within.
    Ends,
    /// Something else.
    Partly,
}

fn sign(cell: Span, on: &[Span]) -> ChartSign {
    let inside: Vec<Span> = on
        .iter()
        .filter_map(|span| span.within(cell.from, cell.until))
        .collect();
    match inside.as_slice() {
        [] => ChartSign::Off,
        [one] if *one == cell => ChartSign::On,
        [one] if one.until == cell.until => ChartSign::Begins,
        [one] if one.from == cell.from => ChartSign::Ends,
        _ => ChartSign::Partly,
    }
}

/// In the order of [`ChartSign`].
#[derive(Clone, Copy)]
struct ChartLetters([char; 5]);

impl ChartLetters {
    fn of(screen: &Screen) -> Self {
        Self(if screen.has_colours() {
            ['█', '·', '▐', '▌', '▒']
        } else {
            ['#', '.', '/', '\\', '+']
        })
    }

    fn letter(self, sign: ChartSign) -> char {
        self.0[sign as usize]
    }
}

/// Each run of the same sign in one colour.
fn painted(signs: &[ChartSign], letters: ChartLetters, screen: &Screen) -> String {
    let same = signs.chunk_by(|a, b| a == b);
    same.map(|run| {
        let text: String = run.iter().map(|sign| letters.letter(*sign)).collect();
        let style = match run[0] {
            ChartSign::Off => Style::Quiet,
            ChartSign::Partly => Style::Careful,
            _ => Style::Good,
        };
        screen.styled(style, &text)
    })
    .collect()
}

fn legend(hours: &str, screen: &Screen) -> String {
    let letters = ChartLetters::of(screen);
    let meanings = [
        (ChartSign::On, "on"),
        (ChartSign::Off, "off"),
        (ChartSign::Begins, "goes on within"),
        (ChartSign::Ends, "goes off within"),
        (ChartSign::Partly, "more than one of these"),
    ];
    let told =
        meanings.map(|(sign, meaning)| format!("{} {meaning}", painted(&[sign], letters, screen)));
    format!(
        "One letter is {}: {}.",
        if hours == "hour" { "an hour" } else { hours },
        told.join(", ")
    )
}

/// No longer than this.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}~")
}

#[cfg(test)]
mod tests {
    use super::super::week::tests::of;
    use super::*;

    fn drawn(schedules: &[&str], first: &str, width: usize) -> String {
        let screen = Screen::of(false);
        let weeks = of(schedules, first);
        let lines: Vec<String> = weeks
            .iter()
            .flat_map(|week| chart(week, Some(width), &screen))
            .collect();
        lines.join("\n")
    }

    #[test]
    fn a_week_with_a_clock_change() {
        let schedules = [
            "Mon-Fri 09:00-22:00 Europe/Berlin",
            "Sat-Sun 01:30-03:30 Europe/Berlin + Sun 05:00-06:00 Europe/Berlin",
            "Sun-Thu 20:00-06:00 Europe/Berlin",
        ];
        insta::assert_snapshot!(drawn(&schedules, "2026-03-25", 200), @r"
        Week of 2026-03-25 to 2026-03-31, Europe/Berlin
                Wed 25                   Thu 26                   Fri 27                   Sat 28                   Sun 29 (23 h)           Mon 30                   Tue 31
                0     6     12    18     0     6     12    18     0     6     12    18     0     6     12    18     0    6     12    18     0     6     12    18     0     6     12    18
        dev/s1  .........#############.. .........#############.. .........#############.. ........................ ....................... .........#############.. .........#############..   65 h
        dev/s2  ........................ ........................ ........................ ./#\.................... ./\.#.................. ........................ ........................    4 h
        dev/s3  ######..............#### ######..............#### ######.................. ........................ ...................#### ######..............#### ######..............####   50 h
        Sunday, 2026-03-29 has 23 h: at 02:00 the clocks go forward to 03:00.
        One letter is an hour: # on, . off, / goes on within, \ goes off within, + more than one of these.
        ");
        insta::assert_snapshot!(drawn(&schedules, "2026-10-23", 120), @r"
        Week of 2026-10-23 to 2026-10-29, Europe/Berlin
                Fri 23       Sat 24       Sun 25 (25 h) Mon 26       Tue 27       Wed 28       Thu 29
                0  6  12 18  0  6  12 18  0  6  12 18   0  6  12 18  0  6  12 18  0  6  12 18  0  6  12 18
        dev/s1  ..../######. ............ ............. ..../######. ..../######. ..../######. ..../######.   65 h
        dev/s2  ............ /\.......... /#\\......... ............ ............ ............ ............    6 h
        dev/s3  ###......... ............ ........../## ###.......## ###.......## ###.......## ###.......##   50 h
        Sunday, 2026-10-25 has 25 h: at 03:00 the clocks go back to 02:00.
        One letter is 2 hours: # on, . off, / goes on within, \ goes off within, + more than one of these.
        ");
    }

    #[test]
    fn a_narrow_terminal_has_fewer_letters() {
        insta::assert_snapshot!(drawn(&["Mon-Fri 09:00-22:00 UTC"], "2026-11-23", 80), @r"
        Week of 2026-11-23 to 2026-11-29, UTC
                Mon 23   Tue 24   Wed 25   Thu 26   Fri 27   Sat 28   Sun 29
                0   12   0   12   0   12   0   12   0   12   0   12   0   12
        dev/s1  ...####\ ...####\ ...####\ ...####\ ...####\ ........ ........   65 h
        One letter is 3 hours: # on, . off, / goes on within, \ goes off within, + more than one of these.
        ");
        insta::assert_snapshot!(drawn(&["always"], "2026-11-23", 20), @r"
        Week of 2026-11-23 to 2026-11-29, UTC
                Mon 23 Tue 24 Wed 25 Thu 26 Fri 27 Sat 28 Sun 29
                0  12  0  12  0  12  0  12  0  12  0  12  0  12
        dev/s1  ###### ###### ###### ###### ###### ###### ######  168 h
        One letter is 4 hours: # on, . off, / goes on within, \ goes off within, + more than one of these.
        ");
    }

    #[test]
    fn colours_go_with_the_letters() {
        let screen = Screen::of(true);
        let weeks = of(&["Mon 12:00-24:00 UTC"], "2026-11-23");
        let line = line(&weeks[0], &weeks[0].rows[0], (2, 4), &screen);
        insta::assert_snapshot!(line.replace('\u{1b}', "^"), @"d~ ^[2m···^[0m^[32m███^[0m ^[2m······^[0m ^[2m······^[0m ^[2m······^[0m ^[2m······^[0m ^[2m······^[0m ^[2m······^[0m   12 h");
    }
}
