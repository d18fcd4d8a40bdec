//! Offers, answers, candidates and restarts (RFC 9429).

use std::time::Duration;

use rtc::peer_connection::configuration::RTCOfferOptions;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::RTCIceCandidateInit;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;

use super::candidate::{self, EarlyCandidates, Usable};
use super::config::Purpose;
use super::description::{self, Kind};
use super::gather::HALF_TRICKLE;
use super::stack::OPUS_PAYLOAD_TYPE;
use super::{Candidate, Inner, Peer, PeerError};

/// Candidates of the peer used at most in one ICE generation: each one is a pair more to check for every local address.
const MAX_REMOTE_CANDIDATES: usize = 40;

/// Where the negotiation stands.
#[derive(Default)]
pub(super) struct Negotiation {
    early: EarlyCandidates,
    /// The peer's description of this generation is in use.
    remote: Option<String>,
    remote_candidates: usize,
    /// Our offer is out and its answer is awaited.
    offered: bool,
    /// An offer that restarts ICE, told to the peer but not applied here before the answer is in hand.
    restart: Option<RTCSessionDescription>,
}

impl Peer {
    /// Makes the offer and starts gathering. The candidates found within 50 ms are inside, so that one round trip can
    /// do; the rest comes as [`super::PeerEvent::Candidates`].
    ///
    /// # Errors
    /// [`PeerError::WrongState`] while another negotiation is under way, [`PeerError::Closed`].
    pub async fn offer(&self) -> Result<String, PeerError> {
        self.offer_within(HALF_TRICKLE).await
    }

    /// Makes the offer with every candidate that is found within `patience`; it is made sooner if no more can come. For
    /// signalling that carries the offer and nothing after it.
    ///
    /// # Errors
    /// As [`Peer::offer`].
    pub async fn offer_within(&self, patience: Duration) -> Result<String, PeerError> {
        let inner = &self.inner;
        let mut negotiation = inner.negotiation.lock().await;
        if negotiation.restart.is_some() {
            return Err(PeerError::WrongState);
        }
        if inner.purpose == Purpose::Call
            && let Some(task) = inner.control.create(inner.connection.as_ref()).await?
        {
            inner.own_task(task);
        }
        let offer = inner.connection.create_offer(None).await?;
        negotiation.remote = None;
        negotiation.offered = true;
        inner.apply_local(offer, patience).await
    }

    /// Takes the peer's offer, a first one or one that restarts ICE, and makes the answer, with the candidates found
    /// within 50 ms inside.
    ///
    /// A restart offer of our own that waits for its answer is given up: the caller decides who yields.
    ///
    /// # Errors
    /// [`PeerError::Description`] if the offer is unusable; the connection stays as it was.
    pub async fn answer(&self, offer: &str) -> Result<String, PeerError> {
        let offer = description::check(offer, Kind::Offer)?;
        let inner = &self.inner;
        let mut negotiation = inner.negotiation.lock().await;
        negotiation.restart = None;
        let description = RTCSessionDescription::offer(offer.clone())?;
        inner.connection.set_remote_description(description).await?;
        inner.remote_applied(&mut negotiation, offer).await;
        let answer = match inner.connection.create_answer(None).await {
            Ok(answer) => inner.apply_local(answer, HALF_TRICKLE).await,
            Err(error) => Err(error.into()),
        };
        match answer {
            Ok(answer) => {
                inner.agree(&negotiation).await;
                Ok(answer)
            }
            Err(error) => {
                // Back to where the call was, so that it goes on.
                if let Ok(rollback) = RTCSessionDescription::rollback(None) {
                    let _ = inner.connection.set_remote_description(rollback).await;
                }
                Err(error)
            }
        }
    }

    /// Takes the peer's answer to our offer or restart.
    ///
    /// # Errors
    /// [`PeerError::Description`] if the answer is unusable, [`PeerError::WrongState`] if none was awaited.
    pub async fn accept_answer(&self, answer: &str) -> Result<(), PeerError> {
        let inner = &self.inner;
        let kind = match inner.purpose {
            Purpose::Call => Kind::Answer,
            Purpose::Publish | Purpose::Play => Kind::StreamAnswer,
        };
        let answer = description::check(answer, kind)?;
        let mut negotiation = inner.negotiation.lock().await;
        if !negotiation.offered && negotiation.restart.is_none() {
            return Err(PeerError::WrongState);
        }
        let description = RTCSessionDescription::answer(answer.clone())?;
        if let Some(offer) = negotiation.restart.take() {
            let sdp = offer.sdp.clone();
            inner.gathering.begin();
            inner.connection.set_local_description(offer).await?;
            inner.gathering.describe(&sdp);
            negotiation.offered = true;
        }
        inner.connection.set_remote_description(description).await?;
        negotiation.offered = false;
        inner.remote_applied(&mut negotiation, answer).await;
        inner.agree(&negotiation).await;
        Ok(())
    }

    /// Takes candidates of the peer. Those that come before its description are kept for it, at most
    /// [`super::MAX_EARLY_CANDIDATES`]. `complete` says that no more will come; ICE does without knowing it.
    ///
    /// # Errors
    /// [`PeerError::Candidate`] or [`PeerError::TooManyCandidates`] if some were left out; the others are used, and a
    /// connected call is never harmed.
    pub async fn add_candidates(&self, candidates: &[Candidate], complete: bool) -> Result<(), PeerError> {
        let inner = &self.inner;
        let mut negotiation = inner.negotiation.lock().await;
        let mut outcome = Ok(());
        for candidate in candidates {
            if let Err(error) = inner.add_candidate(&mut negotiation, candidate).await {
                outcome = Err(error);
            }
        }
        tracing::trace!(count = candidates.len(), complete, "candidates of the peer");
        outcome
    }

    /// Makes an offer that finds a new path while the old one stays in use: after a change of network, or when the peer
    /// has not been heard for a while. The answer goes to [`Peer::accept_answer`].
    ///
    /// The restart is applied here only together with its answer. The stack forgets the old path at that moment, so
    /// voice pauses for the checks alone and not for the signalling as well, and an offer that crosses one of the
    /// peer's can be dropped without a trace.
    ///
    /// # Errors
    /// [`PeerError::WrongState`] before the first negotiation is done.
    pub async fn restart_ice(&self) -> Result<String, PeerError> {
        let inner = &self.inner;
        let mut negotiation = inner.negotiation.lock().await;
        if negotiation.remote.is_none() {
            return Err(PeerError::WrongState);
        }
        let options = RTCOfferOptions { ice_restart: true };
        let offer = inner.connection.create_offer(Some(options)).await?;
        let sdp = offer.sdp.clone();
        negotiation.restart = Some(offer);
        Ok(sdp)
    }
}

impl Inner {
    /// Applies our description and returns it with the candidates found by then.
    async fn apply_local(&self, description: RTCSessionDescription, patience: Duration) -> Result<String, PeerError> {
        self.gathering.begin();
        self.connection.set_local_description(description).await?;
        self.gathering.first_candidates(patience).await;
        let described = self.connection.local_description().await.ok_or(PeerError::WrongState)?;
        self.gathering.describe(&described.sdp);
        Ok(described.sdp)
    }

    /// Notes the peer's description and hands over the candidates that came before it.
    async fn remote_applied(&self, negotiation: &mut Negotiation, sdp: String) {
        let same = negotiation.remote.as_deref().is_some_and(|old| description::same_ice_generation(old, &sdp));
        if !same {
            negotiation.remote_candidates = 0;
        }
        negotiation.remote = Some(sdp);
        for candidate in negotiation.early.take() {
            if let Err(error) = self.add_candidate(negotiation, &candidate).await {
                tracing::debug!(%error, "an early candidate was left out");
            }
        }
    }

    async fn add_candidate(&self, negotiation: &mut Negotiation, candidate: &Candidate) -> Result<(), PeerError> {
        if candidate.candidate.trim().is_empty() || candidate::inspect(&candidate.candidate)? == Usable::No {
            return Ok(());
        }
        // While a restart waits for its answer, candidates belong to what comes with that.
        if negotiation.remote.is_none() || negotiation.restart.is_some() {
            return negotiation.early.keep(candidate.clone());
        }
        if negotiation.remote_candidates >= MAX_REMOTE_CANDIDATES {
            return Err(PeerError::TooManyCandidates);
        }
        negotiation.remote_candidates += 1;
        let line = candidate.candidate.strip_prefix("a=").unwrap_or(&candidate.candidate);
        let init = RTCIceCandidateInit {
            candidate: line.to_owned(),
            sdp_mid: candidate.mid.clone(),
            sdp_mline_index: candidate.line,
            ..Default::default()
        };
        self.connection.add_ice_candidate(init).await.map_err(|_| PeerError::Candidate)
    }

    /// Reads what the negotiation settled for voice and picture.
    async fn agree(&self, negotiation: &Negotiation) {
        if self.purpose == Purpose::Play {
            // Whoever answers an offer that only receives sends with its numbers (RFC 3264 section 5.1).
            self.agreement.expect(OPUS_PAYLOAD_TYPE);
            return self.video.agreement.expect();
        }
        let takes_video = negotiation.remote.as_deref().is_some_and(description::takes_video);
        for sender in self.connection.get_senders().await {
            let Ok(parameters) = sender.get_parameters().await else { continue };
            if sender.track().kind().await == RtpCodecKind::Video {
                self.video.agreement.update(&parameters.rtp_parameters, takes_video);
            } else {
                self.agreement.update(&parameters.rtp_parameters);
            }
        }
    }
}
