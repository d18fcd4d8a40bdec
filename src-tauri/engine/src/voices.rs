//! The media paths of all calls, what of my microphone and of my picture goes out by each, and what of each is heard and
//! seen.

use std::collections::HashMap;

use peal_call::{
    Alert, CallId, CallSnapshot, CallState, Direction as Way, Input, Link, MediaKind, MemberSnapshot, MemberState,
};
use peal_media::audio::Sound;
use peal_media::video::Direction;
use peal_signalling::decode_signal;

use crate::api::Quality;
use crate::link::{Fact, LinkHandle, Order};
use crate::phone::Softphone;
use crate::signals::takes_both_roads;
use crate::sound::Need;
use crate::translate::wall_ms;

/// Every media path that is open.
pub(crate) type Links = HashMap<Link, LinkHandle>;

/// How good the worst of a call's media paths is.
pub(crate) fn quality(links: &Links, call: CallId) -> Option<Quality> {
    let of_call = links.iter().filter(|(link, _)| link.call == call);
    of_call.filter_map(|(_, handle)| handle.judged).map(|(quality, _)| quality).max()
}

/// What of a call has been heard here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// That it rings.
    Ring,
    /// That it is made, or what is said in it: its end is heard too.
    Call,
}

/// What goes over one media path now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gate {
    /// My microphone, and in a video call my picture, goes out.
    speak: bool,
    /// What comes is played and shown.
    hear: bool,
}

impl Gate {
    const SHUT: Self = Self { speak: false, hear: false };

    fn of(call: &CallSnapshot, member: Option<&MemberSnapshot>) -> Self {
        if call.on_hold || member.is_some_and(|it| it.on_hold) {
            return Self::SHUT;
        }
        match call.state {
            CallState::Connecting | CallState::Connected | CallState::Reconnecting => Self { speak: true, hear: true },
            // Early media goes one way: from the caller to the one who has not answered yet.
            CallState::Calling | CallState::Ringing => match call.direction {
                Way::Outgoing => Self { speak: true, hear: false },
                Way::Incoming => Self { speak: false, hear: call.preview },
            },
            CallState::Ended(_) => Self::SHUT,
        }
    }
}

/// What comes from somebody in a call is played and shown.
pub(crate) fn hears(call: &CallSnapshot, member: &MemberSnapshot) -> bool {
    Gate::of(call, Some(member)).hear
}

/// How loud somebody is to be heard, of the chosen volumes in dB by name: 1.0 as they come.
pub(crate) fn volume(volumes: &HashMap<String, f32>, name: &str) -> f32 {
    10f32.powf(volumes.get(name).copied().unwrap_or_default() / 20.0)
}

impl Softphone {
    pub fn open(&mut self, link: &Link, order: Order) {
        self.links_opened += 1;
        let handle =
            LinkHandle::open(link.clone(), self.links_opened, &self.settings.ice_servers, self.messages.clone());
        handle.order(order);
        self.links.insert(link.clone(), handle);
    }

    pub fn close(&mut self, link: &Link) {
        self.links.remove(link);
    }

    pub fn order(&self, link: &Link, order: Order) {
        if let Some(handle) = self.links.get(link) {
            handle.order(order);
        }
    }

    /// Which media path of that name it is that reports: one that was closed has nothing to say about the next.
    pub fn link_reported(&mut self, link: Link, number: u64, fact: Fact) {
        let Some(handle) = self.links.get_mut(&link).filter(|it| it.number == number) else { return };
        match fact {
            Fact::OfferReady(sdp) => self.input(Input::OfferReady { link, sdp }),
            Fact::AnswerReady(sdp) => self.input(Input::AnswerReady { link, sdp }),
            Fact::Candidates(candidates, complete) => {
                self.input(Input::CandidatesGathered { link, candidates, complete });
            }
            Fact::Connected => self.input(Input::MediaConnected { link }),
            Fact::Disconnected => self.input(Input::MediaDisconnected { link }),
            Fact::Failed => self.input(Input::MediaFailed { link }),
            Fact::Closed => self.input(Input::MediaClosed { link }),
            Fact::Control(message) => {
                // Only what concerns this very call takes this road.
                if let Some(signal) = decode_signal(&message)
                    && takes_both_roads(&signal)
                    && signal.call() == link.call
                {
                    self.input(Input::SignalReceived { from: link.peer, signal, at: wall_ms() });
                }
            }
            Fact::Picture(Direction::Sent, quality) => handle.mine = Some(quality),
            Fact::Picture(Direction::Received, quality) => handle.theirs = Some(quality),
            Fact::PictureStopped => handle.theirs = None,
            Fact::Judged(quality, loss) => {
                handle.judged = Some((quality, loss));
                let worst = self.links.values().filter_map(|it| it.judged).map(|(_, loss)| loss).max();
                if let (Some(audio), Some(worst)) = (self.sound.audio(), worst) {
                    audio.set_expected_loss(worst);
                }
            }
        }
    }

    /// There is another `Audio` than before: every voice is to go there.
    pub fn detach_all(&mut self) {
        for handle in self.links.values_mut() {
            handle.detach();
        }
        if let Some(publication) = &mut self.publication {
            publication.detach();
        }
        self.playbacks.detach();
    }

    /// Opens and closes the sound devices, rings, and lets voices and pictures in and out, as the calls want it.
    pub fn settle_media(&mut self) {
        let calls = self.session.as_ref().map(|it| it.phone.snapshot()).unwrap_or_default();
        let mut need = self.need(&calls);
        if need == Need::Nothing && self.lingers.is_some() {
            need = Need::Speaker;
        }
        let sound = self.sound_of(&calls);
        if sound == Some(Sound::Ring) {
            self.lingers = None;
        }
        self.sound.need(need);
        if need != Need::Nothing && self.lingers.is_none() {
            self.sound.play(sound);
        }
        let muted = self.session.as_ref().is_some_and(|it| it.phone.is_muted());
        self.sound.set_muted(muted);
        self.settle_streams(&calls);
        self.settle_voices(&calls);
        self.settle_views(&calls);
        self.sound.close_retired();
        for (reply, answer) in self.sound.answers() {
            self.answer(reply, answer);
        }
    }

    fn settle_voices(&mut self, calls: &[CallSnapshot]) {
        let surroundings = self.surroundings();
        let names: Vec<(Link, String)> =
            self.links.keys().map(|link| (link.clone(), surroundings.shown_user(&link.peer.user))).collect();
        let mut heard = Vec::new();
        if let Some(audio) = self.sound.audio() {
            for (link, name) in names {
                let (Some(handle), Some(call)) =
                    (self.links.get_mut(&link), calls.iter().find(|it| it.id == link.call))
                else {
                    continue;
                };
                let gate = Gate::of(call, call.member(&link.peer.user));
                // Somebody whose stream is played is heard by it.
                let streamed = self.playbacks.voice(link.call, &link.peer.user).filter(|_| gate.hear);
                let here = gate.hear && streamed.is_none();
                let voice = handle.hear(audio, if here { volume(&self.volumes, &name) } else { 0.0 });
                if call.media == MediaKind::Video {
                    voice.expect_picture();
                }
                handle.speak(audio, gate.speak);
                if gate.hear {
                    heard.push((name, streamed.unwrap_or(voice)));
                }
            }
        }
        let metered = self.sound.audio().filter(|_| !self.links.is_empty() || self.sound.is_warm());
        self.meters.set(metered.cloned(), heard);
    }

    /// Lets my picture out where a video call shows it, and the others' in where somebody looks.
    fn settle_views(&mut self, calls: &[CallSnapshot]) {
        self.views.keep(|call| calls.iter().any(|it| it.id == call && !it.is_over()));
        let names: Vec<(Link, String)> = {
            let surroundings = self.surroundings();
            self.links.keys().map(|link| (link.clone(), surroundings.shown_user(&link.peer.user))).collect()
        };
        for (link, name) in names {
            let call = calls.iter().find(|it| it.id == link.call);
            let gate = call.filter(|call| call.media == MediaKind::Video);
            let gate = gate.map_or(Gate::SHUT, |call| Gate::of(call, call.member(&link.peer.user)));
            let size = self.views.size(link.call, &name).filter(|_| gate.hear);
            let size = size.filter(|_| !self.playbacks.plays(link.call, &link.peer.user));
            let (encoder, board) = (self.own.encoder().filter(|_| gate.speak), &self.board);
            if let Some(handle) = self.links.get_mut(&link) {
                handle.show(encoder);
                handle.look(size, || board.remote(&link.call.to_string(), &name));
            }
        }
    }

    fn need(&mut self, calls: &[CallSnapshot]) -> Need {
        let mut need = if self.publication.is_some() { Need::Both } else { Need::Nothing };
        for call in calls {
            let of_call = match call.state {
                CallState::Ringing if call.alert == Some(Alert::Silent) => Need::Nothing,
                CallState::Calling | CallState::Ringing => {
                    let outgoing = call.direction == Way::Outgoing;
                    let early = outgoing && self.links.keys().any(|link| link.call == call.id);
                    if early { Need::Both } else { Need::Speaker }
                }
                CallState::Connecting | CallState::Connected | CallState::Reconnecting => Need::Both,
                CallState::Ended(_) => Need::Nothing,
            };
            if of_call != Need::Nothing {
                self.sounded.insert(call.id, if call.alert.is_some() { Heard::Ring } else { Heard::Call });
            }
            need = need.max(of_call);
        }
        need
    }

    /// What is to be heard besides voices, the most urgent first.
    fn sound_of(&self, calls: &[CallSnapshot]) -> Option<Sound> {
        let alerts = |alert| calls.iter().any(|call| call.alert == Some(alert));
        if alerts(Alert::Ring) {
            Some(Sound::Ring)
        } else if alerts(Alert::CallWaiting) {
            Some(Sound::CallWaiting)
        } else if calls.iter().any(|call| call.state == CallState::Ringing && call.direction == Way::Outgoing) {
            Some(Sound::Ringback)
        } else if self.settings.hold_music && is_held(calls) {
            Some(Sound::HoldMusic)
        } else {
            None
        }
    }
}

/// The call that I am in is on hold by everyone else, and no other one is heard.
fn is_held(calls: &[CallSnapshot]) -> bool {
    let mut mine = calls.iter().filter(|call| call.state == CallState::Connected && !call.on_hold);
    let held = |call: &CallSnapshot| {
        let mut there = call.members.iter().filter(|it| it.state == MemberState::Joined).peekable();
        there.peek().is_some() && there.all(|it| it.on_hold)
    };
    mine.next().is_some_and(held) && mine.next().is_none()
}
