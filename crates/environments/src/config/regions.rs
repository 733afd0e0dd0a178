//! The regions that a configuration names. A mistyped one fits nothing, so nothing there would ever sleep, and
//! nobody would notice.

use strict_yaml::words::nearest;

/// How the names of regions begin, in each partition of AWS.
const AREAS: [&str; 18] = [
    "af", "ap", "ca", "cn", "eu", "eu-isoe", "eusc-de", "il", "me", "mx", "sa", "us", "us-gov",
    "us-iso", "us-isob", "us-isof", "ap-iso", "ca-iso",
];

/// How they go on.
const DIRECTIONS: [&str; 9] = [
    "central",
    "east",
    "north",
    "northeast",
    "northwest",
    "south",
    "southeast",
    "southwest",
    "west",
];

/// Those that there were in November 2026.
const KNOWN_REGIONS: [&str; 43] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-isoe-west-1",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-west-1",
    "us-west-2",
];

/// What a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    /// A region that there is.
    Known,
    /// It has the form of one, so it may be newer than this list.
    New,
    /// No region is named so.
    No,
}

pub(super) fn region(name: &str) -> Region {
    if KNOWN_REGIONS.contains(&name) {
        return Region::Known;
    }
    let parts = name
        .rsplit_once('-')
        .and_then(|(place, number)| Some((place.rsplit_once('-')?, number)));
    let has_form = parts.is_some_and(|((area, direction), number)| {
        let digits = (1..=2).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        AREAS.contains(&area) && DIRECTIONS.contains(&direction) && digits
    });
    if has_form { Region::New } else { Region::No }
}

/// What to write instead.
pub(super) fn remedy(wrong: &str) -> String {
    // Of names that differ in little else than a number, the nearest is as good as any other.
    match nearest(wrong, KNOWN_REGIONS).filter(|_| wrong.len() < 30) {
        Some(near) => format!("did you mean {near}?"),
        None => "write its name, such as eu-central-1".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_of_all_partitions_are_known_and_new_ones_are_thought_possible() {
        for known in [
            "eu-central-1",
            "us-gov-west-1",
            "cn-northwest-1",
            "us-isob-east-1",
            "eusc-de-east-1",
        ] {
            assert_eq!(region(known), Region::Known, "{known}");
        }
        for new in [
            "eu-central-3",
            "me-west-1",
            "us-isof-south-1",
            "ap-southeast-12",
        ] {
            assert_eq!(region(new), Region::New, "{new}");
        }
        for no in [
            "",
            "eu",
            "Frankfurt",
            "eu-centrl-1",
            "EU-CENTRAL-1",
            "eu-central-1a",
            "eu-central-",
            "xx-east-1",
            "eu-central-123",
            "ue-central-1",
            "eu--1",
        ] {
            assert_eq!(region(no), Region::No, "{no}");
        }
        assert_eq!(remedy("eu-centrl-1"), "did you mean eu-central-1?");
        assert_eq!(remedy("EU-WEST-1"), "did you mean eu-west-1?");
        assert_eq!(remedy("Frankfurt"), "write its name, such as eu-central-1");
    }
}
