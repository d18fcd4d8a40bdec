//! Calls: what may be asked about them.

use super::{Engine, stopped};
use crate::api::{
    AcceptParams, AnswerSwitchParams, CallParams, CallSession, CallStats, CancelParams, Command, InviteParams, Media,
    MergeParams, PealError, RejectParams, StatsParams, SwitchMediaParams, TransferParams,
};
use crate::message::Answer;

impl Engine {
    /// Calls somebody, several, or a saved group (kits A06, B04, C03, E05, E06); `echo` is the test contact.
    ///
    /// # Errors
    /// [`UnknownUser`](crate::api::ErrorCode::UnknownUser) if nobody of that name was ever seen,
    /// [`Busy`](crate::api::ErrorCode::Busy) while another call runs that is not on hold,
    /// [`CallLimit`](crate::api::ErrorCode::CallLimit), [`Full`](crate::api::ErrorCode::Full),
    /// [`NoMicrophone`](crate::api::ErrorCode::NoMicrophone), [`NoSpeaker`](crate::api::ErrorCode::NoSpeaker).
    pub async fn call(&self, params: CallParams) -> Result<CallSession, PealError> {
        match self.ask(Command::Call(params)).await? {
            Answer::Session(session) => Ok(session),
            _ => Err(stopped()),
        }
    }

    /// Invites more people into a running call (kit C07).
    pub async fn invite(&self, params: InviteParams) -> Result<(), PealError> {
        self.ask(Command::Invite(params)).await.map(drop)
    }

    /// Answers (kits A07, B11, C04, E07). A running call is put on hold unless told otherwise.
    pub async fn accept(&self, params: impl Into<AcceptParams>) -> Result<(), PealError> {
        self.ask(Command::Accept(params.into())).await.map(drop)
    }

    /// Declines, with words if wished (kits B12, C06, E08).
    pub async fn reject(&self, params: impl Into<RejectParams>) -> Result<(), PealError> {
        self.ask(Command::Reject(params.into())).await.map(drop)
    }

    /// Withdraws a call that is not connected (kits B07, B08).
    pub async fn cancel(&self, params: impl Into<CancelParams>) -> Result<(), PealError> {
        self.ask(Command::Cancel(params.into())).await.map(drop)
    }

    /// Leaves a call; the others go on (kit B09).
    pub async fn leave(&self, call_id: &str) -> Result<(), PealError> {
        self.ask(Command::Leave { call_id: call_id.to_owned() }).await.map(drop)
    }

    /// Ends a call: for everyone if it was begun here, else leaves it; before it connects, cancels or declines it (kits
    /// A08, B10, C05, E10).
    pub async fn hangup(&self, call_id: &str) -> Result<(), PealError> {
        self.ask(Command::Hangup { call_id: call_id.to_owned() }).await.map(drop)
    }

    /// Leaves the screen of an ended call.
    pub async fn dismiss(&self, call_id: &str) -> Result<(), PealError> {
        self.ask(Command::Dismiss { call_id: call_id.to_owned() }).await.map(drop)
    }

    /// Puts a call on hold: nothing is sent, and nothing of it is heard.
    pub async fn hold(&self, call_id: &str) -> Result<(), PealError> {
        self.ask(Command::Hold { call_id: call_id.to_owned() }).await.map(drop)
    }

    /// Goes on with a call, and puts the others on hold.
    pub async fn resume(&self, call_id: &str) -> Result<(), PealError> {
        self.ask(Command::Resume { call_id: call_id.to_owned() }).await.map(drop)
    }

    /// Voice to picture, for which a call of two asks the other one, or back to voice (kit B26).
    ///
    /// # Errors
    /// [`WrongState`](crate::api::ErrorCode::WrongState) if it is that already, or is asked for, or nobody is in the call.
    pub async fn switch_media(&self, call_id: &str, media: Media) -> Result<(), PealError> {
        self.ask(Command::SwitchMedia(SwitchMediaParams { call_id: call_id.to_owned(), media })).await.map(drop)
    }

    /// Answers the other side's wish to switch between voice and picture. My own picture then begins as the settings say.
    pub async fn answer_switch(&self, call_id: &str, accept: bool) -> Result<(), PealError> {
        self.ask(Command::AnswerSwitch(AnswerSwitchParams { call_id: call_id.to_owned(), accept })).await.map(drop)
    }

    /// Hands a call over: to somebody who is called for it, or to the other side of another call of mine.
    pub async fn transfer(&self, params: TransferParams) -> Result<(), PealError> {
        self.ask(Command::Transfer(params)).await.map(drop)
    }

    /// Brings the other side of one call into another call.
    pub async fn merge(&self, call_id: &str, into: &str) -> Result<(), PealError> {
        self.ask(Command::Merge(MergeParams { call_id: call_id.to_owned(), into: into.to_owned() })).await.map(drop)
    }

    /// Turns the microphone off or on (kits C09, E14). Lasts until the last call ends.
    pub async fn set_muted(&self, muted: bool) -> Result<(), PealError> {
        self.ask(Command::SetMuted { muted }).await.map(drop)
    }

    /// Whether the microphone is off (kit C08).
    pub fn is_muted(&self) -> bool {
        self.snapshot().calls.iter().any(|call| call.muted)
    }

    /// Turns the speaker on or off (kit C11).
    pub async fn set_speaker_enabled(&self, enabled: bool) -> Result<(), PealError> {
        self.ask(Command::SetSpeakerEnabled { enabled }).await.map(drop)
    }

    /// Whether the speaker is on (kit C10).
    pub fn is_speaker_enabled(&self) -> bool {
        self.snapshot().audio.speaker_enabled
    }

    /// How long the next call rings, ms (kit B03): 1000 to 120000.
    pub async fn set_call_timeout(&self, ms: u32) -> Result<(), PealError> {
        self.ask(Command::SetCallTimeout { ms }).await.map(drop)
    }

    /// Counters of a call's media paths.
    pub async fn call_stats(&self, params: impl Into<StatsParams>) -> Result<CallStats, PealError> {
        match self.ask(Command::CallStats(params.into())).await? {
            Answer::Stats(stats) => Ok(stats),
            _ => Err(stopped()),
        }
    }
}
