//! The tag that backs up a sleep record: people see it in the console, and a lost record is recovered from it. It is
//! written after the record, and removed after everything was restored.

use jiff::{SignedDuration, Timestamp};

use crate::resource::{Capacity, Scaling, ScalingSuspension};

/// The tag's key.
pub const ASLEEP_TAG: &str = "deploy-hooks:asleep";
/// Clocks differ by as much as this. What is dated later was written by a clock that was wrong.
pub(crate) const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(2);

/// What the tag says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupTag {
    /// What the service had.
    pub level: Capacity,
    /// When it was saved, to the second.
    pub at: Timestamp,
}

impl BackupTag {
    /// The tag's value: `desired=3 min=2 max=6 suspended=--- at=2026-11-21T22:00:00Z`. Only characters
    /// that ECS takes, and far below 256 of them.
    pub fn value(&self) -> String {
        let mut words = vec![format!("desired={}", self.level.desired)];
        if let Some(scaling) = self.level.scaling {
            words.push(format!("min={}", scaling.min));
            words.push(format!("max={}", scaling.max));
            words.push(format!("suspended={}", scaling.suspended.letters()));
        }
        let second = Timestamp::from_second(self.at.as_second()).unwrap_or(self.at);
        words.push(format!("at={second}"));
        words.join(" ")
    }

    /// Reads a value; none if it isn't ours, or if somebody has edited it into something unclear.
    pub fn parse(value: &str) -> Option<Self> {
        let mut words = value.split(' ');
        let desired = number(words.next()?, "desired=")?;
        let mut next = words.next()?;
        let mut scaling = None;
        if next.starts_with("min=") {
            let (min, max) = (number(next, "min=")?, number(words.next()?, "max=")?);
            let suspended =
                ScalingSuspension::from_letters(words.next()?.strip_prefix("suspended=")?)?;
            if min > max {
                return None;
            }
            scaling = Some(Scaling {
                min,
                max,
                suspended,
            });
            next = words.next()?;
        }
        let at = next.strip_prefix("at=")?.parse().ok()?;
        let level = Capacity { desired, scaling };
        words.next().is_none().then_some(Self { level, at })
    }

    /// Why it can't be about a service that was created then: anybody may set a tag, and tools copy them.
    pub(crate) fn doubt(&self, created: Option<Timestamp>, now: Timestamp) -> Option<&'static str> {
        // It is written to the second.
        let second = SignedDuration::from_secs(1);
        if created.is_some_and(|created| created.duration_since(self.at) > second) {
            Some("is from before the service was made")
        } else if self.at.duration_since(now) > MAX_CLOCK_SKEW {
            Some("is from the future")
        } else {
            None
        }
    }
}

fn number(word: &str, key: &str) -> Option<u32> {
    let digits = word.strip_prefix(key)?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// Whether ECS takes this as a tag's value: at most 256 of letters, spaces, digits and `_.:/=+-@`.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html>
pub fn is_legal(value: &str) -> bool {
    let legal = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
    value.chars().count() <= 256 && value.chars().all(legal)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_tag_is_readable() {
        let level = Capacity {
            desired: 3,
            scaling: Some(Scaling {
                min: 2,
                max: 6,
                suspended: ScalingSuspension::default(),
            }),
        };
        let at = "2026-11-21T22:00:00.5Z".parse().unwrap();
        let value = BackupTag { level, at }.value();
        assert_eq!(
            value,
            "desired=3 min=2 max=6 suspended=--- at=2026-11-21T22:00:00Z"
        );
    }

    #[test]
    fn what_is_unclear_is_nothing() {
        for value in [
            "",
            "desired=3",
            "desired=-3 at=2026-11-21T22:00:00Z",
            "desired=+3 at=2026-11-21T22:00:00Z",
            "desired=3 min=2 at=2026-11-21T22:00:00Z",
            "desired=3 min=7 max=6 suspended=--- at=2026-11-21T22:00:00Z",
            "desired=3 min=2 max=6 suspended=x-- at=2026-11-21T22:00:00Z",
            "desired=3 at=yesterday",
            "desired=3 at=2026-11-21T22:00:00Z and so on",
            "desired=99999999999 at=2026-11-21T22:00:00Z",
        ] {
            assert_eq!(BackupTag::parse(value), None, "{value:?}");
        }
    }

    fn suspended() -> impl Strategy<Value = ScalingSuspension> {
        any::<[bool; 3]>().prop_map(|[dynamic_in, dynamic_out, scheduled]| ScalingSuspension {
            dynamic_in,
            dynamic_out,
            scheduled,
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            desired: u32,
            bounds in proptest::option::of((any::<u32>(), any::<u32>(), suspended())),
            second in 0_i64..253_402_300_000,
        ) {
            let scaling = bounds.map(|(a, b, suspended)| Scaling { min: a.min(b), max: a.max(b), suspended });
            let at = Timestamp::from_second(second).unwrap();
            let backup = BackupTag { level: Capacity { desired, scaling }, at };
            let value = backup.value();
            prop_assert!(is_legal(&value), "{}", value);
            prop_assert_eq!(BackupTag::parse(&value), Some(backup));
        }

        #[test]
        fn no_text_is_misread(value in "(desired=|min=|max=|suspended=|at=|[0-9:TZ-]| |,){0,12}") {
            if let Some(backup) = BackupTag::parse(&value) {
                prop_assert_eq!(BackupTag::parse(&backup.value()), Some(BackupTag { at: Timestamp::from_second(backup.at.as_second()).unwrap(), ..backup }));
            }
        }
    }
}
