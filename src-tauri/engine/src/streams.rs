//! My stream to a media server, and the streams of others that are looked at.
//!
//! What a stream carries is what the calls carry: my microphone, muted where it is muted, and my picture while it is on.
//! A stream of somebody else is played while a view of them is on; its voice takes the place of theirs in the call, so that
//! lips and words fit, and their media path carries no picture then. While it can't be played, the media path does both.

mod playback;
mod publication;

use std::time::Duration;

use peal_call::{CallSnapshot, Input, Stream};
use peal_media::stream::{PlainHttp, StreamConfig, StreamError, StreamUrl};

use crate::api::{ErrorCode, PealError, PublishStreamParams, PublishedStream};
use crate::fault::not_logged_in;
use crate::link::peer_config;
use crate::message::{Answer, Reply};
use crate::phone::Softphone;
use crate::voices::{hears, volume};

pub(crate) use playback::{Playbacks, Wanted};
pub(crate) use publication::Publication;

/// What a stream's task reports, with the number of the stream.
#[derive(Debug)]
pub(crate) enum StreamFact {
    /// The media path to the server is up.
    Opened,
    /// It could not be opened, or it broke off.
    Failed(StreamError),
}

/// A server that is gone is noticed after this time.
const FAILED_AFTER: Duration = Duration::from_secs(10);
/// Longest token, in bytes.
const TOKEN: usize = peal_call::STREAM_LIMIT;

impl Softphone {
    /// Answers when the media path to the server is up, or why it is not.
    pub fn publish_stream(&mut self, params: PublishStreamParams, reply: Reply) {
        let opened = self.session.as_ref().ok_or_else(not_logged_in).and_then(|_| self.wanted_publication(&params));
        match opened {
            Ok((url, stream)) => {
                let shown = PublishedStream { push_url: url.as_str().to_owned(), play_url: stream.url.clone() };
                self.streams_opened += 1;
                let publication = Publication::open(
                    self.streams_opened,
                    (self.stream_config(), url, params.token),
                    (shown, stream),
                    reply,
                    self.messages.clone(),
                );
                self.publication = Some(publication);
            }
            Err(error) => self.answer(reply, Err(error)),
        }
    }

    /// Answers when the server was told.
    pub fn stop_publishing(&mut self, reply: Reply) {
        self.input(Input::SetStream { stream: None });
        match self.publication.take() {
            Some(publication) => publication.stop(Some(reply)),
            None => self.answer(reply, Ok(Answer::Nothing)),
        }
    }

    /// What the task of my stream, or of one that is played, reports.
    pub fn stream_reported(&mut self, number: u64, fact: StreamFact) {
        if self.publication.as_ref().is_some_and(|it| it.number == number) {
            self.publication_reported(fact);
        } else if let Some(error) = self.playbacks.reported(number, fact) {
            self.complain(error.into());
        }
    }

    fn publication_reported(&mut self, fact: StreamFact) {
        match fact {
            StreamFact::Opened => {
                let Some(publication) = &mut self.publication else { return };
                let (reply, stream, shown) = publication.opened();
                if let Some(reply) = reply {
                    self.answer(reply, Ok(Answer::Published(shown)));
                }
                self.input(Input::SetStream { stream: Some(stream) });
            }
            StreamFact::Failed(error) => {
                self.input(Input::SetStream { stream: None });
                let reply = self.publication.take().and_then(|mut publication| publication.reply.take());
                match reply {
                    Some(reply) => self.answer(reply, Err(error.into())),
                    None => self.complain(error.into()),
                }
            }
        }
    }

    /// Ends my stream with the last call that it was in. True if the rules were told.
    pub fn settle_publication(&mut self) -> bool {
        let in_call = !self.calls_of_mine().is_empty();
        if !self.publication.as_mut().is_some_and(|publication| publication.outlived(in_call)) {
            return false;
        }
        if let Some(publication) = self.publication.take() {
            publication.stop(None);
        }
        self.input(Input::SetStream { stream: None });
        true
    }

    /// Gives my stream what it carries, and plays the streams that somebody looks at.
    pub fn settle_streams(&mut self, calls: &[CallSnapshot]) {
        let mine = self.calls_of_mine();
        if let (Some(publication), Some(audio)) = (&mut self.publication, self.sound.audio()) {
            // Nothing of the microphone leaves while every call is on hold.
            publication.speak(audio, mine.is_empty() || mine.iter().any(|call| !call.on_hold));
            publication.show(self.own.encoder());
        }
        let mut wanted = Vec::new();
        for call in calls.iter().filter(|call| !call.is_over()) {
            for member in &call.members {
                let Some(stream) = member.stream.clone().filter(|_| hears(call, member)) else { continue };
                let name = self.surroundings().shown_user(&member.user);
                if let Some(size) = self.views.size(call.id, &name) {
                    let volume = volume(&self.volumes, &name);
                    let place = self.board.remote(&call.id.to_string(), &name);
                    wanted.push(Wanted { key: (call.id, member.user.clone()), stream, size, volume, place });
                }
            }
        }
        let (config, messages) = (self.stream_config(), self.messages.clone());
        self.playbacks.settle(wanted, self.sound.audio(), &config, &messages, &mut self.streams_opened);
    }

    fn wanted_publication(&self, params: &PublishStreamParams) -> Result<(StreamUrl, Stream), PealError> {
        if self.publication.is_some() {
            let words = "a stream is published already; stop_publishing ends it";
            return Err(PealError::new(ErrorCode::WrongState, words));
        }
        if [&params.token, &params.play_token].into_iter().flatten().any(|token| !is_token(token)) {
            let words = "a token is up to 2048 visible ASCII signs";
            return Err(PealError::new(ErrorCode::BadRequest, words));
        }
        if let Some(missing) = self.sound.missing() {
            return Err(missing);
        }
        let plain = self.plain_http();
        let url = StreamUrl::parse(&params.url, plain)?;
        let play_url = match &params.play_url {
            Some(play_url) => StreamUrl::parse(play_url, plain)?,
            None => url.play_url().ok_or_else(|| {
                let words = "where the stream is played can't be known from the address; play_url has to say it";
                PealError::new(ErrorCode::BadStreamUrl, words)
            })?,
        };
        Ok((url, Stream { url: play_url.as_str().to_owned(), token: params.play_token.clone() }))
    }

    fn stream_config(&self) -> StreamConfig {
        let mut peer = peer_config(&self.settings.ice_servers);
        peer.failed_after = FAILED_AFTER;
        StreamConfig { peer, plain_http: self.plain_http() }
    }

    const fn plain_http(&self) -> PlainHttp {
        if self.settings.plain_http_streams { PlainHttp::Anywhere } else { PlainHttp::Loopback }
    }
}

fn is_token(token: &str) -> bool {
    (1..=TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
}
