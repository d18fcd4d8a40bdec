//! ICE servers in `Link` headers (RFC 9725 section 4.6).

use crate::peer::IceServer;

/// Servers taken from one answer at most; each one costs candidates.
const MAX_SERVERS: usize = 8;
/// Longest header read, bytes.
const MAX_LINK: usize = 4_096;

/// The ICE servers of these headers; anything else in them is passed over.
pub(super) fn ice_servers<'a>(headers: impl Iterator<Item = &'a str>) -> Vec<IceServer> {
    let links = headers.filter(|header| header.len() <= MAX_LINK).flat_map(|header| split(header, ','));
    links.filter_map(ice_server).take(MAX_SERVERS).collect()
}

/// `<turn:turn.example?transport=udp>; rel="ice-server"; username="u"; credential="c"; credential-type="password"`.
fn ice_server(link: &str) -> Option<IceServer> {
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let mut server = IceServer { urls: vec![target.trim().to_owned()], ..IceServer::default() };
    let mut is_ice = false;
    for parameter in split(parameters, ';') {
        let Some((name, value)) = parameter.split_once('=') else { continue };
        let value = unquoted(value.trim());
        match name.trim().to_ascii_lowercase().as_str() {
            "rel" => is_ice = value.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("ice-server")),
            "username" => server.username = value,
            "credential" => server.credential = value,
            _ => {}
        }
    }
    is_ice.then_some(server)
}

/// Splits where the separator stands neither in quotes nor in `<>`.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut quoted, mut escaped, mut pointed) = (false, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if !pointed => quoted = !quoted,
            '<' if !quoted => pointed = true,
            '>' if !quoted => pointed = false,
            _ if character == separator && !quoted && !pointed => {
                parts.push(&text[start..at]);
                start = at + character.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// A quoted string without its quotes (RFC 9110 section 5.6.4).
fn unquoted(value: &str) -> String {
    let Some(inside) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut escaped = false;
    inside
        .chars()
        .filter(|character| {
            escaped = *character == '\\' && !escaped;
            !escaped
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ice_servers_are_read_and_the_rest_is_passed_over() {
        let headers = [
            r#"<stun:stun.example>; rel="ice-server""#,
            r#"<turn:turn.example?transport=udp>; rel="ice-server"; username="us,er;1"; credential="a\"b"; credential-type="password", </ext>; rel="urn:ietf:params:whip:ext:core:layer""#,
            "</style.css>; rel=stylesheet",
        ];
        let servers = ice_servers(headers.into_iter());
        assert_eq!(servers.len(), 2, "{servers:?}");
        assert_eq!(servers[0].urls, ["stun:stun.example"]);
        assert_eq!(servers[1].urls, ["turn:turn.example?transport=udp"]);
        assert_eq!((servers[1].username.as_str(), servers[1].credential.as_str()), ("us,er;1", "a\"b"));
    }

    #[test]
    fn garbage_and_crowds_do_no_harm() {
        for text in ["", "<", "<>", "<a", "\"", "<a>;rel=\"ice-server", ";;;,,,", "<é>; rel=ice-server; username"] {
            assert!(ice_servers([text].into_iter()).len() <= 1, "{text}");
        }
        let crowd = vec![r#"<stun:a>; rel="ice-server""#; 1_000];
        assert_eq!(ice_servers(crowd.into_iter()).len(), MAX_SERVERS);
        let long = format!("<stun:{}>; rel=ice-server", "a".repeat(MAX_LINK));
        assert!(ice_servers([long.as_str()].into_iter()).is_empty());
    }
}
