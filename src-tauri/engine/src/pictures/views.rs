//! Who looks at whose picture, and how large.

use std::collections::{BTreeMap, HashMap};

use peal_call::CallId;

use crate::api::{ErrorCode, PealError};

/// The longest name of a view, in bytes.
const NAME: usize = 64;
/// Most views of one person's picture at a time.
const VIEWS: usize = 16;
/// The largest side of a view that makes sense, in pixels.
const LARGEST: u32 = 16_384;
/// What a view without a size asks for: the largest picture that is ever sent.
const WHOLE: Size = Size { width: 1_920, height: 1_080 };

/// How large a picture is drawn, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub width: u32,
    pub height: u32,
}

impl Size {
    /// As a program asks for it.
    pub fn asked(width: Option<u32>, height: Option<u32>) -> Result<Self, PealError> {
        let sides = [width, height].into_iter().flatten();
        if sides.into_iter().any(|side| !(1..=LARGEST).contains(&side)) {
            let words = format!("a view is 1 to {LARGEST} pixels wide and high");
            return Err(PealError::new(ErrorCode::BadRequest, words));
        }
        Ok(Self { width: width.unwrap_or(WHOLE.width), height: height.unwrap_or(WHOLE.height) })
    }

    fn larger(self, other: Self) -> Self {
        Self { width: self.width.max(other.width), height: self.height.max(other.height) }
    }
}

/// The name of a view, or of the only one.
pub(crate) fn name(view: Option<String>) -> Result<String, PealError> {
    let name = view.unwrap_or_default();
    if name.len() > NAME {
        return Err(PealError::new(ErrorCode::BadRequest, format!("the name of a view has at most {NAME} bytes")));
    }
    Ok(name)
}

/// The views of the others' pictures.
#[derive(Debug, Default)]
pub(crate) struct RemoteViews(HashMap<CallId, HashMap<String, BTreeMap<String, Size>>>);

impl RemoteViews {
    /// Somebody looks, or looks at another size.
    pub fn start(&mut self, call: CallId, user: String, view: String, size: Size) -> Result<(), PealError> {
        let views = self.0.entry(call).or_default().entry(user).or_default();
        if views.len() >= VIEWS && !views.contains_key(&view) {
            let words = format!("a picture is looked at in {VIEWS} places at most");
            return Err(PealError::new(ErrorCode::BadRequest, words));
        }
        views.insert(view, size);
        Ok(())
    }

    /// They do no more.
    pub fn stop(&mut self, call: CallId, user: &str, view: &str) {
        if let Some(views) = self.0.get_mut(&call).and_then(|users| users.get_mut(user)) {
            views.remove(view);
        }
    }

    /// How large the largest view of this picture is; none: nobody looks.
    pub fn size(&self, call: CallId, user: &str) -> Option<Size> {
        self.0.get(&call)?.get(user)?.values().copied().reduce(Size::larger)
    }

    /// Only these calls are still there to be looked at.
    pub fn keep(&mut self, calls: impl Fn(CallId) -> bool) {
        self.0.retain(|call, _| calls(*call));
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn size(width: u32, height: u32) -> Size {
        Size::asked(Some(width), Some(height)).unwrap()
    }

    #[test]
    fn the_largest_view_decides_and_nobody_looking_is_none() {
        let (mut views, call) = (RemoteViews::default(), CallId::from_uuid(Uuid::now_v7()));
        assert_eq!(views.size(call, "bob"), None);
        views.start(call, "bob".into(), "tile".into(), size(320, 180)).unwrap();
        views.start(call, "bob".into(), "small".into(), size(160, 240)).unwrap();
        assert_eq!(views.size(call, "bob"), Some(size(320, 240)));
        views.start(call, "bob".into(), "tile".into(), size(64, 36)).unwrap();
        assert_eq!(views.size(call, "bob"), Some(size(160, 240)));
        for view in ["tile", "small", "small", "never there"] {
            views.stop(call, "bob", view);
        }
        assert_eq!(views.size(call, "bob"), None);
        views.start(call, "bob".into(), String::new(), size(64, 36)).unwrap();
        views.keep(|_| false);
        assert_eq!(views.size(call, "bob"), None);
    }

    #[test]
    fn impossible_sizes_names_and_crowds_are_refused() {
        assert!(Size::asked(Some(0), None).is_err() && Size::asked(None, Some(LARGEST + 1)).is_err());
        assert_eq!(Size::asked(None, Some(90)).unwrap(), size(1_920, 90));
        assert!(name(Some("x".repeat(NAME + 1))).is_err());
        let (mut views, call) = (RemoteViews::default(), CallId::from_uuid(Uuid::now_v7()));
        for view in 0..VIEWS {
            views.start(call, "bob".into(), view.to_string(), size(2, 2)).unwrap();
        }
        assert!(views.start(call, "bob".into(), "one more".into(), size(2, 2)).is_err());
        assert!(views.start(call, "bob".into(), "0".into(), size(4, 4)).is_ok());
    }
}
