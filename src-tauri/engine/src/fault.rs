//! Every layer's errors, in the engine's words.

use peal_call::{NameError, Refusal};
use peal_media::audio::AudioError;
use peal_media::stream::StreamError;
use peal_media::video::VideoError;
use peal_signalling::{BrokerError, ConnectError, Problem, SendError, ServerUrlError};
use peal_store::StoreError;

use crate::api::{ErrorCode, PealError};

impl From<StoreError> for PealError {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::InUse { .. } => ErrorCode::ProfileInUse,
            StoreError::BadName(_) => ErrorCode::BadName,
            _ => ErrorCode::StorageFailed,
        };
        Self::new(code, error.to_string())
    }
}

impl From<NameError> for PealError {
    fn from(error: NameError) -> Self {
        Self::new(ErrorCode::BadName, error.to_string())
    }
}

impl From<ServerUrlError> for PealError {
    fn from(error: ServerUrlError) -> Self {
        Self::new(ErrorCode::BadServer, error.to_string())
    }
}

impl From<BrokerError> for PealError {
    fn from(error: BrokerError) -> Self {
        Self::new(ErrorCode::BrokerFailed, error.to_string())
    }
}

impl From<ConnectError> for PealError {
    fn from(error: ConnectError) -> Self {
        let code = match &error {
            ConnectError::BadCredentials => ErrorCode::WrongToken,
            ConnectError::Unreachable { .. } | ConnectError::Timeout => ErrorCode::ServerUnreachable,
            ConnectError::NotAuthorized { .. } => ErrorCode::NotAuthorized,
            ConnectError::Tls(_) | ConnectError::CertificateFile(_) => ErrorCode::InsecureServer,
            ConnectError::Refused(_) | ConnectError::NotABroker(_) => ErrorCode::BadServer,
            ConnectError::KickedOut => ErrorCode::KickedOut,
            ConnectError::ClientId => ErrorCode::Internal,
        };
        Self::new(code, error.to_string())
    }
}

impl From<Problem> for PealError {
    fn from(problem: Problem) -> Self {
        let code = match &problem {
            Problem::Unreachable(_) | Problem::Lost(_) | Problem::TimedOut => ErrorCode::ServerUnreachable,
            Problem::Tls(_) => ErrorCode::InsecureServer,
            Problem::BadCredentials => ErrorCode::WrongToken,
            Problem::NotAuthorized(_) => ErrorCode::NotAuthorized,
            Problem::Refused(_) | Problem::NotABroker(_) => ErrorCode::BadServer,
        };
        Self::new(code, problem.to_string())
    }
}

impl From<SendError> for PealError {
    fn from(error: SendError) -> Self {
        let code = match error {
            SendError::UnknownDevice => ErrorCode::UnknownUser,
            SendError::UntrustedKey => ErrorCode::KeyChanged,
            SendError::TooLarge => ErrorCode::BadRequest,
            SendError::OutboxFull => ErrorCode::ServerUnreachable,
            SendError::NotLoggedIn => ErrorCode::NotLoggedIn,
        };
        Self::new(code, error.to_string())
    }
}

impl From<AudioError> for PealError {
    fn from(error: AudioError) -> Self {
        let code = match &error {
            AudioError::NoMicrophone => ErrorCode::NoMicrophone,
            AudioError::NoSpeaker => ErrorCode::NoSpeaker,
            AudioError::Busy | AudioError::Denied => ErrorCode::DeviceBusy,
            AudioError::UnknownDevice(_) | AudioError::Unusable(_) | AudioError::File { .. } | AudioError::Closed => {
                ErrorCode::DeviceFailed
            }
        };
        Self::new(code, error.to_string())
    }
}

impl From<VideoError> for PealError {
    fn from(error: VideoError) -> Self {
        let code = match &error {
            VideoError::NoCamera => ErrorCode::NoCamera,
            VideoError::Busy => ErrorCode::CameraBusy,
            VideoError::Denied => ErrorCode::CameraDenied,
            VideoError::Unplugged | VideoError::Silent(_) | VideoError::Unusable(_) => ErrorCode::CameraFailed,
            VideoError::NotPicked => ErrorCode::NotPicked,
            VideoError::UnknownDevice(_)
            | VideoError::NoScreen
            | VideoError::WindowClosed
            | VideoError::File { .. } => ErrorCode::SourceFailed,
        };
        Self { code, message: error.to_string(), hint: error.hint().to_owned() }
    }
}

impl From<StreamError> for PealError {
    fn from(error: StreamError) -> Self {
        let code = match &error {
            StreamError::BadUrl(_) | StreamError::PlainHttp => ErrorCode::BadStreamUrl,
            StreamError::Unreachable(_) | StreamError::TimedOut => ErrorCode::StreamUnreachable,
            StreamError::Refused => ErrorCode::StreamRefused,
            StreamError::NotFound
            | StreamError::Busy { .. }
            | StreamError::Rejected(_)
            | StreamError::BadAnswer(_)
            | StreamError::Redirected
            | StreamError::NoPath
            | StreamError::Peer(_) => ErrorCode::StreamFailed,
        };
        Self::new(code, error.to_string())
    }
}

impl From<Refusal> for PealError {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::UnknownCall => ErrorCode::UnknownCall,
            Refusal::WrongState => ErrorCode::WrongState,
            Refusal::Busy => ErrorCode::Busy,
            Refusal::UnknownUser => ErrorCode::UnknownUser,
            Refusal::Full => ErrorCode::Full,
            Refusal::CallLimit => ErrorCode::CallLimit,
        };
        Self::new(code, refusal.to_string())
    }
}

/// The error of every command before login and after logout.
pub(crate) fn not_logged_in() -> PealError {
    PealError::new(ErrorCode::NotLoggedIn, "nobody is logged in")
}
