//! The functions and types of C that `hurl_core` calls, under the names that libxml2 has for them.

#![allow(
    clippy::pub_underscore_fields,
    non_camel_case_types,
    non_snake_case,
    missing_docs,
    reason = "the names are those of libxml2, and documented there"
)]

use std::ffi::{c_char, c_int, c_uint, c_void};

use crate::scanner::{Event, Scanner};

pub type xmlChar = u8;
pub type xmlSAXHandlerPtr = *mut xmlSAXHandler;
pub type xmlParserCtxtPtr = *mut xmlParserCtxt;

/// What `xmlParseChunk` answers where the text is not XML: `XML_ERR_DOCUMENT_END`.
const NOT_WELL_FORMED: c_int = 5;

pub const XML_SAX2_MAGIC: c_uint = 0xDEED_BEAF;

type OnDocument = unsafe extern "C" fn(*mut c_void);
type OnStart = unsafe extern "C" fn(
    *mut c_void,
    *const xmlChar,
    *const xmlChar,
    *const xmlChar,
    c_int,
    *mut *const xmlChar,
    c_int,
    c_int,
    *mut *const xmlChar,
);
type OnEnd = unsafe extern "C" fn(*mut c_void, *const xmlChar, *const xmlChar, *const xmlChar);
/// A handler that is never called.
type Unused = Option<fn()>;

/// Whom a parser reports to. Of all that libxml2 reports, the beginning of the document and of elements and the end of
/// elements are reported here.
#[derive(Clone, Copy)]
pub struct xmlSAXHandler {
    pub internalSubset: Unused,
    pub isStandalone: Unused,
    pub hasInternalSubset: Unused,
    pub hasExternalSubset: Unused,
    pub resolveEntity: Unused,
    pub getEntity: Unused,
    pub entityDecl: Unused,
    pub notationDecl: Unused,
    pub attributeDecl: Unused,
    pub elementDecl: Unused,
    pub unparsedEntityDecl: Unused,
    pub setDocumentLocator: Unused,
    pub startDocument: Option<OnDocument>,
    pub endDocument: Option<OnDocument>,
    pub startElement: Unused,
    pub endElement: Unused,
    pub reference: Unused,
    pub characters: Unused,
    pub ignorableWhitespace: Unused,
    pub processingInstruction: Unused,
    pub comment: Unused,
    pub warning: Unused,
    pub error: Unused,
    pub fatalError: Unused,
    pub getParameterEntity: Unused,
    pub cdataBlock: Unused,
    pub externalSubset: Unused,
    pub initialized: c_uint,
    pub _private: *mut c_void,
    pub startElementNs: Option<OnStart>,
    pub endElementNs: Option<OnEnd>,
    pub serror: Unused,
}

/// A parser at work.
pub struct xmlParserCtxt {
    scanner: Scanner,
    handler: xmlSAXHandler,
    user_data: *mut c_void,
    begun: bool,
}

/// A parser that is fed in pieces.
///
/// # Safety
/// `sax` points to a handler; `user_data` is what its functions expect, for as long as the parser is fed. `chunk` and
/// `filename` are not used.
pub unsafe fn xmlCreatePushParserCtxt(
    sax: xmlSAXHandlerPtr,
    user_data: *mut c_void,
    _chunk: *const c_char,
    _size: c_int,
    _filename: *const c_char,
) -> xmlParserCtxtPtr {
    Box::into_raw(Box::new(xmlParserCtxt {
        scanner: Scanner::default(),
        // SAFETY: the caller says that it points to a handler.
        handler: unsafe { *sax },
        user_data,
        begun: false,
    }))
}

/// Feeds a parser; something other than 0 says that the text is not XML.
///
/// # Safety
/// `parser` is one of [`xmlCreatePushParserCtxt`] that is not freed; `chunk` points to `size` bytes.
pub unsafe fn xmlParseChunk(
    parser: xmlParserCtxtPtr,
    chunk: *const c_char,
    size: c_int,
    terminate: c_int,
) -> c_int {
    // SAFETY: the caller says that it is a living parser, and nobody else holds it.
    let parser = unsafe { &mut *parser };
    let size = usize::try_from(size).unwrap_or_default();
    // SAFETY: the caller says that there are so many bytes.
    let chunk = unsafe { std::slice::from_raw_parts(chunk.cast::<u8>(), size) };
    let read = std::str::from_utf8(chunk).is_ok_and(|text| parser.take(text));
    let ended_early = terminate != 0 && !parser.scanner.is_at_end();
    if read && !ended_early {
        0
    } else {
        NOT_WELL_FORMED
    }
}

/// Lets a parser go.
///
/// # Safety
/// `parser` is one of [`xmlCreatePushParserCtxt`], freed once.
pub unsafe fn xmlFreeParserCtxt(parser: xmlParserCtxtPtr) {
    // SAFETY: the caller says that it came from there, and is freed once.
    drop(unsafe { Box::from_raw(parser) });
}

impl xmlParserCtxt {
    /// Whether the text goes on as XML may.
    fn take(&mut self, text: &str) -> bool {
        if !self.begun {
            self.begun = true;
            if let Some(begin) = self.handler.startDocument {
                // SAFETY: the creator of the parser gave both, for each other.
                unsafe { begin(self.user_data) };
            }
        }
        for character in text.chars() {
            match self.scanner.take(character) {
                Err(_) => return false,
                Ok(None) => {}
                Ok(Some(Event::Begin)) => self.begin_element(),
                Ok(Some(Event::End)) => self.end_element(),
                Ok(Some(Event::Empty)) => {
                    self.begin_element();
                    self.end_element();
                }
            }
        }
        true
    }

    fn begin_element(&self) {
        let none = std::ptr::null();
        let nothing = std::ptr::null_mut();
        if let Some(begin) = self.handler.startElementNs {
            // SAFETY: the creator of the parser gave both, for each other; no name, namespace or attribute is passed.
            unsafe { begin(self.user_data, none, none, none, 0, nothing, 0, 0, nothing) };
        }
    }

    fn end_element(&self) {
        let none = std::ptr::null();
        if let Some(end) = self.handler.endElementNs {
            // SAFETY: the creator of the parser gave both, for each other; no name is passed.
            unsafe { end(self.user_data, none, none, none) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" fn begun(counter: *mut c_void) {
        // SAFETY: the test gives a counter.
        unsafe { (*counter.cast::<Counter>()).documents += 1 };
    }

    unsafe extern "C" fn ended(counter: *mut c_void, _: *const u8, _: *const u8, _: *const u8) {
        // SAFETY: the test gives a counter.
        unsafe { (*counter.cast::<Counter>()).elements += 1 };
    }

    #[derive(Default)]
    struct Counter {
        documents: usize,
        elements: usize,
    }

    /// What is answered to a text in one piece, and what is reported meanwhile.
    fn parsed(text: &str) -> (c_int, Counter) {
        let mut handler = xmlSAXHandler {
            internalSubset: None,
            isStandalone: None,
            hasInternalSubset: None,
            hasExternalSubset: None,
            resolveEntity: None,
            getEntity: None,
            entityDecl: None,
            notationDecl: None,
            attributeDecl: None,
            elementDecl: None,
            unparsedEntityDecl: None,
            setDocumentLocator: None,
            startDocument: Some(begun),
            endDocument: None,
            startElement: None,
            endElement: None,
            reference: None,
            characters: None,
            ignorableWhitespace: None,
            processingInstruction: None,
            comment: None,
            warning: None,
            error: None,
            fatalError: None,
            getParameterEntity: None,
            cdataBlock: None,
            externalSubset: None,
            initialized: XML_SAX2_MAGIC,
            _private: std::ptr::null_mut(),
            startElementNs: None,
            endElementNs: Some(ended),
            serror: None,
        };
        let mut counter = Counter::default();
        let data = std::ptr::from_mut(&mut counter).cast();
        let size = c_int::try_from(text.len()).expect("a short text");
        // SAFETY: handler, counter and text live until the parser is freed.
        let answer = unsafe {
            let none = std::ptr::null();
            let parser = xmlCreatePushParserCtxt(&raw mut handler, data, none, 0, none);
            let answer = xmlParseChunk(parser, text.as_ptr().cast(), size, 1);
            xmlFreeParserCtxt(parser);
            answer
        };
        (answer, counter)
    }

    #[test]
    fn elements_are_reported_and_what_is_no_xml_is_refused() {
        let (answer, counter) = parsed("<?xml version='1.0'?><a><b/><b>é</b></a>");
        assert_eq!((answer, counter.documents, counter.elements), (0, 1, 3));
        assert_ne!(parsed("<a><b></a>").0, 0);
        assert_ne!(parsed("<a>").0, 0, "it ends early");
    }
}
