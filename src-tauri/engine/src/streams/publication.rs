//! My stream to a media server: a task around its session.

use std::sync::Arc;

use peal_call::Stream;
use peal_media::audio::{Audio, EncodedFrame};
use peal_media::peer::{PeerError, PeerEvent, VoiceFrame};
use peal_media::stream::{StreamConfig, StreamError, StreamSession, StreamUrl};
use peal_media::video::VideoEncoder;
use tokio::sync::{broadcast, mpsc};

use super::StreamFact;
use crate::api::{ErrorCode, PealError, PublishedStream};
use crate::message::{Answer, Message, Reply};

/// What the task is told, in order.
enum Order {
    /// Where my voice comes from; none: nothing of it leaves.
    Speak(Option<broadcast::Receiver<EncodedFrame>>),
    /// My picture goes out; none: nothing of it leaves.
    Show(Option<Arc<VideoEncoder>>),
    /// End it, and say so when the server knows.
    Stop(Option<Reply>),
}

/// A stream that is being opened, or runs. Dropping it ends it in order.
pub(crate) struct Publication {
    orders: mpsc::UnboundedSender<Order>,
    pub number: u64,
    /// Waits for it to be open.
    pub reply: Option<Reply>,
    /// The media path to the server is up.
    open: bool,
    shown: PublishedStream,
    stream: Stream,
    /// It was part of a call.
    in_call: bool,
    speaks: bool,
    shows: Option<Arc<VideoEncoder>>,
}

impl Publication {
    pub fn open(
        number: u64,
        to: (StreamConfig, StreamUrl, Option<String>),
        (shown, stream): (PublishedStream, Stream),
        reply: Reply,
        messages: mpsc::UnboundedSender<Message>,
    ) -> Self {
        let (orders, received) = mpsc::unbounded_channel();
        tokio::spawn(run(to, received, move |fact| {
            let _ = messages.send(Message::Stream(number, fact));
        }));
        Self {
            orders,
            number,
            reply: Some(reply),
            open: false,
            shown,
            stream,
            in_call: false,
            speaks: false,
            shows: None,
        }
    }

    /// It is open: who waited for it, what the others are told, and what is shown.
    pub fn opened(&mut self) -> (Option<Reply>, Stream, PublishedStream) {
        self.open = true;
        (self.reply.take(), self.stream.clone(), self.shown.clone())
    }

    /// What is shown of it, once it is open.
    pub fn view(&self) -> Option<PublishedStream> {
        self.open.then(|| self.shown.clone())
    }

    /// Whether the calls that it was part of are over.
    pub fn outlived(&mut self, in_call: bool) -> bool {
        self.in_call |= in_call;
        self.in_call && !in_call
    }

    /// Lets my voice out, or keeps it in.
    pub fn speak(&mut self, audio: &Audio, speaks: bool) {
        if self.speaks != speaks {
            self.speaks = speaks;
            self.order(Order::Speak(speaks.then(|| audio.uplink())));
        }
    }

    /// Lets my picture out, or keeps it in.
    pub fn show(&mut self, encoder: Option<&Arc<VideoEncoder>>) {
        let same = match (&self.shows, encoder) {
            (Some(shown), Some(encoder)) => Arc::ptr_eq(shown, encoder),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !same {
            self.shows = encoder.cloned();
            self.order(Order::Show(encoder.cloned()));
        }
    }

    /// The devices have been opened anew.
    pub fn detach(&mut self) {
        self.speaks = false;
    }

    /// Ends it; `reply` hears when the server knows.
    pub fn stop(mut self, reply: Option<Reply>) {
        if let Some(waiting) = self.reply.take() {
            let error = PealError::new(ErrorCode::WrongState, "the stream was stopped again");
            // Whoever asked may have gone.
            let _ = waiting.send(Err(error));
        }
        self.order(Order::Stop(reply));
    }

    fn order(&self, order: Order) {
        // A stream that has failed has said so.
        let _ = self.orders.send(order);
    }
}

async fn run(
    (config, url, token): (StreamConfig, StreamUrl, Option<String>),
    mut orders: mpsc::UnboundedReceiver<Order>,
    say: impl Fn(StreamFact) + Send,
) {
    // Not given up in the middle: a session at the server is to be taken away in order.
    let (session, mut events) = match Box::pin(StreamSession::publish(&config, &url, token.as_deref())).await {
        Ok(opened) => opened,
        Err(error) => {
            say(StreamFact::Failed(error));
            return stopped(&mut orders);
        }
    };
    say(StreamFact::Opened);
    let mut uplink: Option<broadcast::Receiver<EncodedFrame>> = None;
    let mut resumes = true;
    let reply = loop {
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                Some(Order::Speak(frames)) => {
                    resumes = uplink.is_none();
                    uplink = frames;
                }
                Some(Order::Show(encoder)) => session.peer().send_video(encoder.as_ref()),
                Some(Order::Stop(reply)) => break reply,
                None => break None,
            },
            event = events.recv() => match event {
                Some(PeerEvent::Failed | PeerEvent::Closed) | None => {
                    say(StreamFact::Failed(StreamError::NoPath));
                    break None;
                }
                // What heals by itself, and what a server does not send.
                Some(_) => {}
            },
            frame = next(&mut uplink) => match frame {
                Ok(frame) => speak(&session, frame, std::mem::take(&mut resumes)),
                Err(broadcast::error::RecvError::Lagged(frames)) => {
                    tracing::debug!(frames, "voice frames were not sent in time");
                }
                Err(broadcast::error::RecvError::Closed) => uplink = None,
            },
        }
    };
    session.stop().await;
    if let Some(reply) = reply {
        let _ = reply.send(Ok(Answer::Nothing));
    }
    stopped(&mut orders);
}

/// Answers whoever stops what has ended by itself meanwhile.
fn stopped(orders: &mut mpsc::UnboundedReceiver<Order>) {
    orders.close();
    while let Ok(order) = orders.try_recv() {
        if let Order::Stop(Some(reply)) = order {
            let _ = reply.send(Ok(Answer::Nothing));
        }
    }
}

fn speak(session: &StreamSession, frame: EncodedFrame, resumes: bool) {
    let frame = VoiceFrame {
        payload: frame.payload,
        timestamp: frame.timestamp,
        marker: frame.talk_spurt_start || resumes,
        level_dbov: frame.level_dbov,
    };
    match session.peer().send_voice(frame) {
        Ok(()) | Err(PeerError::VoiceNotNegotiated | PeerError::Closed) => {}
        Err(error) => tracing::debug!(%error, "a voice frame was not sent"),
    }
}

/// The next frame, or never while there is no microphone.
async fn next(
    uplink: &mut Option<broadcast::Receiver<EncodedFrame>>,
) -> Result<EncodedFrame, broadcast::error::RecvError> {
    match uplink {
        Some(frames) => frames.recv().await,
        None => std::future::pending().await,
    }
}
