//! What people call a value.

/// What people call a value.
#[derive(Clone, Debug)]
pub(crate) struct ValuePath {
    /// As the expression names it, without any value of the answer.
    pub(crate) shown: String,
    /// With the keys that were met, which may say that it is secret; nobody is to see them. None where it is too long.
    pub(crate) place: Option<String>,
}

impl ValuePath {
    pub(crate) fn plain(path: String) -> Self {
        Self {
            place: Some(path.clone()),
            shown: path,
        }
    }

    pub(crate) fn each(self, change: impl Fn(&str) -> String) -> Self {
        Self {
            shown: change(&self.shown),
            place: self.place.as_deref().map(change),
        }
    }
}
