//! How deep the tables of a TOML text are nested, told before it is parsed: what reads a parsed table calls itself for
//! each level, and a text of some kilobytes can have more levels than a stack has room for.

/// Levels of tables and lists that a configuration may have; its own have five.
pub(crate) const MOST_LEVELS: usize = 32;

/// An upper bound of the levels in a TOML text, and the line, counted from 1, in which it is reached first.
///
/// Names with dots between them count one by one, in headers too; brackets count one each. What stands in strings and comments
/// does not count.
pub(crate) fn levels(text: &str) -> (usize, usize) {
    let mut scan = Scan {
        open: Vec::new(),
        header: 0,
        names: 0,
        in_value: false,
        deepest: (0, 1),
    };
    let mut line = 1;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let token = token(rest);
        match first {
            '[' | '{' => scan.open(),
            ']' | '}' => scan.close(),
            '\n' if scan.open.is_empty() => scan.next_key(),
            ',' => scan.next_key(),
            '=' => scan.in_value = true,
            '.' if !scan.in_value => scan.names = scan.names.max(1) + 1,
            _ => {}
        }
        scan.reach(line);
        line += rest[..token].matches('\n').count();
        rest = &rest[token..];
    }
    scan.deepest
}

struct Scan {
    /// The names before each open bracket, and itself.
    open: Vec<usize>,
    /// The names of the last header.
    header: usize,
    /// The names with dots between them at hand.
    names: usize,
    /// Whether the key at hand has ended: dots are then those of a number, or of a file's name.
    in_value: bool,
    deepest: (usize, usize),
}

impl Scan {
    fn open(&mut self) {
        self.open.push(self.names + 1);
        self.next_key();
    }

    fn close(&mut self) {
        // One bracket or two around names may be a header, in whose table the keys that follow lie.
        if self.open.len() <= 2 {
            self.header = self.header.max(self.names);
        }
        self.open.pop();
        self.next_key();
    }

    fn next_key(&mut self) {
        self.names = 0;
        self.in_value = false;
    }

    fn reach(&mut self, line: usize) {
        let levels = self.header + self.open.iter().sum::<usize>() + self.names;
        if levels > self.deepest.0 {
            self.deepest = (levels, line);
        }
    }
}

/// The length of what comes next: a string, a comment, or one character.
fn token(text: &str) -> usize {
    let end = |from: usize, close: &str| {
        let found = text[from..].find(close);
        found.map_or(text.len(), |at| from + at + close.len())
    };
    if text.starts_with('#') {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("'''") {
        return end(3, "'''");
    }
    if text.starts_with('\'') {
        return end(1, "'");
    }
    if text.starts_with('"') {
        let quote = if text.starts_with("\"\"\"") { 3 } else { 1 };
        let close = &text[..quote];
        let mut at = quote;
        while at < text.len() && !text[at..].starts_with(close) {
            // What follows a backslash closes nothing.
            let skipped = usize::from(text[at..].starts_with('\\')) + 1;
            let width = text[at..].chars().take(skipped).map(char::len_utf8);
            at += width.sum::<usize>();
        }
        return text.len().min(at + quote);
    }
    text.chars().next().map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preset;
    use proptest::prelude::*;
    use toml::{Table, Value};

    fn depth(value: &Value) -> usize {
        match value {
            Value::Table(table) => 1 + table.values().map(depth).max().unwrap_or(0),
            Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    #[test]
    fn no_table_is_deeper_than_its_text_says() {
        for text in [
            "a = 1",
            "a.b.c = 1",
            "[a.b.c]\nd.e = { f.g = [[1.5, 2], [3]] }",
            "[[a.b]]\nc = [\n  [1,\n   2],\n]\n[d]\ne.'f.g'.h = 1",
            "data = 'x'\na = '...'\nb = \"\\\"....\" # a.b.c.d\nc = \"\"\"\n.....\"\"\"",
        ] {
            let table = Value::Table(text.parse::<Table>().unwrap());
            let (levels, _) = levels(text);
            assert!(levels + 1 >= depth(&table), "{text}: {levels}");
            assert!(levels < 16, "{text}: {levels}");
        }
    }

    #[test]
    fn the_line_of_the_deepest_level_is_told() {
        let text = "a = 1\n# ....\nb = '''\n\n'''\nc.d.e.f = 1\ng = 2";
        assert_eq!(levels(text), (4, 6));
    }

    #[test]
    fn every_preset_is_far_from_the_limit() {
        for preset in Preset::experiments() {
            let (levels, _) = levels(preset.text);
            assert!(levels * 2 < MOST_LEVELS, "{}: {levels}", preset.name);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_or_hang(text in "([a-z.'\"\\[\\]{}#,=\\\\\n]|\\PC)*") {
            levels(&text);
        }
    }
}
