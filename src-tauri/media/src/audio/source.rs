//! Microphones and speakers that are no devices: WAV files, tones, silence.

use std::collections::VecDeque;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::FRAME_10_MS;
use super::error::{AudioError, FileProblem};
use super::opus::SAMPLE_RATE;
use super::resample::resample;

/// The longest recording that is read: 30 minutes.
const MAX_SECONDS: u32 = 1_800;
/// The longest echo delay.
const MAX_ECHO: Duration = Duration::from_secs(10);
/// An echo line longer than its delay by this much (100 ms) has fallen behind.
const ECHO_SLACK: usize = 4_800;
/// Peak of [`Source::Tone`]: -20 dBFS RMS.
const TONE_PEAK: f32 = 0.1414;

/// Gives 10 ms of samples at a time, for ever.
#[derive(Debug)]
pub(super) enum Source {
    Silence,
    Tone { phase: f32, step: f32 },
    Recording { samples: Arc<[f32]>, position: usize, looped: bool },
    Echo { line: VecDeque<f32>, delay: usize },
}

impl Source {
    pub(super) fn tone(hertz: f32) -> Self {
        let hertz = if hertz.is_finite() { hertz.clamp(20.0, 20_000.0) } else { 440.0 };
        Self::Tone { phase: 0.0, step: hertz / SAMPLE_RATE as f32 }
    }

    pub(super) fn echo(delay: Duration) -> Self {
        let delay = (delay.min(MAX_ECHO).as_secs_f64() * f64::from(SAMPLE_RATE)) as usize;
        Self::Echo { line: std::iter::repeat_n(0.0, delay).collect(), delay }
    }

    pub(super) fn wav(path: &Path, looped: bool) -> Result<Self, AudioError> {
        Ok(Self::Recording { samples: read_wav(path)?.into(), position: 0, looped })
    }

    /// What the speaker plays, for [`Source::Echo`].
    pub(super) fn hear(&mut self, frame: &[f32]) {
        if let Self::Echo { line, delay } = self {
            line.extend(frame);
            let excess = line.len().saturating_sub(*delay + ECHO_SLACK);
            line.drain(..excess);
        }
    }

    pub(super) fn fill(&mut self, frame: &mut [f32; FRAME_10_MS]) {
        match self {
            Self::Silence => frame.fill(0.0),
            Self::Tone { phase, step } => {
                for sample in frame {
                    *sample = TONE_PEAK * (*phase * std::f32::consts::TAU).sin();
                    *phase = (*phase + *step).fract();
                }
            }
            Self::Recording { samples, position, looped } => {
                for sample in frame {
                    if *position >= samples.len() && *looped {
                        *position = 0;
                    }
                    *sample = samples.get(*position).copied().unwrap_or(0.0);
                    *position = position.saturating_add(1).min(samples.len());
                }
            }
            Self::Echo { line, .. } => {
                for sample in frame {
                    *sample = line.pop_front().unwrap_or(0.0);
                }
            }
        }
    }
}

/// A file that takes what a speaker would play: 48 kHz mono 16 bit.
pub(super) struct Recorder {
    writer: Option<hound::WavWriter<BufWriter<File>>>,
    unflushed: usize,
}

impl Recorder {
    pub(super) fn create(path: &Path) -> Result<Self, AudioError> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: SAMPLE_RATE,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let writer = hound::WavWriter::create(path, spec).map_err(|error| file_error(path, &error))?;
        Ok(Self { writer: Some(writer), unflushed: 0 })
    }

    /// Appends a frame. A full disk ends the recording; the call goes on.
    pub(super) fn write(&mut self, frame: &[f32]) {
        let Some(writer) = self.writer.as_mut() else { return };
        let mut result = frame.iter().try_for_each(|s| writer.write_sample((s.clamp(-1.0, 1.0) * 32_767.0) as i16));
        self.unflushed += frame.len();
        if result.is_ok() && self.unflushed >= SAMPLE_RATE as usize {
            // The header is brought up to date each second, so that what a killed program leaves can be played.
            self.unflushed = 0;
            result = writer.flush();
        }
        if let Err(error) = result {
            tracing::warn!(%error, "the recording of the speaker stopped");
            self.writer = None;
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.writer.take().map(hound::WavWriter::finalize) {
            tracing::warn!(%error, "the recording of the speaker could not be finished");
        }
    }
}

/// Reads any WAV file to mono 48 kHz.
pub(super) fn read_wav(path: &Path) -> Result<Vec<f32>, AudioError> {
    let mut reader = hound::WavReader::open(path).map_err(|error| file_error(path, &error))?;
    let spec = reader.spec();
    let unusable = || AudioError::File { path: path.to_owned(), problem: FileProblem::NotWav };
    if !(8_000..=192_000).contains(&spec.sample_rate) || spec.channels == 0 {
        return Err(unusable());
    }
    if reader.duration() / spec.sample_rate > MAX_SECONDS {
        return Err(AudioError::File { path: path.to_owned(), problem: FileProblem::TooLong });
    }
    let interleaved: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>(),
        hound::SampleFormat::Int => {
            let full = 2f32.powi(i32::from(spec.bits_per_sample) - 1);
            reader.samples::<i32>().map(|sample| sample.map(|s| s as f32 / full)).collect()
        }
    }
    .map_err(|error: hound::Error| file_error(path, &error))?;
    let channels = usize::from(spec.channels);
    let mono: Vec<f32> =
        interleaved.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32).collect();
    Ok(resample(&mono, spec.sample_rate, SAMPLE_RATE))
}

fn file_error(path: &Path, error: &hound::Error) -> AudioError {
    let path: PathBuf = path.to_owned();
    let problem = match error {
        hound::Error::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            FileProblem::Io(error.kind())
        }
        _ => FileProblem::NotWav,
    };
    AudioError::File { path, problem }
}
