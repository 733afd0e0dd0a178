//! The XML of AWS's older services, as far as it is read here: elements and their texts, in which lists have `item`s.

use quick_xml::Reader;
use quick_xml::events::Event;

/// An element.
#[derive(Debug, Default)]
pub(crate) struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// The root of a document; none where it is no XML.
    pub(crate) fn parse(xml: &str) -> Option<Self> {
        let mut reader = Reader::from_str(xml);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => open.push(Self {
                    name: String::from_utf8_lossy(start.local_name().as_ref()).into_owned(),
                    ..Self::default()
                }),
                Event::Empty(empty) => open.last_mut()?.children.push(Self {
                    name: String::from_utf8_lossy(empty.local_name().as_ref()).into_owned(),
                    ..Self::default()
                }),
                Event::Text(text) => open.last_mut()?.text.push_str(&text.decode().ok()?),
                Event::End(_) => {
                    let ended = open.pop()?;
                    open.last_mut()?.children.push(ended);
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let [document] = <[Self; 1]>::try_from(open).ok()?;
        document.children.into_iter().next()
    }

    /// The text of a child; empty where there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.trim())
    }

    /// The items of a child that is a list.
    pub(crate) fn list<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Self> + use<'a> {
        let children = self.child(name).map_or(&[][..], |child| &child.children);
        children.iter().filter(|child| child.name == "item")
    }

    fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::Element;

    #[test]
    fn what_is_cut_off_or_no_xml_is_none() {
        for text in ["", "no", "<a><b>", "<a></b>", "{\"a\": 1}"] {
            assert!(Element::parse(text).is_none(), "{text}");
        }
        let answer = Element::parse("<a><b> x </b><c/></a>").unwrap();
        assert_eq!(
            (answer.text("b"), answer.text("c"), answer.text("d")),
            ("x", "", "")
        );
        assert_eq!(answer.list("b").count(), 0);
    }
}
