//! The header of a `.npy` file, read and written by hand.
//!
//! Ours are of version 1.0 and padded with spaces so that the samples begin at byte 4096: frame 0
//! of a packed set starts on a page, and NumPy opens the file as it is.
//!
//! ```
//! use framehaul::source::npy_header::Header;
//! let bytes = Header::new("<u2", &[30, 2160, 3840, 3]).to_bytes();
//! assert_eq!(bytes.len(), 4096);
//! assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
//! let (header, data) = Header::parse(&bytes)?;
//! assert_eq!(header.shape, [30, 2160, 3840, 3]);
//! assert_eq!(data, 4096);
//! # Ok::<(), String>(())
//! ```

/// What the header of a `.npy` file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// NumPy's name of the sample type: `|u1`, `<u2`, `<f4`, …
    pub descr: String,
    /// Whether the first axis runs fastest; frames are never stored like that.
    pub fortran_order: bool,
    /// Lengths of the axes, outermost first.
    pub shape: Vec<u64>,
}

/// Where the samples begin in the files that we write.
pub const DATA_OFFSET: usize = 4096;
/// The longest header that is read; NumPy's own limit for untrusted files is 10,000.
pub const MAX_HEADER: usize = 1 << 16;
const MAGIC: &[u8] = b"\x93NUMPY";

impl Header {
    /// The header of an array in C order.
    pub fn new(descr: &str, shape: &[u64]) -> Self {
        Self {
            descr: descr.to_owned(),
            fortran_order: false,
            shape: shape.to_vec(),
        }
    }

    /// The header as it stands in a file, [`DATA_OFFSET`] bytes long.
    ///
    /// # Panics
    /// If the shape has so many axes (hundreds) that it does not fit.
    pub fn to_bytes(&self) -> Vec<u8> {
        let axes: Vec<String> = self.shape.iter().map(u64::to_string).collect();
        let comma = if axes.len() == 1 { "," } else { "" };
        let dict = format!(
            "{{'descr': '{}', 'fortran_order': {}, 'shape': ({}{comma}), }}",
            self.descr,
            if self.fortran_order { "True" } else { "False" },
            axes.join(", "),
        );
        let mut bytes = [MAGIC, &[1, 0]].concat();
        bytes.extend((DATA_OFFSET as u16 - 10).to_le_bytes());
        bytes.extend(dict.as_bytes());
        assert!(bytes.len() < DATA_OFFSET, "a shape of {} axes", axes.len());
        bytes.resize(DATA_OFFSET - 1, b' ');
        bytes.push(b'\n');
        bytes
    }

    /// Reads a header from the first bytes of a file, as many as there are up to [`MAX_HEADER`];
    /// also tells where the samples begin.
    ///
    /// # Errors
    /// What was found and what was expected, as the end of a sentence about the file.
    pub fn parse(bytes: &[u8]) -> Result<(Self, usize), String> {
        if bytes.is_empty() {
            return Err("the file is empty; expected a .npy as np.save writes it".into());
        }
        if !bytes.starts_with(MAGIC) {
            let found = &bytes[..bytes.len().min(6)];
            return Err(format!(
                "not a .npy file: it begins with \"{}\", expected \"\\x93NUMPY\"",
                found.escape_ascii()
            ));
        }
        let short = "the file ends within its .npy header (truncated?)";
        let (&major, &minor) = (bytes.get(6).ok_or(short)?, bytes.get(7).ok_or(short)?);
        let (start, length) = match major {
            1 => {
                let field = bytes.get(8..10).ok_or(short)?;
                (10, u16::from_le_bytes([field[0], field[1]]) as usize)
            }
            2 | 3 => {
                let field = bytes.get(8..12).ok_or(short)?;
                let length = u32::from_le_bytes([field[0], field[1], field[2], field[3]]);
                (12, length as usize)
            }
            _ => {
                return Err(format!(
                    "its .npy version is {major}.{minor}; expected 1.0, 2.0 or 3.0 (save it \
                     again with np.save)"
                ));
            }
        };
        let data = start + length;
        if data > MAX_HEADER {
            return Err(format!(
                "its .npy header claims {length} bytes; one of an array of frames has some \
                 hundred (damaged?)"
            ));
        }
        let text = bytes.get(start..data).ok_or(short)?;
        let header = Dict { rest: text }.header().map_err(|what| {
            format!("its .npy header is damaged or its length is wrong: {what} (save it again)")
        })?;
        Ok((header, data))
    }
}

/// A parser of the one Python literal that a header is: a dict of three known keys.
struct Dict<'a> {
    rest: &'a [u8],
}

impl Dict<'_> {
    fn header(mut self) -> Result<Header, String> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        self.expect(b'{')?;
        while !self.eat(b'}') {
            let key = self.string()?;
            self.expect(b':')?;
            let again = match key.as_str() {
                "descr" => descr.replace(self.descr()?).is_some(),
                "fortran_order" => fortran_order.replace(self.boolean()?).is_some(),
                "shape" => shape.replace(self.shape()?).is_some(),
                _ => return Err(format!("unknown key '{key}'")),
            };
            if again {
                return Err(format!("the key '{key}' occurs twice"));
            }
            if !self.eat(b',') {
                self.expect(b'}')?;
                break;
            }
        }
        // Only padding may follow, and a newline ends it: so a wrong length is noticed.
        match self.rest.split_last() {
            Some((b'\n', padding)) if padding.iter().all(|b| *b == b' ') => {}
            _ => return Err("expected spaces and a newline at its end".into()),
        }
        Ok(Header {
            descr: descr.ok_or("the key 'descr' is missing")?,
            fortran_order: fortran_order.ok_or("the key 'fortran_order' is missing")?,
            shape: shape.ok_or("the key 'shape' is missing")?,
        })
    }

    fn skip_spaces(&mut self) {
        while let [b' ' | b'\t' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let before = self.rest;
        self.skip_spaces();
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                true
            }
            _ => {
                self.rest = before;
                false
            }
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), String> {
        if self.eat(byte) {
            return Ok(());
        }
        let found = &self.rest[..self.rest.len().min(12)];
        Err(format!(
            "expected '{}', found \"{}\"",
            byte as char,
            found.escape_ascii()
        ))
    }

    fn string(&mut self) -> Result<String, String> {
        let quote = if self.eat(b'"') {
            b'"'
        } else {
            self.expect(b'\'')?;
            b'\''
        };
        let end = self.rest.iter().position(|b| *b == quote);
        let end = end.ok_or("a string does not end")?;
        let text = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Ok(text.escape_ascii().to_string())
    }

    /// The type of a plain array is a string; that of a record array a list, which is named but
    /// not understood.
    fn descr(&mut self) -> Result<String, String> {
        if !self.eat(b'[') {
            return self.string();
        }
        let mut depth = 1usize;
        while depth > 0 {
            match self.rest {
                [b'[', rest @ ..] => (depth, self.rest) = (depth + 1, rest),
                [b']', rest @ ..] => (depth, self.rest) = (depth - 1, rest),
                [_, rest @ ..] => self.rest = rest,
                [] => return Err("a list does not end".into()),
            }
        }
        Ok("records".into())
    }

    fn boolean(&mut self) -> Result<bool, String> {
        self.skip_spaces();
        for (word, value) in [(&b"True"[..], true), (b"False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err("'fortran_order' is neither True nor False".into())
    }

    fn shape(&mut self) -> Result<Vec<u64>, String> {
        let mut axes = Vec::new();
        self.expect(b'(')?;
        while !self.eat(b')') {
            self.skip_spaces();
            let end = self.rest.iter().position(|b| !b.is_ascii_digit());
            let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
            let digits = str::from_utf8(digits).unwrap_or_default();
            let axis = digits.parse().map_err(|_| {
                let found = &self.rest[..self.rest.len().min(24)];
                format!(
                    "'shape' has no usable number at \"{}\"",
                    found.escape_ascii()
                )
            })?;
            axes.push(axis);
            // Python 2 wrote long integers with an L behind.
            self.rest = rest.strip_prefix(b"L").unwrap_or(rest);
            if !self.eat(b',') {
                self.expect(b')')?;
                break;
            }
        }
        Ok(axes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn framed(dict: &str, major: u8) -> Vec<u8> {
        let mut bytes = [MAGIC, &[major, 0]].concat();
        let length = dict.len() as u32 + 1;
        match major {
            1 => bytes.extend((length as u16).to_le_bytes()),
            _ => bytes.extend(length.to_le_bytes()),
        }
        bytes.extend(dict.as_bytes());
        bytes.push(b'\n');
        bytes
    }

    #[test]
    fn headers_of_all_versions_orders_and_quotes_are_read() {
        let want = Header::new("<u2", &[5, 4, 3]);
        for (dict, major) in [
            (
                "{'descr': '<u2', 'fortran_order': False, 'shape': (5, 4, 3), }   ",
                1,
            ),
            ("{'shape':(5,4,3),'descr':'<u2','fortran_order':False}", 2),
            (
                "{ \"fortran_order\" : False, \"shape\" : (5L, 4L, 3L,), 'descr': \"<u2\" }",
                3,
            ),
        ] {
            let bytes = framed(dict, major);
            assert_eq!(
                Header::parse(&bytes),
                Ok((want.clone(), bytes.len())),
                "{dict}"
            );
        }
    }

    #[test]
    fn damaged_headers_are_refused_by_a_sentence() {
        let good = Header::new("|u1", &[2, 3]).to_bytes();
        let mut long = good.clone();
        long[8..10].copy_from_slice(&u16::MAX.to_le_bytes());
        let mut short = good.clone();
        short[8..10].copy_from_slice(&100u16.to_le_bytes());
        let mut version = good.clone();
        version[6] = 9;
        for (bytes, says) in [
            (Vec::new(), "empty"),
            (b"GIF89a".to_vec(), "GIF89a"),
            (good[..7].to_vec(), "truncated"),
            (good[..500].to_vec(), "truncated"),
            (long, "claims 65535"),
            (short, "newline"),
            (version, "9.0"),
            (
                framed("{'descr': '|u1', 'shape': (2, 3), }", 1),
                "'fortran_order' is missing",
            ),
            (framed("{'descr': '|u1', 'descr': '|u1'}", 1), "twice"),
            (framed("{'shape': (-2, 3)}", 1), "no usable number"),
            (
                framed("{'shape': (99999999999999999999999, 3)}", 1),
                "no usable number",
            ),
            (framed("{'colour': 'red'}", 1), "unknown key"),
            (framed("{'descr': '|u1", 1), "does not end"),
            (framed("{'descr': [('a', '<f4'", 1), "does not end"),
        ] {
            let error = Header::parse(&bytes).unwrap_err();
            assert!(error.contains(says), "{says}: {error}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, major in 0u8..5) {
            let _ = Header::parse(&bytes);
            let mut framed = [MAGIC, &[major, 0]].concat();
            framed.extend(&bytes);
            let _ = Header::parse(&framed);
        }

        #[test]
        fn arbitrary_dicts_never_panic(text in "[{}()'\",:A-Za-z_0-9 \\[\\]]{0,80}") {
            let _ = Header::parse(&framed(&text, 1));
        }

        #[test]
        fn what_is_written_is_read_back(
            descr in "[|<>]?[uif][1248]",
            fortran_order: bool,
            shape in prop::collection::vec(any::<u64>(), 0..8),
        ) {
            let header = Header { descr, fortran_order, shape };
            let bytes = header.to_bytes();
            prop_assert_eq!(bytes.len(), DATA_OFFSET);
            prop_assert_eq!(Header::parse(&bytes), Ok((header, DATA_OFFSET)));
        }
    }
}
