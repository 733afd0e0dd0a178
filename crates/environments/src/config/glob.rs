//! Patterns over `cluster/service`. A match is exact, or by an explicit `*` (any text) or `?` (one
//! character): never by a part of a name, which has shut down a `device-prod`.

use std::fmt;

use text::glob;

/// One pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    /// None: any cluster.
    cluster: Option<String>,
    name: String,
}

/// Several patterns, one of which must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Globs(Vec<Glob>);

impl Glob {
    /// The longest names of ECS have 255 characters.
    const MAX_CHARS: usize = 511;

    /// `cluster/service`, or a service's name alone, in whichever cluster.
    pub fn parse(text: &str) -> Option<Self> {
        let known = |c: char| c.is_ascii_alphanumeric() || "-_.*?".contains(c);
        let right = |part: &str| !part.is_empty() && part.chars().all(known);
        if text.len() > Self::MAX_CHARS {
            return None;
        }
        let (cluster, name) = match text.split_once('/') {
            Some((cluster, name)) => (Some(cluster), name),
            None => (None, text),
        };
        (cluster.is_none_or(right) && right(name)).then(|| Self {
            cluster: cluster.map(str::to_owned),
            name: name.to_owned(),
        })
    }

    /// Whether both names are matched as a whole.
    pub fn matches(&self, cluster: &str, name: &str) -> bool {
        let cluster_fits = |pattern: &String| glob::matches(pattern, cluster);
        glob::matches(&self.name, name) && self.cluster.as_ref().is_none_or(cluster_fits)
    }

    /// Whether it is a single name, and which cluster that is: for patterns over one name.
    pub fn matches_name(&self, name: &str) -> bool {
        self.cluster.is_none() && glob::matches(&self.name, name)
    }

    /// Whether it has no `*` and no `?`.
    pub fn is_exact(&self) -> bool {
        !self.to_string().contains(['*', '?'])
    }
}

impl Globs {
    /// Matches what one of these does; nothing if there is none.
    pub fn new(globs: Vec<Glob>) -> Self {
        Self(globs)
    }

    /// The first that matches.
    pub fn find(&self, cluster: &str, name: &str) -> Option<&Glob> {
        self.0.iter().find(|glob| glob.matches(cluster, name))
    }

    /// The first that matches a single name.
    pub fn find_name(&self, name: &str) -> Option<&Glob> {
        self.0.iter().find(|glob| glob.matches_name(name))
    }

    /// The first that names the cluster, too, and matches both.
    pub fn find_place(&self, cluster: &str, name: &str) -> Option<&Glob> {
        let both = |glob: &&Glob| glob.cluster.is_some() && glob.matches(cluster, name);
        self.0.iter().find(both)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// As it was written.
impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(cluster) = &self.cluster {
            write!(f, "{cluster}/")?;
        }
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, cluster: &str, name: &str) -> bool {
        Glob::parse(pattern).unwrap().matches(cluster, name)
    }

    #[test]
    fn a_match_is_never_by_a_part_of_a_name() {
        assert!(matches("dev", "any", "dev"));
        assert!(!matches("dev", "any", "device-prod"));
        assert!(!matches("dev/shop", "dev", "shop2"));
        assert!(!matches("dev/shop", "my-dev", "shop"));
        assert!(matches("dev-*/shop-?", "dev-eu", "shop-1"));
        assert!(!matches("dev-*/shop-?", "dev-eu", "shop-10"));
        assert!(matches("dev/*", "dev", "shop"));
        assert!(!matches("dev/*", "dev2", "shop"));
        assert!(!matches("Dev/*", "dev", "shop"), "case counts");
    }

    #[test]
    fn what_no_name_has_is_no_pattern() {
        for text in [
            "", "/", "dev/", "/shop", "a/b/c", "dev shop", "[a-z]", "läden", "a\n",
        ] {
            assert_eq!(Glob::parse(text), None, "{text:?}");
        }
    }
}
