//! What a person wrote, before it is kept: no character in it that could deceive a reader, and not too much of it.

use peal_signalling::clean_text;

use crate::api::{ErrorCode, PealError};

/// One line of at most `limit` characters; `what` it is, for the words of the refusal.
pub(crate) fn line(text: &str, limit: usize, what: &str) -> Result<String, PealError> {
    checked(clean_text(text, usize::MAX), limit, what)
}

/// Several lines of at most `limit` characters together.
pub(crate) fn lines(text: &str, limit: usize, what: &str) -> Result<String, PealError> {
    checked(clean_lines(text, usize::MAX), limit, what)
}

/// Several lines, cut to `limit` characters.
pub(crate) fn clean_lines(text: &str, limit: usize) -> String {
    let clean: Vec<String> = text.lines().map(|line| clean_text(line, usize::MAX)).collect();
    let cut: String = clean.join("\n").trim().chars().take(limit).collect();
    cut.trim_end().to_owned()
}

fn checked(text: String, limit: usize, what: &str) -> Result<String, PealError> {
    if text.chars().count() > limit {
        return Err(PealError::new(ErrorCode::BadRequest, format!("{what} has at most {limit} characters")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_lines_and_what_deceives_is_taken_out() {
        assert_eq!(clean_lines("\r\n a\u{202e}b \r\n\r\n\tc\u{7}\n\n", 100), "ab\n\nc");
        assert_eq!(line(" a\nb ", 3, "a name").unwrap(), "ab");
    }

    #[test]
    fn what_is_too_long_is_refused_or_cut_by_characters() {
        let text = "\u{4e2d}".repeat(5);
        assert_eq!(line(&text, 5, "a name").unwrap(), text);
        let refused = line(&text, 4, "a name").unwrap_err();
        assert_eq!(
            (refused.code, refused.message.as_str()),
            (ErrorCode::BadRequest, "a name has at most 4 characters")
        );
        assert_eq!(clean_lines(&text, 4).chars().count(), 4);
        assert_eq!(clean_lines("ab \ncd", 4), "ab\nc");
        assert_eq!(clean_lines("ab\ncd", 3), "ab");
    }
}
