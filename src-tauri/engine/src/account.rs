//! Names: the account that a display name makes.

/// An account out of a name that a person typed: ASCII letters and digits in lower case, dots for what separates.
/// A name with none of those (王小明) gets `user-` and four random digits.
pub(crate) fn account_from_name(name: &str) -> String {
    let mut account = String::new();
    for c in name.trim().chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '_' | '@') {
            account.push(c.to_ascii_lowercase());
        } else if matches!(c, ' ' | '.' | '-') && !account.is_empty() && !account.ends_with('.') {
            account.push('.');
        }
        if account.len() >= 32 {
            break;
        }
    }
    let account = account.trim_end_matches('.').to_owned();
    if account.is_empty() || account == crate::echo::ECHO {
        return format!("user-{:04}", rand::random_range(0..10_000));
    }
    account
}

/// The same account with a number, for when the first is taken.
pub(crate) fn numbered(account: &str, attempt: u32) -> String {
    if attempt == 0 { account.to_owned() } else { format!("{account}-{}", attempt + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_made_of_what_the_rule_allows() {
        assert_eq!(account_from_name("Alice Lindqvist"), "alice.lindqvist");
        assert_eq!(account_from_name("  J. R. - Smith  "), "j.r.smith");
        assert!(account_from_name("王小明").starts_with("user-"));
        assert!(account_from_name("Echo").starts_with("user-"), "echo is the test contact's name");
        for name in ["Ö", "a".repeat(200).as_str(), "x y z", "ann@office"] {
            assert!(peal_call::UserId::new(account_from_name(name)).is_ok(), "{name}");
        }
    }
}
