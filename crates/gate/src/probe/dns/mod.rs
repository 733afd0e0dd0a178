//! The `dns` probe: the records of a name, as the system's name server answers.
//!
//! Why it asks by itself: the system's own functions answer for addresses only, from files and caches as well. One question
//! over UDP and, where the answer is cut, over TCP is small; a resolver that walks the tree would weigh more in a package
//! than all other probes together.

mod message;
mod nameserver;

use futures::FutureExt;

pub(crate) use self::message::RecordType;
use super::{Execution, ProbeContext, ProbeError, ProbeKind, Profile, Trace};
use crate::evidence::Observation;
use crate::expect::{Actual, Comparison, Finding, several};
use crate::template::Template;
use crate::words;

/// How many records of an answer are looked at.
const MAX_RECORDS: usize = 1_000;

/// A look-up and its conditions; with none of them there must be a record.
#[derive(Clone, Debug)]
pub(crate) struct Dns {
    pub(crate) name: Template,
    pub(crate) record_type: RecordType,
    /// Records that are among the answers.
    pub(crate) contains: Vec<Template>,
    /// All the answers, in any order.
    pub(crate) equals: Option<Vec<Template>>,
    pub(crate) count: Option<Comparison>,
}

impl ProbeKind for Dns {
    fn profile(&self) -> Profile {
        Profile {
            received: nameserver::MAX_MESSAGE,
            // Its records as texts.
            judged: 8 * nameserver::MAX_MESSAGE,
            ..Profile::asks_others("dns")
        }
    }

    fn templates(&self, see: &mut dyn FnMut(&Template)) {
        let records = self.contains.iter().chain(self.equals.iter().flatten());
        std::iter::once(&self.name).chain(records).for_each(see);
    }

    fn asks(&self) -> Vec<String> {
        let name = self.name.written();
        vec![format!("{} records of {name}", self.record_type.as_str())]
    }

    fn conditions(&self) -> usize {
        let others = usize::from(self.equals.is_some()) + usize::from(self.count.is_some());
        self.contains.len() + others
    }

    fn execute<'a>(&'a self, context: &'a ProbeContext, trace: &'a mut Trace) -> Execution<'a> {
        execute(self, context, trace).boxed()
    }
}

async fn execute(
    dns: &Dns,
    context: &ProbeContext,
    trace: &mut Trace,
) -> Result<Observation, ProbeError> {
    let name = dns.name.render(&context.values)?;
    let kind = dns.record_type.as_str();
    trace.request = Some(format!("DNS {name} {kind}"));
    if !is_name(&name) {
        let message = format!("name: {name:?} is not a name that can be looked up");
        return Err(ProbeError::errored(message));
    }
    let fill = |records: &[Template]| -> Result<Vec<String>, ProbeError> {
        let normal = |record: &Template| {
            let written = record.render(&context.values)?;
            Ok(dns.record_type.normal(&written))
        };
        records.iter().map(normal).collect()
    };
    let contains = fill(&dns.contains)?;
    let equals = match &dns.equals {
        None => None,
        Some(records) => Some(fill(records)?),
    };
    let mut found = nameserver::ask(&name, dns.record_type, &context.nameservers).await?;
    found.truncate(MAX_RECORDS);
    found.sort_unstable();
    let got = || {
        if found.is_empty() {
            return Actual::Words("none".to_owned());
        }
        Actual::Value(several(found.iter().cloned(), found.len(), ", "))
    };
    let mut findings = Vec::new();
    for record in contains {
        let met = found.contains(&record);
        let demand = format!("{kind} of {name} containing");
        findings.push(Finding::new(demand, got(), met).wanting(words::quote(&record)));
    }
    if let Some(mut records) = equals {
        records.sort_unstable();
        records.dedup();
        let mut distinct = found.clone();
        distinct.dedup();
        let expected = several(records.iter().cloned(), records.len(), ", ");
        let demand = format!("{kind} of {name} equal to");
        findings.push(Finding::new(demand, got(), distinct == records).wanting(expected));
    }
    if let Some(count) = dns.count {
        let number = u64::try_from(found.len()).unwrap_or(u64::MAX);
        let demand = format!("count {} of {kind} records of {name}", count.words());
        let got = Actual::Words(number.to_string());
        findings.push(Finding::new(demand, got, count.holds(number)));
    }
    if findings.is_empty() {
        let demand = format!("a record {kind} of {name}");
        findings.push(Finding::new(demand, got(), !found.is_empty()));
    }
    Ok(Observation::of_others(findings))
}

/// Whether a name can be asked for: labels of up to 63 bytes, 253 in all.
pub(crate) fn is_name(written: &str) -> bool {
    let name = written.strip_suffix('.').unwrap_or(written);
    let is_label = |label: &str| {
        let of_names =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'*');
        (1..=63).contains(&label.len()) && label.bytes().all(of_names)
    };
    name.len() <= 253 && name.split('.').all(is_label)
}
