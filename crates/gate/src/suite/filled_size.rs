//! How much the texts of a check take when their references are filled. A short suite can name a long secret
//! many times, so this is summed up before anything is measured: all values are known then.

use super::Check;
use crate::template::{Template, Values};

/// What the filled texts of all checks of a run may take together.
pub(crate) const MAX_FILLED_TOGETHER: usize = 16 * 1024 * 1024;

/// Bytes of every text of the checks, filled; references without a value count nothing.
pub(crate) fn bytes(checks: &[Check], values: &Values) -> usize {
    let mut bytes = 0_usize;
    let mut add = |template: &Template| {
        bytes = bytes.saturating_add(template.filled_len(values));
    };
    for check in checks {
        templates(check, &mut add);
    }
    bytes
}

/// Every text of a check that is filled for a run.
pub(crate) fn templates(check: &Check, see: &mut dyn FnMut(&Template)) {
    check.probe.kind().templates(see);
    for expectation in &check.expect {
        expectation.templates(see);
    }
}
