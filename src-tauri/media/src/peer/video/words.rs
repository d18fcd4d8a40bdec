//! What the two sides tell each other about their pictures, on the control channel.
//!
//! One message says everything; the newest counts. It begins with a byte that no other control message begins with.

use serde::{Deserialize, Serialize};

use crate::video::{MAX_HEIGHT, MAX_WIDTH, MIN_SIDE, PictureQuality};

/// The first byte of every such message.
pub const MARK: u8 = 1;

/// One side's state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The tile in which this side shows the other's picture, pixels; none: it shows none.
    pub want: Option<(u32, u32)>,
    /// This side has a picture to send.
    pub sends: bool,
    /// What its picture is at present.
    #[serde(default)]
    pub picture: Option<PictureQuality>,
}

/// The message for a state.
pub fn written(state: &State) -> Vec<u8> {
    let mut message = vec![MARK];
    if let Ok(words) = serde_json::to_vec(state) {
        message.extend_from_slice(&words);
    }
    message
}

/// Reads a message behind [`MARK`]. None: it is no such message.
pub fn read(words: &[u8]) -> Option<State> {
    if words.len() > 1_024 {
        return None;
    }
    let mut state: State = serde_json::from_slice(words).ok()?;
    let side = |value: u32, most: u32| value.clamp(MIN_SIDE, most);
    state.want = state.want.map(|(width, height)| (side(width, MAX_WIDTH), side(height, MAX_HEIGHT)));
    if let Some(picture) = &mut state.picture {
        picture.width = picture.width.min(MAX_WIDTH);
        picture.height = picture.height.min(MAX_HEIGHT);
        picture.frame_rate = picture.frame_rate.min(240);
    }
    Some(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::Lowered;

    #[test]
    fn a_state_survives_the_wire_and_what_is_beyond_reason_is_cut() {
        let picture = PictureQuality { width: 320, height: 180, frame_rate: 30, lowered: Some(Lowered::Network) };
        let state = State { want: Some((640, 360)), sends: true, picture: Some(picture) };
        let message = written(&state);
        assert_eq!(message[0], MARK);
        assert_eq!(read(&message[1..]), Some(state));
        assert_eq!(read(br#"{"want":[4000000,1],"sends":false}"#).unwrap().want, Some((1920, 16)));
        assert_eq!(
            read(br#"{"want":null,"sends":true,"later":1}"#).unwrap(),
            State { sends: true, ..State::default() }
        );
        assert_eq!(read(b"{}"), None);
        assert_eq!(read(&[b' '; 2_000]), None);
    }
}
