//! Bodies of several parts, as forms with files send them (RFC 7578).

use std::fmt::Write as _;

use bytes::{BufMut, Bytes, BytesMut};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::template::{Missing, Template, Values};

/// One field, or one file.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// The name of the file; none for a field.
    pub(crate) file: Option<Template>,
    pub(crate) content_type: Option<String>,
    pub(crate) content: Content,
}

/// What a part holds.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Text(Template),
    /// From base64, or from a file.
    Bytes(Bytes),
}

/// Bytes that are copied for each request.
pub(super) fn copied(parts: &[Part]) -> usize {
    let sizes = parts.iter().map(|part| match &part.content {
        Content::Text(_) => 0,
        Content::Bytes(bytes) => bytes.len(),
    });
    sizes.sum()
}

/// The content type with its boundary, and the body.
pub(super) fn fill(parts: &[Part], values: &Values) -> Result<(String, Bytes), Missing> {
    let mut filled = Vec::new();
    for part in parts {
        let content = match &part.content {
            Content::Text(template) => template.render(values)?.into(),
            Content::Bytes(bytes) => bytes.clone(),
        };
        filled.push((head(part, values)?, content));
    }
    let boundary = boundary(&filled);
    let mut body = BytesMut::new();
    for (head, content) in &filled {
        body.put_slice(format!("--{boundary}\r\n{head}\r\n").as_bytes());
        body.put_slice(content);
        body.put_slice(b"\r\n");
    }
    body.put_slice(format!("--{boundary}--\r\n").as_bytes());
    let content_type = format!("multipart/form-data; boundary={boundary}");
    Ok((content_type, body.freeze()))
}

fn head(part: &Part, values: &Values) -> Result<String, Missing> {
    let mut head = format!(
        "Content-Disposition: form-data; name=\"{}\"",
        quoted(&part.name)
    );
    if let Some(file) = &part.file {
        let file = quoted(&file.render(values)?);
        // Writing into a string can't fail.
        let _ = write!(head, "; filename=\"{file}\"");
    }
    head.push_str("\r\n");
    let content_type = match (&part.content_type, &part.file) {
        (Some(written), _) => Some(written.as_str()),
        (None, Some(_)) => Some("application/octet-stream"),
        (None, None) => None,
    };
    if let Some(content_type) = content_type {
        let _ = write!(head, "Content-Type: {content_type}\r\n");
    }
    Ok(head)
}

/// As browsers escape names.
fn quoted(name: &str) -> String {
    name.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A boundary that no content holds, and the same whenever the contents are: what a try sent can be sent again.
fn boundary(filled: &[(String, Bytes)]) -> String {
    let mut hash = Sha256::new();
    for (head, content) in filled {
        hash.update(head);
        hash.update(content);
    }
    let mut digest = hash.finalize();
    loop {
        let boundary = format!("deploy-hooks-{}", HEXLOWER.encode(&digest[..12]));
        let is_inside = |content: &Bytes| {
            content
                .windows(boundary.len())
                .any(|window| window == boundary.as_bytes())
        };
        if !filled.iter().any(|(_, content)| is_inside(content)) {
            return boundary;
        }
        digest = Sha256::digest(digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_files_are_written_as_forms_have_them() {
        let text = |text: &str| Content::Text(Template::parse(text).unwrap());
        let parts = [
            Part {
                name: "ti\"tle".to_owned(),
                file: None,
                content_type: None,
                content: text("Dune"),
            },
            Part {
                name: "cover".to_owned(),
                file: Some(Template::parse("a.png").unwrap()),
                content_type: Some("image/png".to_owned()),
                content: Content::Bytes(Bytes::from_static(b"PNG")),
            },
        ];
        let (content_type, body) = fill(&parts, &Values::default()).unwrap();
        let boundary = content_type
            .strip_prefix("multipart/form-data; boundary=")
            .unwrap();
        let shown = String::from_utf8_lossy(&body)
            .replace(boundary, "B")
            .replace('\r', "");
        insta::assert_snapshot!(shown, @r#"
        --B
        Content-Disposition: form-data; name="ti%22tle"

        Dune
        --B
        Content-Disposition: form-data; name="cover"; filename="a.png"
        Content-Type: image/png

        PNG
        --B--
        "#);
        assert_eq!(fill(&parts, &Values::default()).unwrap().0, content_type);
    }
}
