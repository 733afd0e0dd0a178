//! Fields of a protobuf message, without knowing its type: for the few messages that are read before any type is known.

/// Messages in each other: a reader that knows the types goes no deeper than 100.
const MAX_DEPTH: usize = 110;

/// What a field holds, as far as it is needed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field<'m> {
    Varint(u64),
    Bytes(&'m [u8]),
    /// Of a fixed size.
    Other,
    /// The begin or the end of a group, which no message here has; what is in it follows.
    Group,
}

/// The fields of a message in order, each with its number; none if it is broken.
pub(super) fn fields(message: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut rest = message;
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (number, field) = field(&mut rest)?;
        if field == Field::Group {
            return None;
        }
        fields.push((number, field));
    }
    Some(fields)
}

/// How many texts, bytes and messages a message holds, those within each other included; none if more than `most`. All bytes are
/// taken for a message as far as they can be read as one, so that none is missed that a reader who knows the types would make.
pub(super) fn count(message: &[u8], most: usize) -> Option<usize> {
    let mut left = most;
    take(message, MAX_DEPTH, &mut left)?;
    Some(most - left)
}

/// Takes what a message holds from what is left; none if that is too little.
fn take(message: &[u8], depth: usize, left: &mut usize) -> Option<()> {
    let mut rest = message;
    while !rest.is_empty() {
        let Some((_, field)) = field(&mut rest) else {
            // Whoever reads it stops here as well.
            return Some(());
        };
        let Field::Bytes(inner) = field else {
            continue;
        };
        *left = left.checked_sub(1)?;
        if let Some(depth) = depth.checked_sub(1) {
            take(inner, depth, left)?;
        }
    }
    Some(())
}

fn field<'m>(rest: &mut &'m [u8]) -> Option<(u64, Field<'m>)> {
    let key = varint(rest)?;
    let field = match key & 7 {
        0 => Field::Varint(varint(rest)?),
        1 => {
            *rest = rest.get(8..)?;
            Field::Other
        }
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            let (bytes, more) = rest.split_at_checked(length)?;
            *rest = more;
            Field::Bytes(bytes)
        }
        3 | 4 => Field::Group,
        5 => {
            *rest = rest.get(4..)?;
            Field::Other
        }
        _ => return None,
    };
    Some((key >> 3, field))
}

/// A field of text or bytes.
pub(super) fn bytes_field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![(number << 3) | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        field.push(u8::try_from(length & 0x7f).unwrap_or_default() | 0x80);
        length >>= 7;
    }
    field.push(u8::try_from(length).unwrap_or_default());
    field.extend(bytes);
    field
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, more) = rest.split_first()?;
        *rest = more;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_they_are_written() {
        let long = "x".repeat(300);
        let written = [
            bytes_field(1, b"shop"),
            bytes_field(2, long.as_bytes()),
            vec![0x18, 0xac, 0x02, 0x25, 1, 2, 3, 4],
        ]
        .concat();
        assert_eq!(
            fields(&written).unwrap(),
            [
                (1, Field::Bytes(b"shop")),
                (2, Field::Bytes(long.as_bytes())),
                (3, Field::Varint(300)),
                (4, Field::Other)
            ]
        );
        assert_eq!(bytes_field(1, b"shop"), b"\x0a\x04shop");
        for broken in [
            &[8][..],
            &[8, 0xff],
            &[0x12, 9],
            &[7, 1],
            &[0xff; 12],
            &[9, 1],
            &[13, 1],
            &[0x0b, 0x0c],
        ] {
            assert_eq!(fields(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn what_a_message_holds_is_counted_at_every_depth_and_up_to_where_it_breaks() {
        let two = [0x22, 0, 0x22, 0];
        let deep = (0..100).fold(two.to_vec(), |inner, _| bytes_field(1, &inner));
        for (message, held) in [
            (two.to_vec(), 2),
            (bytes_field(1, &bytes_field(2, &two)), 4),
            (deep, 102),
            // Behind a group, in one, and before what can't be read.
            ([&[0x0b, 0x0c], &two[..]].concat(), 2),
            ([&[0x0b], &two[..], &[0x0c]].concat(), 2),
            ([&two[..], &[7]].concat(), 2),
            (bytes_field(1, &[&two[..], &[0xff]].concat()), 3),
            (bytes_field(1, b"~"), 1),
            (vec![8, 1, 0x25, 1, 2, 3, 4], 0),
        ] {
            assert_eq!(count(&message, held), Some(held), "{message:?}");
            assert_eq!(
                held.checked_sub(1).and_then(|most| count(&message, most)),
                None
            );
        }
    }
}
