//! The little that must be known of a picture before anybody decodes it: what it is, and how large it would become.

/// The formats that every platform decodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ImageFormat {
    /// Portable Network Graphics (RFC 2083).
    Png,
    /// JPEG (ITU-T T.81).
    Jpeg,
}

/// Format, width and height (pixels) by the file's own header; `None` for anything that isn't PNG or JPEG.
pub(crate) fn header(bytes: &[u8]) -> Option<(ImageFormat, u32, u32)> {
    png(bytes)
        .map(|(width, height)| (ImageFormat::Png, width, height))
        .or_else(|| jpeg(bytes).map(|(width, height)| (ImageFormat::Jpeg, width.into(), height.into())))
}

/// The signature, then the IHDR chunk, which has to come first (RFC 2083, 4.1.1).
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let rest = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR")?;
    let (width, rest) = rest.split_first_chunk()?;
    let (height, _) = rest.split_first_chunk()?;
    Some((u32::from_be_bytes(*width), u32::from_be_bytes(*height)))
}

/// Segments up to the frame header (T.81, B.1.1 and B.2.2).
fn jpeg(bytes: &[u8]) -> Option<(u16, u16)> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
    loop {
        rest = rest.strip_prefix(b"\xff")?;
        // A marker may be preceded by any number of fill bytes.
        while let Some(after_fill) = rest.strip_prefix(b"\xff") {
            rest = after_fill;
        }
        let (&marker, after_marker) = rest.split_first()?;
        let (length, body) = after_marker.split_first_chunk()?;
        match marker {
            // Start of frame; C4, C8 and CC are tables and extensions.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let (height, body) = body.get(1..)?.split_first_chunk()?;
                let (width, _) = body.split_first_chunk()?;
                return Some((u16::from_be_bytes(*width), u16::from_be_bytes(*height)));
            }
            // Neither picture data nor the end may come before the frame header, nor a marker without a length.
            0xd9 | 0xda | 0x00 | 0x01 | 0xd0..=0xd8 => return None,
            _ => rest = body.get(usize::from(u16::from_be_bytes(*length)).checked_sub(2)?..)?,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The beginning of a PNG of this size.
    pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 6, 0, 0, 0]);
        bytes
    }

    /// The beginning of a JPEG of this size, behind a segment that itself looks like a small picture.
    pub(crate) fn jpeg(width: u16, height: u16) -> Vec<u8> {
        let mut bytes =
            b"\xff\xd8\xff\xe1\x00\x0e\xff\xd8\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x03\xff\xff\xc2\x00\x0b\x08"
                .to_vec();
        bytes.extend(height.to_be_bytes());
        bytes.extend(width.to_be_bytes());
        bytes.extend([1, 0x11, 0]);
        bytes
    }

    #[test]
    fn headers_are_read_behind_what_comes_before_them() {
        assert_eq!(header(&png(3, 70_000)), Some((ImageFormat::Png, 3, 70_000)));
        assert_eq!(header(&jpeg(300, 4)), Some((ImageFormat::Jpeg, 300, 4)), "not the thumbnail's");
    }

    #[test]
    fn nothing_cut_off_is_a_picture_and_nothing_loops() {
        for whole in [png(3, 4), jpeg(3, 4)] {
            let needed = whole.len() - if whole[0] == 0x89 { 5 } else { 3 };
            for end in 0..needed {
                assert_eq!(header(&whole[..end]), None, "{end}");
            }
            assert!(header(&whole[..needed]).is_some());
        }
        for bad in [
            &b"\xff\xd8\xff\xe0\x00\x00\xff\xc0"[..],
            b"\xff\xd8\xff\xe0\x00\x01",
            b"\xff\xd8\xff\xda\x00\x02\xff\xc0\x00\x0b\x08\x00\x01\x00\x01",
            b"\xff\xd8\xff\xff\xff\xff",
            b"\xff\xd8\x00\x00\x00\x00",
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dIDAT\0\0\0\x01\0\0\0\x01",
        ] {
            assert_eq!(header(bad), None, "{bad:?}");
        }
    }
}
