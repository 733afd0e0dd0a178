//! What people do with their hands: the mouse and the keyboard.

use serde_json::{Value, json};

use crate::Error;
use crate::element::Point;
use crate::page::Page;

/// A key that can be pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    name: String,
    code: String,
    number: u32,
    text: Option<String>,
}

/// Keys with a name: name, code, number, and the text that they type.
const NAMED_KEYS: [(&str, &str, u32, Option<&str>); 15] = [
    ("Enter", "Enter", 13, Some("\r")),
    ("Tab", "Tab", 9, None),
    ("Escape", "Escape", 27, None),
    ("Backspace", "Backspace", 8, None),
    ("Delete", "Delete", 46, None),
    ("Space", "Space", 32, Some(" ")),
    ("ArrowUp", "ArrowUp", 38, None),
    ("ArrowDown", "ArrowDown", 40, None),
    ("ArrowLeft", "ArrowLeft", 37, None),
    ("ArrowRight", "ArrowRight", 39, None),
    ("Home", "Home", 36, None),
    ("End", "End", 35, None),
    ("PageUp", "PageUp", 33, None),
    ("PageDown", "PageDown", 34, None),
    ("F5", "F5", 116, None),
];

impl Key {
    /// `Enter`, or a single character.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some((name, code, number, text)) =
            NAMED_KEYS.iter().find(|(known, ..)| *known == name)
        {
            let key = if *name == "Space" { " " } else { name };
            return Some(Self {
                name: key.to_owned(),
                code: (*code).to_owned(),
                number: *number,
                text: text.map(str::to_owned),
            });
        }
        let mut letters = name.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) if letter.is_ascii_graphic() => Some(Self::of(letter)),
            _ => None,
        }
    }

    /// The names of all keys that have one.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMED_KEYS.iter().map(|(name, ..)| *name)
    }

    fn of(letter: char) -> Self {
        let upper = letter.to_ascii_uppercase();
        let code = match upper {
            'A'..='Z' => format!("Key{upper}"),
            '0'..='9' => format!("Digit{upper}"),
            _ => String::new(),
        };
        let number = if upper.is_ascii_alphanumeric() {
            u32::from(upper)
        } else {
            0
        };
        Self {
            name: letter.to_string(),
            code,
            number,
            text: Some(letter.to_string()),
        }
    }

    fn event(&self, kind: &str) -> Value {
        let mut event = json!({
            "type": kind, "key": self.name, "code": self.code, "windowsVirtualKeyCode": self.number
        });
        if let (Some(text), true) = (&self.text, kind == "keyDown") {
            event["text"] = text.as_str().into();
        }
        event
    }
}

impl Page {
    /// Clicks there.
    pub async fn click(&mut self, at: Point) -> Result<(), Error> {
        let Point { x, y } = at;
        let moved = json!({ "type": "mouseMoved", "x": x, "y": y });
        let button =
            |kind: &str| json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
        self.tell("Input.dispatchMouseEvent", moved).await?;
        self.tell("Input.dispatchMouseEvent", button("mousePressed"))
            .await?;
        let released = button("mouseReleased");
        let _: Value = self.call("Input.dispatchMouseEvent", released).await?;
        Ok(())
    }

    /// Puts the cursor into the field that was found, so that typing replaces what is there. `is_secret` keeps the field
    /// out of screenshots. False if it does not take the cursor.
    pub async fn enter(&mut self, is_secret: bool) -> Result<bool, Error> {
        self.run(&format!("deployHooks.replace({is_secret})")).await
    }

    /// Types, key by key; what no key has as one piece.
    pub async fn type_text(&mut self, text: &str) -> Result<(), Error> {
        if text.is_empty() {
            return self
                .press(&Key::parse("Delete").expect("it is a key"))
                .await;
        }
        for letter in text.chars() {
            if letter == '\n' {
                self.press(&Key::parse("Enter").expect("it is a key"))
                    .await?;
            } else if letter.is_ascii_graphic() || letter == ' ' {
                let key = Key::of(letter);
                self.tell("Input.dispatchKeyEvent", key.event("keyDown"))
                    .await?;
                self.tell("Input.dispatchKeyEvent", key.event("keyUp"))
                    .await?;
            } else {
                let insert = json!({ "text": letter.to_string() });
                self.tell("Input.insertText", insert).await?;
            }
        }
        // Events are taken one after the other: when this is answered, the page has all of them.
        let _: Value = self.call("Input.insertText", json!({ "text": "" })).await?;
        Ok(())
    }

    /// Presses a key, and lets it go.
    pub async fn press(&mut self, key: &Key) -> Result<(), Error> {
        self.tell("Input.dispatchKeyEvent", key.event("keyDown"))
            .await?;
        let up = key.event("keyUp");
        let _: Value = self.call("Input.dispatchKeyEvent", up).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_as_the_web_names_them() {
        let enter = Key::parse("Enter").unwrap().event("keyDown");
        assert_eq!(enter["text"], "\r");
        let letter = Key::parse("a").unwrap().event("keyDown");
        assert_eq!(
            (&letter["code"], &letter["windowsVirtualKeyCode"]),
            (&"KeyA".into(), &65.into())
        );
        assert_eq!(Key::parse("Space").unwrap().event("keyUp")["key"], " ");
        assert!(
            Key::parse("enter").is_none() && Key::parse("ab").is_none() && Key::parse("").is_none()
        );
    }
}
