//! Fields of a protobuf message, without knowing its type: for the few messages that are read before any type is known.

/// What a field holds, as far as it is needed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field<'m> {
    Varint(u64),
    Bytes(&'m [u8]),
    /// Of a fixed size.
    Other,
}

/// The fields of a message in order, each with its number; none if it is broken.
pub(super) fn fields(message: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut rest = message;
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let field = match key & 7 {
            0 => Field::Varint(varint(&mut rest)?),
            1 => {
                rest = rest.get(8..)?;
                Field::Other
            }
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                let (bytes, more) = rest.split_at_checked(length)?;
                rest = more;
                Field::Bytes(bytes)
            }
            5 => {
                rest = rest.get(4..)?;
                Field::Other
            }
            _ => return None,
        };
        fields.push((key >> 3, field));
    }
    Some(fields)
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
        ] {
            assert_eq!(fields(broken), None, "{broken:?}");
        }
    }
}
