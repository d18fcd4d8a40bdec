//! What happens to a running call besides its end: handed over, merged, switched, made louder.

use peal_call::{Callee, Input};

use crate::api::{
    AnswerSwitchParams, ErrorCode, MergeParams, PealError, SwitchMediaParams, TransferParams, VolumeParams,
};
use crate::calling::ring_time;
use crate::fault::not_logged_in;
use crate::message::Answer;
use crate::phone::Softphone;
use crate::translate::call_id;

/// How much quieter or louder somebody may be made, dB.
const VOLUME_DB: std::ops::RangeInclusive<f32> = -40.0..=12.0;
/// Where the volumes are kept in the store.
pub(crate) const VOLUMES: &str = "volumes";

impl Softphone {
    pub async fn transfer(&mut self, params: TransferParams) -> Result<Answer, PealError> {
        if self.session.is_none() {
            return Err(not_logged_in());
        }
        match (params.to, params.to_call_id) {
            (Some(to), None) => {
                let callee: Callee = self.callee(&to)?;
                if callee.devices.is_empty() {
                    return Err(PealError::new(ErrorCode::UnknownUser, "nobody is known by that name"));
                }
                let lifetime = ring_time(self.settings.call_timeout_ms)?;
                self.about(&params.call_id, |call| Input::Transfer { call, callee, lifetime }).await
            }
            (None, Some(target)) => {
                let target = call_id(&target)?;
                self.about(&params.call_id, |call| Input::TransferTo { call, target }).await
            }
            (Some(_), Some(_)) | (None, None) => {
                Err(PealError::new(ErrorCode::BadRequest, "a transfer goes to one account, or to one call"))
            }
        }
    }

    pub async fn merge(&mut self, params: MergeParams) -> Result<Answer, PealError> {
        if self.session.is_none() {
            return Err(not_logged_in());
        }
        let into = call_id(&params.into)?;
        self.about(&params.call_id, |call| Input::Merge { call, into }).await
    }

    pub async fn switch_media(&mut self, params: SwitchMediaParams) -> Result<Answer, PealError> {
        let media = params.media.into();
        self.about(&params.call_id, |call| Input::SwitchMedia { call, media }).await
    }

    pub async fn answer_switch(&mut self, params: AnswerSwitchParams) -> Result<Answer, PealError> {
        self.about(&params.call_id, |call| Input::AnswerSwitch { call, accept: params.accept }).await
    }

    pub fn set_volume(&mut self, params: VolumeParams) -> Result<Answer, PealError> {
        if self.session.is_none() {
            return Err(not_logged_in());
        }
        let VolumeParams { user_id, db } = params;
        if !VOLUME_DB.contains(&db) {
            return Err(PealError::new(ErrorCode::BadRequest, "a volume is -40 to 12 dB"));
        }
        if user_id != crate::echo::ECHO {
            peal_call::UserId::new(user_id.clone())?;
        }
        if db == 0.0 {
            self.volumes.remove(&user_id);
        } else {
            self.volumes.insert(user_id, db);
        }
        let kept = serde_json::json!(self.volumes);
        self.store.set_setting(VOLUMES, &kept)?;
        Ok(Answer::Nothing)
    }
}
