//! What is to be open, and what is to be made of it, as the settings and the person have it.

use peal_media::video::{Format, SourceChoice, VideoQuality};

use crate::CameraChoice;
use crate::api::{Settings, VideoSource};

/// A screen or a window is sent as large as this, whatever the camera's size is: its letters are to be read.
const SCREEN: (u32, u32) = (1_920, 1_080);
/// Pictures of a screen in a second, at most.
const SCREEN_FRAME_RATE: u32 = 15;
/// What a screen may take if the settings allow a camera less, kbit/s.
const SCREEN_KBPS: u32 = 2_500;

/// What is to be open.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    /// As the API names it.
    pub shown: VideoSource,
    pub choice: SourceChoice,
    pub format: Format,
}

/// What the settings say of the picture.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    camera: Option<String>,
    format: Format,
    min_kbps: u32,
    max_kbps: u32,
}

impl Wanted {
    /// It may come back by itself: a camera is plugged in again.
    pub fn returns(&self) -> bool {
        match self.choice {
            SourceChoice::Camera { .. } => true,
            SourceChoice::Screen { .. }
            | SourceChoice::Window { .. }
            | SourceChoice::File { .. }
            | SourceChoice::Pattern => false,
        }
    }
}

impl Choice {
    pub fn of(settings: &Settings) -> Self {
        Self {
            camera: (settings.camera != "default").then(|| settings.camera.clone()),
            format: Format {
                width: settings.video_width,
                height: settings.video_height,
                frame_rate: settings.frame_rate,
            },
            min_kbps: settings.min_bitrate,
            max_kbps: settings.max_bitrate,
        }
    }

    /// What is to be open: what was `chosen`, else what the engine was started with.
    pub fn wanted(&self, given: &CameraChoice, chosen: Option<&VideoSource>) -> Option<Wanted> {
        let given = match given {
            CameraChoice::Settings => Some(VideoSource::Camera { id: None }),
            CameraChoice::Nothing => None,
            CameraChoice::Source(source) => Some(source.clone()),
        };
        let shown = match chosen.cloned().or(given)? {
            VideoSource::Camera { id: None } => VideoSource::Camera { id: self.camera.clone() },
            other => other,
        };
        let choice = match shown.clone() {
            VideoSource::Camera { id } => SourceChoice::Camera { id },
            VideoSource::Screen { id } => SourceChoice::Screen { id },
            VideoSource::Window { id } => SourceChoice::Window { id },
            VideoSource::File { path, looped } => SourceChoice::File { path: path.into(), looped },
            VideoSource::Pattern => SourceChoice::Pattern,
        };
        Some(Wanted { shown, choice, format: self.format })
    }

    /// What the encoder is to make of what is open.
    pub fn quality(&self, open: Option<&Wanted>) -> VideoQuality {
        let Format { width, height, frame_rate } = self.format;
        let camera = VideoQuality { width, height, frame_rate, min_kbps: self.min_kbps, max_kbps: self.max_kbps };
        match open.map(|open| &open.choice) {
            Some(SourceChoice::Screen { .. } | SourceChoice::Window { .. }) => VideoQuality {
                width: SCREEN.0.max(width),
                height: SCREEN.1.max(height),
                frame_rate: frame_rate.min(SCREEN_FRAME_RATE),
                max_kbps: self.max_kbps.max(SCREEN_KBPS),
                ..camera
            },
            Some(SourceChoice::Camera { .. } | SourceChoice::File { .. } | SourceChoice::Pattern) | None => camera,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_comes_before_what_was_given_and_the_settings_name_the_camera() {
        let choice = Choice::of(&Settings { camera: "usb".to_owned(), ..Settings::default() });
        let shown = |given, chosen: Option<VideoSource>| choice.wanted(&given, chosen.as_ref()).map(|it| it.shown);
        let usb = VideoSource::Camera { id: Some("usb".to_owned()) };
        assert_eq!(shown(CameraChoice::Settings, None), Some(usb.clone()));
        assert_eq!(shown(CameraChoice::Nothing, None), None);
        assert_eq!(shown(CameraChoice::Nothing, Some(VideoSource::Pattern)), Some(VideoSource::Pattern));
        let pattern = CameraChoice::Source(VideoSource::Pattern);
        assert_eq!(shown(pattern.clone(), None), Some(VideoSource::Pattern));
        assert_eq!(shown(pattern, Some(VideoSource::Camera { id: None })), Some(usb));
    }

    #[test]
    fn a_screen_is_sent_large_and_a_camera_as_it_is_set() {
        let choice = Choice::of(&Settings::default());
        let of = |source: VideoSource| {
            let wanted = choice.wanted(&CameraChoice::Nothing, Some(&source));
            choice.quality(wanted.as_ref())
        };
        let camera = VideoQuality { width: 640, height: 360, frame_rate: 30, min_kbps: 600, max_kbps: 900 };
        assert_eq!(of(VideoSource::Camera { id: None }), camera);
        let screen = of(VideoSource::Screen { id: "0".to_owned() });
        assert_eq!((screen.width, screen.height, screen.frame_rate, screen.max_kbps), (1_920, 1_080, 15, 2_500));
    }
}
