//! What is to be seen: pictures that are looked at, and what is in them.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use peal_engine::api::{
    CallParams, CallSession, Event, LocalViewParams, Media, SettingsPatch, StartRemoteViewParams, VideoSource,
};
use peal_engine::{CameraChoice, EngineConfig, Frame, Picture};
use peal_media::video::pattern::read_time_code;
use tokio::sync::watch;

use crate::person::{PATIENCE, Person, accept};

/// A phone whose camera sees the test pattern.
#[must_use]
pub fn sees_pattern(config: EngineConfig) -> EngineConfig {
    EngineConfig { camera: CameraChoice::Source(VideoSource::Pattern), ..config }
}

/// A phone whose camera sees this Y4M file, over and over.
#[must_use]
pub fn sees_file(config: EngineConfig, path: &Path) -> EngineConfig {
    let source = VideoSource::File { path: path.display().to_string(), looped: true };
    EngineConfig { camera: CameraChoice::Source(source), ..config }
}

/// Waits for a picture that is as wished.
pub async fn picture(
    pictures: &mut watch::Receiver<Picture>,
    what: &str,
    wished: impl Fn(&Frame) -> bool,
) -> Arc<Frame> {
    let seen = tokio::time::timeout(PATIENCE, pictures.wait_for(|it| it.as_ref().is_some_and(|it| wished(it)))).await;
    match seen {
        Ok(Ok(picture)) => picture.clone().unwrap_or_else(|| unreachable!("it was there")),
        Ok(Err(watch::error::RecvError { .. })) => panic!("the engine stopped before {what} was seen"),
        Err(late) => panic!("{what} was never seen: {late}"),
    }
}

/// Waits until there is no picture.
pub async fn nothing(pictures: &mut watch::Receiver<Picture>) {
    let gone = tokio::time::timeout(PATIENCE, pictures.wait_for(Option::is_none)).await;
    assert!(gone.is_ok(), "a picture stays");
}

/// Waits until the pattern moves, and answers how old its time codes were when they were seen, in ms.
pub async fn moving(pictures: &mut watch::Receiver<Picture>, what: &str) -> Vec<u64> {
    let mut ages = Vec::new();
    let mut last = 0;
    while ages.len() < 5 {
        let frame = picture(pictures, what, |it| read_time_code(it).is_some_and(|code| code > last)).await;
        last = read_time_code(&frame).unwrap_or_default();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        ages.push((now.as_millis() as u64).saturating_sub(last));
    }
    ages
}

/// The mean of a plane: 0 for luma, 1 for blue, 2 for red.
pub fn mean(frame: &Frame, plane: usize) -> f64 {
    let samples = frame.planes()[plane];
    samples.iter().map(|sample| f64::from(*sample)).sum::<f64>() / samples.len() as f64
}

/// How rough the luma is: the mean difference between neighbours in a line.
pub fn roughness(frame: &Frame) -> f64 {
    let width = frame.width() as usize;
    let lines = frame.planes()[0].chunks(width);
    let differences = lines.flat_map(|line| line.windows(2).map(|pair| f64::from(pair[0].abs_diff(pair[1]))));
    let (mut sum, mut number) = (0.0, 0.0);
    for difference in differences {
        sum += difference;
        number += 1.0;
    }
    sum / number
}

/// Writes a Y4M file of one second with this picture at 10 Hz: each pixel's luma, blue and red.
pub fn write_film(path: &Path, width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> std::io::Result<()> {
    let mut data = Vec::new();
    data.extend((0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| pixel(x, y)[0]));
    for plane in [1, 2] {
        data.extend(
            (0..height / 2).flat_map(|y| (0..width / 2).map(move |x| (x, y))).map(|(x, y)| pixel(x * 2, y * 2)[plane]),
        );
    }
    let mut film = format!("YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n").into_bytes();
    for _ in 0..10 {
        film.extend_from_slice(b"FRAME\n");
        film.extend_from_slice(&data);
    }
    std::fs::write(path, film)
}

/// A picture that could be seen now, if there is one.
pub fn now(pictures: &watch::Receiver<Picture>) -> Picture {
    pictures.borrow().clone()
}

/// How old a picture is that was just seen.
pub fn age(frame: &Frame) -> std::time::Duration {
    Instant::now().saturating_duration_since(frame.captured_at())
}

impl Person {
    /// Calls somebody with picture.
    pub async fn calls_by_video(&self, to: &str) -> CallSession {
        let params = CallParams { to: vec![to.to_owned()], media: Media::Video, ..CallParams::default() };
        let called = self.engine.call(params).await;
        called.unwrap_or_else(|error| panic!("{} can't call {to}: {error:?}", self.name))
    }

    /// Sets up a connected video call with somebody.
    pub async fn sees_and_talks_with(&mut self, other: &mut Self) -> String {
        self.sees_online(&other.name.clone()).await;
        let session = self.calls_by_video(&other.name).await;
        let call = other.rings().await;
        assert_eq!(call, session.call_id);
        accept(other, &call).await;
        self.connected().await;
        other.connected().await;
        call
    }

    /// A video call of theirs begins with the camera on, or off.
    pub async fn begins_with_camera(&self, on: bool) {
        let patch = SettingsPatch { open_camera: Some(on), ..SettingsPatch::default() };
        if let Err(error) = self.engine.set_settings(patch).await {
            panic!("{} can't set the camera: {error:?}", self.name);
        }
    }

    /// Looks at somebody's picture.
    pub async fn looks_at(&self, call: &str, user: &str) -> watch::Receiver<Picture> {
        let params = StartRemoteViewParams {
            call_id: call.to_owned(),
            user_id: user.to_owned(),
            ..StartRemoteViewParams::default()
        };
        if let Err(error) = self.engine.start_remote_view(params).await {
            panic!("{} can't look at {user}: {error:?}", self.name);
        }
        self.engine.remote_pictures(call, user)
    }

    /// Looks at their own picture.
    pub async fn looks_at_own(&self) -> watch::Receiver<Picture> {
        if let Err(error) = self.engine.start_local_view(LocalViewParams::default()).await {
            panic!("{} can't look at their own picture: {error:?}", self.name);
        }
        self.engine.local_pictures()
    }

    /// Waits until somebody's camera is on, or off.
    pub async fn hears_of_camera(&mut self, user: &str, on: bool) {
        self.hears("of a camera", |event| match event {
            Event::VideoAvailable { user_id, available, .. } if user_id == user && *available == on => Some(()),
            _ => None,
        })
        .await;
    }
}
