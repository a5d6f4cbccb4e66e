//! Tables as text (RFC 4180), row by row, each with its line: separated by `,` or `;`, fields quoted or not. Unlike readers
//! that forgive, it refuses a quote that is not closed, for that would swallow the rows behind it.

use super::deck::Problem;
use std::borrow::Cow;

/// A row that is not empty.
pub(super) struct Row<'a> {
    /// The line on which it begins.
    pub(super) line: u32,
    /// Its fields, without spaces around them.
    pub(super) fields: Vec<Cow<'a, str>>,
}

/// What of a text is still to be read.
pub(super) struct Rows<'a> {
    rest: &'a str,
    line: u32,
    separator: char,
}

impl<'a> Rows<'a> {
    /// The rows of a text; it is separated as its first line is.
    pub(super) fn of(text: &'a str) -> Self {
        let is_semicolon = text.lines().next().is_some_and(|first| first.contains(';'));
        Self { rest: text, line: 1, separator: if is_semicolon { ';' } else { ',' } }
    }

    fn row(&mut self) -> Result<Row<'a>, Problem> {
        let mut row = Row { line: self.line, fields: Vec::with_capacity(8) };
        loop {
            let column = row.fields.len() + 1;
            let field = if self.rest.starts_with('"') { self.quoted(column)? } else { self.plain() };
            row.fields.push(field);
            match self.rest.chars().next() {
                Some(separator) if separator == self.separator => self.skip(1),
                _ => {
                    self.skip(1);
                    self.line += 1;
                    return Ok(row);
                }
            }
        }
    }

    fn plain(&mut self) -> Cow<'a, str> {
        let end = self.rest.find([self.separator, '\n']).unwrap_or(self.rest.len());
        let (field, rest) = self.rest.split_at(end);
        // The end of a line stays for the row to see.
        self.rest = rest;
        Cow::Borrowed(field.trim())
    }

    fn quoted(&mut self, column: usize) -> Result<Cow<'a, str>, Problem> {
        let begins = self.line;
        let wrong = |text: &str| Problem::at(begins, column, text.to_owned());
        let mut field = Cow::Borrowed("");
        loop {
            self.skip(1);
            let Some((part, rest)) = self.rest.split_once('"') else {
                self.rest = "";
                return Err(wrong("a quote is opened and not closed; close it, or write it twice"));
            };
            self.line =
                self.line.saturating_add(u32::try_from(part.matches('\n').count()).unwrap_or(u32::MAX));
            self.rest = rest;
            field += part;
            if !rest.starts_with('"') {
                break;
            }
            field += "\"";
        }
        if !self.plain().is_empty() {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.skip(end + 1);
            self.line += 1;
            return Err(wrong("something stands behind a closing quote; write a quote that is meant twice"));
        }
        Ok(Cow::Owned(field.trim().to_owned()))
    }

    /// Leaves out bytes that are known to be there, or the text's end.
    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<Row<'a>, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let row = self.row();
            if !row.as_ref().is_ok_and(|row| row.fields.iter().all(|field| field.is_empty())) {
                return Some(row);
            }
        }
        None
    }
}
