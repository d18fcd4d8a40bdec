//! Who may read and write which topic: the same rules as deploy/mosquitto/peal.acl.

use peal_call::{DeviceId, UserId};

/// Whether `user` may publish to `topic`: signals in its own name, and its own presence.
pub(crate) fn may_write(user: &str, topic: &str) -> bool {
    let levels: Vec<&str> = topic.split('/').collect();
    match levels.as_slice() {
        ["peal", "v1", app, "to", to, "from", from, device] => {
            *from == user && is_name(app) && is_name(to) && is_device(device)
        }
        ["peal", "v1", app, "presence", of, device] => *of == user && is_name(app) && is_device(device),
        _ => false,
    }
}

/// Whether `user` may subscribe to `filter`: its own inbox, and everybody's presence, of any application.
pub(crate) fn may_read(user: &str, filter: &str) -> bool {
    let levels: Vec<&str> = filter.split('/').collect();
    match levels.as_slice() {
        ["peal", "v1", app, "presence", rest @ ..] => is_app_filter(app) && !rest.is_empty(),
        ["peal", "v1", app, "to", to, rest @ ..] => is_app_filter(app) && *to == user && !rest.is_empty(),
        _ => false,
    }
}

/// The part of a client id before the `~` is its account; the rest can't be guessed by others.
pub(crate) fn owns_client_id(user: &str, client_id: &str) -> bool {
    client_id.split_once('~').is_some_and(|(owner, secret)| owner == user && secret.len() >= 8)
}

pub(crate) fn is_name(text: &str) -> bool {
    UserId::new(text).is_ok()
}

fn is_device(text: &str) -> bool {
    DeviceId::new(text).is_ok()
}

fn is_app_filter(level: &str) -> bool {
    level == "+" || is_name(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_writes_in_anothers_name() {
        assert!(may_write("ann", "peal/v1/peal/to/bob/from/ann/desk"));
        assert!(may_write("ann", "peal/v1/peal/presence/ann/desk"));
        for forbidden in [
            "peal/v1/peal/to/bob/from/bob/desk",
            "peal/v1/peal/to/bob/from/ann",
            "peal/v1/peal/to/bob/from/ann/desk/x",
            "peal/v1/peal/presence/bob/desk",
            "peal/v1/peal/presence/ann",
            "peal/v1/peal/presence/ann/desk/x",
            "peal/v2/peal/presence/ann/desk",
            "$SYS/x",
            "x",
            "",
        ] {
            assert!(!may_write("ann", forbidden), "{forbidden}");
        }
    }

    #[test]
    fn nobody_reads_anothers_inbox_whatever_the_wildcards() {
        for allowed in ["peal/v1/peal/to/ann/from/+/+", "peal/v1/+/to/ann/#", "peal/v1/peal/presence/#"] {
            assert!(may_read("ann", allowed), "{allowed}");
        }
        for forbidden in [
            "#",
            "+/#",
            "peal/#",
            "peal/v1/#",
            "peal/v1/peal/#",
            "peal/v1/peal/+/ann/#",
            "peal/v1/peal/to/#",
            "peal/v1/peal/to/+/from/ann/desk",
            "peal/v1/peal/to/bob/#",
            "peal/+/peal/to/ann/#",
            "$share/g/peal/v1/peal/to/bob/#",
            "$share/g/peal/v1/peal/to/ann/#",
            "$exclusive/peal/v1/peal/presence/#",
            "$SYS/#",
        ] {
            assert!(!may_read("ann", forbidden), "{forbidden}");
        }
    }

    #[test]
    fn a_client_id_belongs_to_its_user() {
        assert!(owns_client_id("ann", "ann~0123456789"));
        for foreign in ["bob~0123456789", "ann", "ann~", "ann~short", "ann2~0123456789", "~0123456789"] {
            assert!(!owns_client_id("ann", foreign), "{foreign}");
        }
    }
}
