//! What WebKit calls: each page's window gets the function [`READ`].

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use glib::ffi::{GFALSE, GTRUE, gboolean, gpointer};
use glib::gobject_ffi::{G_TYPE_BOOLEAN, G_TYPE_STRING, GObject};
use glib::prelude::*;
use glib::translate::{FromGlibPtrFull as _, FromGlibPtrNone as _, ToGlibPtr as _};
use javascriptcore::{Context, Value};
use javascriptcore_rs_sys as ffi;

use crate::{READ, read};

/// What a new page's window is announced by.
const CLEARED: &str = "window-object-cleared";

#[link(name = "webkit2gtk-4.1")]
#[expect(unsafe_code, reason = "WebKit's interface for its web process has no crate")]
unsafe extern "C" {
    fn webkit_script_world_get_default() -> *mut GObject;
    fn webkit_frame_get_js_context(frame: *mut GObject) -> *mut ffi::JSCContext;
}

/// WebKit's beginning, once in each web process.
#[expect(unsafe_code, reason = "WebKit looks for it by this name")]
#[unsafe(no_mangle)]
pub extern "C" fn webkit_web_extension_initialize(_extension: *mut c_void) {
    // SAFETY: on WebKit's main thread; the world belongs to WebKit and is an object.
    #[expect(unsafe_code, reason = "as above")]
    let world = unsafe { glib::Object::from_glib_none(webkit_script_world_get_default()) };
    world.connect_local(CLEARED, false, |values| {
        // The world, the page, the frame.
        if let Some(frame) = values.get(2).and_then(|value| value.get::<glib::Object>().ok()) {
            lend(&frame);
        }
        None
    });
}

/// Gives a frame's page the function.
fn lend(frame: &glib::Object) {
    // SAFETY: what the signal brings third is a frame. The function has no data of its own, and takes and answers what is said
    // here.
    #[expect(unsafe_code, reason = "the crate has no way to make a function")]
    unsafe {
        let context = Context::from_glib_full(webkit_frame_get_js_context(frame.as_ptr()));
        let call: unsafe extern "C" fn(*const c_char, *mut ffi::JSCValue, gpointer) -> gboolean = read_picture;
        let mut takes = [G_TYPE_STRING, ffi::jsc_value_get_type()];
        let function = Value::from_glib_full(ffi::jsc_value_new_functionv(
            context.to_glib_none().0,
            READ.as_ptr(),
            Some(std::mem::transmute::<*const (), unsafe extern "C" fn()>(call as *const ())),
            ptr::null_mut(),
            None,
            G_TYPE_BOOLEAN,
            2,
            takes.as_mut_ptr(),
        ));
        ffi::jsc_context_set_value(context.to_glib_none().0, READ.as_ptr(), function.to_glib_none().0);
    }
}

/// The function itself: a path and an `ArrayBuffer` in, whether it was filled out.
#[expect(unsafe_code, reason = "called by WebKit's engine, as `lend` told it")]
unsafe extern "C" fn read_picture(path: *const c_char, buffer: *mut ffi::JSCValue, _: gpointer) -> gboolean {
    if path.is_null() || buffer.is_null() {
        return GFALSE;
    }
    let mut length = 0;
    // SAFETY: the engine made both of the arguments, and keeps them until this returns. Its bytes are its own, and nobody runs
    // in this thread, which is the page's, meanwhile. Of anything else than a buffer it answers null.
    let (path, bytes) = unsafe {
        let start = ffi::jsc_value_array_buffer_get_data(buffer, &raw mut length).cast::<u8>();
        if start.is_null() || length == 0 {
            return GFALSE;
        }
        (CStr::from_ptr(path), std::slice::from_raw_parts_mut(start, length))
    };
    let filled = path.to_str().is_ok_and(|path| read(path, bytes).is_ok());
    if filled { GTRUE } else { GFALSE }
}
