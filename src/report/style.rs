//! How a text for people is laid out: its width, and whether it may be bold.

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use std::io::IsTerminal;

/// The width of the text, and whether the place it goes to shows bold.
///
/// ```
/// use framehaul::report::Style;
/// assert_eq!(Style::plain(80).width, 80);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns.
    pub width: usize,
    /// Whether titles and verdicts are bold, and ticks and crosses coloured.
    pub bold: bool,
    /// Whether it is Markdown, which is laid out where it is read.
    pub markdown: bool,
}

impl Style {
    /// No escape codes, `width` columns.
    pub const fn plain(width: usize) -> Self {
        Self {
            width,
            bold: false,
            markdown: false,
        }
    }

    /// Markdown, as GitHub reads it.
    pub const fn markdown() -> Self {
        Self {
            width: usize::MAX,
            bold: true,
            markdown: true,
        }
    }

    /// Standard output's: the terminal's width, or 120 where it is no terminal; bold and coloured
    /// only on a terminal that can show it (`TERM`), unless the environment says otherwise
    /// (`NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`).
    pub fn of_stdout() -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        let width = match is_terminal {
            true => terminal_size::terminal_size().map_or(80, |size| usize::from(size.0.0)),
            false => 120,
        };
        Self {
            width,
            bold: shows_escapes(is_terminal),
            markdown: false,
        }
    }

    /// Whether there is room for what is only nice to have.
    pub(super) const fn wide(self) -> bool {
        self.width >= 100
    }

    /// Words in lines of this width, in bold if that is shown.
    pub(crate) fn strong(self, text: &str) -> String {
        let wrapped = self.wrap(text, 0);
        match self.markdown {
            true => format!("**{wrapped}**"),
            false => self.escaped("1", &wrapped),
        }
    }

    /// In green, if that is shown.
    pub(super) fn green(self, text: &str) -> String {
        self.escaped("32", text)
    }

    /// In red, if that is shown.
    pub(super) fn red(self, text: &str) -> String {
        self.escaped("31", text)
    }

    fn escaped(self, code: &str, text: &str) -> String {
        match self.bold && !self.markdown {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    /// Words in lines of this width; the second line and those after it are indented.
    pub(crate) fn wrap(self, text: &str, indent: usize) -> String {
        if self.markdown {
            return escape(text);
        }
        let text = printable(text);
        let mut lines = String::new();
        let mut column = 0;
        for word in text.split(' ') {
            let length = word.chars().count();
            if column > 0 && column + 1 + length > self.width {
                lines.push('\n');
                lines.extend(std::iter::repeat_n(' ', indent));
                column = indent;
            } else if column > 0 {
                lines.push(' ');
                column += 1;
            }
            lines.push_str(word);
            column += length;
        }
        lines
    }

    /// Texts below each other.
    pub(super) fn lines(self, lines: &[String]) -> String {
        if self.markdown {
            let items: Vec<String> = lines.iter().map(|line| format!("- {line}")).collect();
            return items.join("\n");
        }
        lines.join("\n")
    }

    /// A table under a line; the first `left` columns are words, the rest are numbers. Where it is wider than
    /// this, each row stands by itself, a line for each number.
    pub(crate) fn table(self, header: &[&str], rows: &[Vec<String>], left: usize) -> String {
        if self.markdown {
            return markdown_table(header, rows, left);
        }
        let rule = LineStyle::none().fill('─').junction('─');
        let mut table = Table::new();
        table.load_style(TableStyle::new().header_separator(rule));
        table.set_header(header.iter().map(|cell| printable(cell)));
        table.add_rows(
            rows.iter()
                .map(|row| row.iter().map(|cell| printable(cell))),
        );
        // Beside the space that stands where a border would.
        let gap = if self.wide() { 1 } else { 0 };
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, gap));
            if index >= left {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let lines: Vec<String> = table.lines().map(|line| line.trim_end().into()).collect();
        match lines.iter().all(|line| line.chars().count() <= self.width) {
            true => lines.join("\n"),
            false => stacked(header, rows, left),
        }
    }
}

/// The same table for whoever has no room for it side by side: a row's words, and its numbers below them.
fn stacked(header: &[&str], rows: &[Vec<String>], left: usize) -> String {
    let (titles, names) = header.split_at(left);
    let room = names.iter().map(|name| name.chars().count()).max();
    let room = room.unwrap_or(0);
    let mut lines = Vec::new();
    for row in rows {
        let (words, numbers) = row.split_at(left);
        let words = titles
            .iter()
            .zip(words)
            .filter(|(_, word)| !word.is_empty());
        let titled = |(title, word): (&&str, &String)| match title.is_empty() {
            true => printable(word),
            false => format!("{title}: {}", printable(word)),
        };
        lines.push(words.map(titled).collect::<Vec<_>>().join(", "));
        for (name, number) in names.iter().zip(numbers) {
            lines.push(format!("  {name:room$}  {}", printable(number)));
        }
    }
    lines.join("\n")
}

/// The same table in Markdown, and an empty line: what stands right below would be a row of it.
fn markdown_table(header: &[&str], rows: &[Vec<String>], left: usize) -> String {
    let line = |cells: &mut dyn Iterator<Item = String>| {
        let cells: String = cells.map(|cell| format!(" {cell} |")).collect();
        format!("|{cells}\n")
    };
    let rule = |column| if column < left { ":--" } else { "--:" };
    let mut text = line(&mut header.iter().map(|cell| escape(cell)));
    text += &line(&mut (0..header.len()).map(|column| rule(column).to_owned()));
    for row in rows {
        text += &line(&mut row.iter().map(|cell| escape(cell)));
    }
    text
}

/// Text in which nothing commands a terminal, ends a line, or is there without being seen or turns round what is:
/// names are other people's, and may hold whatever a file's name may.
pub(crate) fn printable(text: &str) -> String {
    // Of no width, and of direction.
    let is_hidden = |c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() || is_hidden(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

/// Text that Markdown takes as it is.
fn escape(text: &str) -> String {
    let text = printable(text);
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        // An underscore within a word is one.
        let within = before.is_alphanumeric() && after.is_alphanumeric();
        if "\\`*<>|~[]&#$".contains(c) || c == '_' && !within {
            escaped.push('\\');
        }
        escaped.push(c);
        before = c;
    }
    escaped
}

/// Whether escape codes are wanted, by the conventions that the help's colours follow too.
fn shows_escapes(is_terminal: bool) -> bool {
    use anstyle_query::{clicolor, clicolor_force, no_color, term_supports_color};
    if no_color() || clicolor_force() {
        return !no_color();
    }
    match clicolor() {
        Some(false) => false,
        Some(true) => is_terminal,
        None => is_terminal && term_supports_color(),
    }
}

/// `name` in at most `width` characters: its end is what tells runs apart, so the start gives.
pub(super) fn shorten(name: &str, width: usize) -> String {
    let name = printable(name);
    let length = name.chars().count();
    if length <= width {
        return name;
    }
    let end: String = name.chars().skip(length + 1 - width).collect();
    format!("…{end}")
}

/// A word as it can be pasted into a shell.
pub(crate) fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+,=@%:".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_and_never_lost() {
        let style = Style::plain(10);
        assert_eq!(style.wrap("one two three", 2), "one two\n  three");
        assert_eq!(
            style.wrap("incomprehensibilities", 0),
            "incomprehensibilities"
        );
        assert_eq!(style.strong("bold"), "bold");
        let bold = Style {
            bold: true,
            ..Style::plain(10)
        };
        assert_eq!(bold.strong("bold"), "\x1b[1mbold\x1b[0m");
    }

    #[test]
    fn markdown_is_laid_out_by_whoever_shows_it_and_names_are_no_markup() {
        let style = Style::markdown();
        assert_eq!(style.strong("one two"), "**one two**");
        assert_eq!(
            style.wrap("shots/*.png, end_to_end, _x", 2),
            r"shots/\*.png, end_to_end, \_x"
        );
        let rows = vec![vec!["a|b".into(), "1".into()]];
        assert_eq!(
            style.table(&["run", ""], &rows, 1),
            "| run |  |\n| :-- | --: |\n| a\\|b | 1 |\n"
        );
    }

    #[test]
    fn names_end_no_line_and_command_no_terminal() {
        assert_eq!(printable("a\u{202e}b\u{200b}é"), r"a\u{202e}b\u{200b}é");
        let name = "a\nb\u{1b}[31m\tc";
        let shown = r"a\nb\u{1b}[31m\tc";
        let style = Style::plain(80);
        assert_eq!(style.wrap(name, 2), shown);
        assert_eq!(style.strong(name), shown);
        assert_eq!(shorten(name, 80), shown);
        assert_eq!(shorten(name, 4), r"…\tc");
        let rows = vec![vec![name.to_owned()]];
        let table = style.table(&[name], &rows, 1);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!((lines[0], lines[2], lines.len()), (shown, shown, 3));

        let style = Style::markdown();
        let shown = r"a\\nb\\u{1b}\[31m\\tc";
        assert_eq!(style.wrap(name, 2), shown);
        let expected = format!("| {shown} |\n| :-- |\n| {shown} |\n");
        assert_eq!(style.table(&[name], &rows, 1), expected);
        assert_eq!(
            style.wrap("<b> & &lt; # $x$", 0),
            r"\<b\> \& \&lt; \# \$x\$"
        );
    }

    #[test]
    fn long_names_keep_their_end() {
        assert_eq!(shorten("runs/mmap-warm", 20), "runs/mmap-warm");
        assert_eq!(shorten("runs/mmap-warm", 10), "…mmap-warm");
    }

    #[test]
    fn numbers_stand_under_their_headers() {
        let rows = vec![vec!["a".into(), "1".into()], vec!["b".into(), "100".into()]];
        let text = Style::plain(80).table(&["run", "n"], &rows, 1);
        assert_eq!(text, "run   n\n───────\na     1\nb   100");
    }

    #[test]
    fn a_table_that_is_too_wide_is_told_row_by_row() {
        let row = |words: [&str; 4]| words.map(String::from).to_vec();
        let rows = vec![
            row(["load", "mmap", "1", "20"]),
            row(["", "path", "3", "–"]),
        ];
        let table = |width| Style::plain(width).table(&["stage", "run", "p50", "p99.9"], &rows, 2);
        let whole = table(80);
        let width = whole.lines().map(|line| line.chars().count()).max();
        let width = width.unwrap_or(0);
        assert_eq!(table(width), whole);
        assert_eq!(
            table(width - 1),
            "stage: load, run: mmap\n  p50    1\n  p99.9  20\nrun: path\n  p50    3\n  p99.9  –"
        );
    }
}
