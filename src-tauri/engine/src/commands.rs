//! What a program may ask of the phone.

use peal_call::{Input, Output};

use crate::api::{Command, ErrorCode, PealError, SettingsPatch};
use crate::calling::message;
use crate::fault::not_logged_in;
use crate::message::{Answer, Reply};
use crate::phone::Softphone;
use crate::translate::call_id;

impl Softphone {
    pub async fn command(&mut self, command: Command, reply: Reply) {
        let done = match command {
            // These answer later.
            Command::Login(params) => return self.begin_login(params, reply),
            Command::CallStats(params) => return self.call_stats(&params, reply),
            Command::SafetyNumber { user_id } => return self.safety_number(&user_id, reply),
            Command::OpenCamera(params) => return self.open_camera(params, reply),
            Command::CloseCamera => return self.own.turn_off(reply),
            Command::StopLocalView(params) => return self.stop_local_view(params, reply),
            Command::VideoSources => return self.video_sources(reply),
            Command::PublishStream(params) => return self.publish_stream(params, reply),
            Command::StopPublishing => return self.stop_publishing(reply),
            Command::InitEngine => return self.sound.warm_up(reply),
            Command::ReleaseEngine => return self.release_engine(reply),
            Command::Logout => self.log_out().await,
            Command::CurrentUser => Ok(Answer::Account(self.session.as_ref().map(|it| it.account.clone()))),
            Command::Snapshot => Ok(Answer::View(self.view())),
            Command::Call(params) => self.place(params).await,
            Command::Invite(params) => self.invite(params).await,
            Command::Accept(params) => self.accept(params).await,
            Command::Reject(params) => match message(params.message) {
                Ok(message) => {
                    let busy = params.busy;
                    self.about(&params.call_id, |call| Input::Reject { call, busy, message }).await
                }
                Err(error) => Err(error),
            },
            Command::Cancel(params) => {
                let record = params.record;
                self.about(&params.call_id, |call| Input::Cancel { call, record }).await
            }
            Command::Leave { call_id } => self.about(&call_id, |call| Input::Leave { call }).await,
            Command::Hangup { call_id } => self.about(&call_id, |call| Input::Hangup { call }).await,
            Command::Dismiss { call_id } => self.about(&call_id, |call| Input::Dismiss { call }).await,
            Command::Hold { call_id } => self.about(&call_id, |call| Input::Hold { call }).await,
            Command::Resume { call_id } => self.about(&call_id, |call| Input::Resume { call }).await,
            Command::SwitchMedia(params) => self.switch_media(params).await,
            Command::AnswerSwitch(params) => self.answer_switch(params).await,
            Command::Transfer(params) => self.transfer(params).await,
            Command::Merge(params) => self.merge(params).await,
            Command::SetMuted { muted } => self.set_muted(muted),
            Command::IsMuted => Ok(Answer::Bool(self.session.as_ref().is_some_and(|session| session.phone.is_muted()))),
            Command::SetSpeakerEnabled { enabled } => self.set_speaker_enabled(enabled),
            Command::IsSpeakerEnabled => Ok(Answer::Bool(!self.sound.is_deafened())),
            Command::SetCallTimeout { ms } => {
                self.change_settings(SettingsPatch { call_timeout_ms: Some(ms), ..SettingsPatch::default() }).await
            }
            Command::StartLocalView(params) => self.start_local_view(params),
            Command::StartRemoteView(params) => self.start_remote_view(params),
            Command::StopRemoteView(params) => self.stop_remote_view(params),
            Command::SetVolume(params) => self.set_volume(params),
            Command::SetSettings(patch) => self.change_settings(patch).await,
            Command::SetProfile(patch) => self.set_profile(patch).await,
            Command::AddContact { user_id } => self.add_contact(&user_id),
            Command::SetContact(patch) => self.set_contact(patch),
            Command::RemoveContact { user_id } => self.remove_contact(&user_id),
            Command::SetGroup(params) => self.set_group(params),
            Command::RemoveGroup { group_id } => self.remove_group(&group_id),
            Command::SearchContacts { query } => self.search_contacts(&query),
            Command::Avatar { avatar_id } => self.avatar(&avatar_id),
            Command::ExportContacts => self.export_contacts(),
            Command::ImportContacts { vcard } => self.import_contacts(&vcard),
            Command::SearchHistory(query) => self.search_history(query),
            Command::DeleteRecords { call_ids } => self.delete_records(call_ids.as_deref()),
            Command::ExportHistory { format } => self.export_history(format),
            Command::MarkHistorySeen => self.mark_seen(),
            Command::SetVerified { user_id, device_id, verified } => self.set_verified(&user_id, &device_id, verified),
            Command::TrustKey { user_id, device_id } => self.trust_key(&user_id, &device_id),
        };
        self.answer(reply, done);
    }

    /// A wish about one call.
    pub async fn about(
        &mut self,
        call: &str,
        input: impl FnOnce(peal_call::CallId) -> Input,
    ) -> Result<Answer, PealError> {
        if self.session.is_none() {
            return Err(not_logged_in());
        }
        self.wish(input(call_id(call)?)).await.map(|()| Answer::Nothing)
    }

    /// A wish to the rules, which may refuse it.
    pub async fn wish(&mut self, input: Input) -> Result<(), PealError> {
        self.input(input);
        let mut refused = None;
        while let Some(output) = self.session.as_mut().and_then(|it| it.phone.poll_output()) {
            if let Output::Refuse { refusal, .. } = output {
                refused = Some(refusal);
            } else {
                self.carry_out(output).await;
            }
        }
        refused.map_or(Ok(()), |refusal| Err(refusal.into()))
    }

    fn set_muted(&mut self, muted: bool) -> Result<Answer, PealError> {
        if !self.session.as_ref().ok_or_else(not_logged_in)?.phone.is_busy() {
            return Err(PealError::new(ErrorCode::WrongState, "there is no call to mute"));
        }
        self.input(Input::SetMuted { muted });
        Ok(Answer::Nothing)
    }

    fn set_speaker_enabled(&mut self, enabled: bool) -> Result<Answer, PealError> {
        self.session.as_ref().ok_or_else(not_logged_in)?;
        self.sound.set_deafened(!enabled);
        Ok(Answer::Nothing)
    }

    fn release_engine(&mut self, reply: Reply) {
        if self.session.as_ref().is_some_and(|it| it.phone.is_busy()) {
            let error = PealError::new(ErrorCode::WrongState, "a call needs the sound devices");
            return self.answer(reply, Err(error));
        }
        self.lingers = None;
        self.sound.cool_down(reply);
    }

    async fn change_settings(&mut self, patch: SettingsPatch) -> Result<Answer, PealError> {
        patch.check()?;
        let settings = patch.apply(self.settings.clone());
        self.keep_settings(settings)?;
        if let Some(name) = patch.display_name.as_deref().map(str::trim).filter(|it| !it.is_empty()) {
            self.set_display_name(name).await?;
        }
        if patch.device_name.is_some()
            && let Some(session) = &self.session
        {
            session.client.set_device_name(self.settings.device_name()).await;
        }
        Ok(Answer::Nothing)
    }
}
