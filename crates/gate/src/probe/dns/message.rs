//! One question and its answer in the wire format of RFC 1035, for the record types that checks ask for.
//!
//! What comes is read within its bytes, and a name follows pointers backwards only, so that no answer can make it read
//! for ever.

use std::net::{Ipv4Addr, Ipv6Addr};

const CLASS_IN: u16 = 1;
const HEADER_BYTES: usize = 12;
/// As long as a name can be, and so as many pointers as it can have.
const MAX_NAME: usize = 255;

/// The type of the records that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordType {
    A,
    Aaaa,
    Cname,
    Txt,
    Mx,
    Srv,
}

impl RecordType {
    pub(crate) const ALL: [Self; 6] = [
        Self::A,
        Self::Aaaa,
        Self::Cname,
        Self::Txt,
        Self::Mx,
        Self::Srv,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Txt => "TXT",
            Self::Mx => "MX",
            Self::Srv => "SRV",
        }
    }

    fn code(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Aaaa => 28,
            Self::Cname => 5,
            Self::Txt => 16,
            Self::Mx => 15,
            Self::Srv => 33,
        }
    }

    /// A record as it is compared: names in lower case and without the last dot, addresses in their shortest form.
    pub(crate) fn normal(self, written: &str) -> String {
        match self {
            Self::Txt => written.to_owned(),
            Self::Aaaa => match written.parse::<Ipv6Addr>() {
                Ok(address) => address.to_string(),
                Err(_) => written.to_owned(),
            },
            _ => {
                let lower = written.to_ascii_lowercase();
                let words: Vec<&str> = lower.split_whitespace().collect();
                let joined = words.join(" ");
                let bare = joined.strip_suffix('.').unwrap_or(&joined);
                bare.to_owned()
            }
        }
    }
}

/// What a name server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The records of the type; none if the name has none, or does not exist.
    Records(Vec<String>),
    /// It did not fit: ask by TCP.
    Cut,
    /// It does not answer: its code.
    Refused(u8),
}

/// A question for the records of a name, which must be one that [`super::is_name`] takes.
pub(super) fn question(id: u16, name: &str, record_type: RecordType) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + name.len() + 6);
    bytes.extend(id.to_be_bytes());
    // Recursion desired; one question.
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.strip_suffix('.').unwrap_or(name).split('.') {
        bytes.push(u8::try_from(label.len()).unwrap_or(0));
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(record_type.code().to_be_bytes());
    bytes.extend(CLASS_IN.to_be_bytes());
    bytes
}

/// The answer to `question`; none if the bytes are no answer to it.
pub(super) fn answer(bytes: &[u8], question: &[u8], record_type: RecordType) -> Option<Answer> {
    let mut reader = Reader { bytes, at: 0 };
    let id = reader.take(2)?;
    let flags = reader.take(2)?;
    let is_response = flags[0] & 0b1000_0000 != 0;
    let is_cut = flags[0] & 0b0000_0010 != 0;
    let questions = reader.number()?;
    let answers = reader.number()?;
    reader.take(4)?;
    if !is_response || id != &question[..2] {
        return None;
    }
    let code = flags[1] & 0b0000_1111;
    // The name does not exist: so it has no records.
    if code != 0 && code != 3 {
        return Some(Answer::Refused(code));
    }
    let asked = reader.take(question.len() - HEADER_BYTES)?;
    if questions != 1 || !asked.eq_ignore_ascii_case(&question[HEADER_BYTES..]) {
        return None;
    }
    if is_cut {
        return Some(Answer::Cut);
    }
    let mut records = Vec::new();
    for _ in 0..answers {
        reader.name()?;
        let (of_type, class) = (reader.number()?, reader.number()?);
        reader.take(4)?;
        let length = usize::from(reader.number()?);
        let end = reader
            .at
            .checked_add(length)
            .filter(|end| *end <= bytes.len())?;
        if (of_type, class) == (record_type.code(), CLASS_IN) {
            let mut record = Reader {
                bytes: &bytes[..end],
                at: reader.at,
            };
            records.push(record.record(record_type)?);
        }
        reader.at = end;
    }
    Some(Answer::Records(records))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        let bytes = self.take(2)?;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        let mut next = self.at;
        // Where reading goes on after the name.
        let mut end = None;
        loop {
            let length = usize::from(*self.bytes.get(next)?);
            match length >> 6 {
                0 if length == 0 => break,
                0 => {
                    let label = self.bytes.get(next + 1..=next + length)?;
                    name.push_str(&String::from_utf8_lossy(label));
                    name.push('.');
                    next += length + 1;
                }
                3 => {
                    let low = usize::from(*self.bytes.get(next + 1)?);
                    end.get_or_insert(next + 2);
                    let target = (length & 0b0011_1111) << 8 | low;
                    if target >= next {
                        return None;
                    }
                    next = target;
                }
                _ => return None,
            }
            if name.len() > 4 * MAX_NAME {
                return None;
            }
        }
        self.at = end.unwrap_or(next + 1);
        name.pop();
        name.make_ascii_lowercase();
        Some(name)
    }

    fn record(&mut self, record_type: RecordType) -> Option<String> {
        Some(match record_type {
            RecordType::A => {
                let bytes: [u8; 4] = self.take(4)?.try_into().ok()?;
                Ipv4Addr::from(bytes).to_string()
            }
            RecordType::Aaaa => {
                let bytes: [u8; 16] = self.take(16)?.try_into().ok()?;
                Ipv6Addr::from(bytes).to_string()
            }
            RecordType::Cname => self.name()?,
            RecordType::Mx => format!("{} {}", self.number()?, self.name()?),
            RecordType::Srv => {
                let (priority, weight, port) = (self.number()?, self.number()?, self.number()?);
                format!("{priority} {weight} {port} {}", self.name()?)
            }
            RecordType::Txt => {
                let mut text = Vec::new();
                while self.at < self.bytes.len() {
                    let length = usize::from(self.take(1)?[0]);
                    text.extend_from_slice(self.take(length)?);
                }
                String::from_utf8_lossy(&text).into_owned()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reply(question: &[u8], flags: [u8; 2], records: &[(u16, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = question.to_vec();
        bytes[2..4].copy_from_slice(&flags);
        let count = u16::try_from(records.len()).unwrap();
        bytes[6..8].copy_from_slice(&count.to_be_bytes());
        for (of_type, data) in records {
            bytes.extend([0xc0, 12]);
            bytes.extend(of_type.to_be_bytes());
            bytes.extend([0, 1, 0, 0, 0, 60]);
            bytes.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            bytes.extend(data);
        }
        bytes
    }

    fn records(of_type: RecordType, data: &[(u16, Vec<u8>)]) -> Option<Answer> {
        let asked = question(7, "shop.example.com", of_type);
        answer(&reply(&asked, [0x81, 0x80], data), &asked, of_type)
    }

    #[test]
    fn records_are_read_as_people_write_them() {
        let one = |of_type: RecordType, data: Vec<u8>| match records(
            of_type,
            &[(of_type.code(), data)],
        ) {
            Some(Answer::Records(records)) => records.concat(),
            other => panic!("{other:?}"),
        };
        assert_eq!(one(RecordType::A, vec![10, 0, 0, 7]), "10.0.0.7");
        let mut v6 = vec![0; 16];
        v6[15] = 1;
        assert_eq!(one(RecordType::Aaaa, v6), "::1");
        let name = b"\x03WWW\x07example\x03com\x00".to_vec();
        assert_eq!(one(RecordType::Cname, name.clone()), "www.example.com");
        // A pointer to the end of the name that was asked for.
        assert_eq!(
            one(RecordType::Mx, b"\x00\x0a\x04mail\xc0\x11".to_vec()),
            "10 mail.example.com"
        );
        let srv = [vec![0, 1, 0, 2, 31, 144], name].concat();
        assert_eq!(one(RecordType::Srv, srv), "1 2 8080 www.example.com");
        assert_eq!(one(RecordType::Txt, b"\x02v=\x04spf1".to_vec()), "v=spf1");
    }

    #[test]
    fn what_is_no_answer_to_the_question_is_none() {
        let of_type = RecordType::A;
        let asked = question(7, "shop.example.com", of_type);
        let with = |flags| answer(&reply(&asked, flags, &[]), &asked, of_type);
        assert_eq!(with([0x01, 0x80]), None, "a question");
        assert_eq!(
            with([0x81, 0x83]),
            Some(Answer::Records(vec![])),
            "no such name"
        );
        assert_eq!(with([0x81, 0x82]), Some(Answer::Refused(2)));
        assert_eq!(with([0x83, 0x80]), Some(Answer::Cut));
        let other = question(7, "blog.example.com", of_type);
        assert_eq!(
            answer(&reply(&other, [0x81, 0x80], &[]), &asked, of_type),
            None
        );
        let other = question(8, "shop.example.com", of_type);
        assert_eq!(
            answer(&reply(&other, [0x81, 0x80], &[]), &asked, of_type),
            None
        );
        // A pointer to itself, and one beyond the end.
        assert_eq!(records(RecordType::Cname, &[(5, vec![0xc0, 46])]), None);
        assert_eq!(records(RecordType::Cname, &[(5, vec![63])]), None);
        // An alias on the way to the address does not count as one.
        let alias = (5, b"\x01a\x00".to_vec());
        let address = (1, vec![10, 0, 0, 7]);
        let found = records(RecordType::A, &[alias, address]);
        assert_eq!(found, Some(Answer::Records(vec!["10.0.0.7".to_owned()])));
    }

    proptest! {
        #[test]
        fn garbage_is_read_to_an_end(tail in proptest::collection::vec(any::<u8>(), 0..400), count in any::<u8>()) {
            for of_type in RecordType::ALL {
                let asked = question(7, "a.example", of_type);
                let mut bytes = reply(&asked, [0x81, 0x80], &[]);
                bytes[7] = count;
                bytes.extend(&tail);
                answer(&bytes, &asked, of_type);
                answer(&tail, &asked, of_type);
            }
        }
    }
}
