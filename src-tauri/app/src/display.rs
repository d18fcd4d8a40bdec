//! Whether there is a screen, and how to say on it that Peal can't start.

/// True if a window can be opened. On Linux this initialises GTK; it must be the main thread.
#[cfg(target_os = "linux")]
pub fn is_there() -> bool {
    let named = |variable| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    // A display may be named and yet not answer: GTK finds out, and says so without a panic.
    (named("DISPLAY") || named("WAYLAND_DISPLAY")) && gtk::init().is_ok()
}

/// True if a window can be opened.
#[cfg(not(target_os = "linux"))]
pub fn is_there() -> bool {
    true
}

/// Shows a dialog with an error and waits until it is closed. Only before the app runs, on the main thread, and after
/// [`is_there`] was true.
#[cfg(target_os = "linux")]
pub fn show_error(title: &str, text: &str) {
    use gtk::prelude::*;

    let dialog = gtk::MessageDialog::new(
        None::<&gtk::Window>,
        gtk::DialogFlags::empty(),
        gtk::MessageType::Error,
        gtk::ButtonsType::Close,
        title,
    );
    dialog.set_title("Peal");
    dialog.set_secondary_text(Some(text));
    dialog.run();
}

/// Shows a dialog with an error and waits until it is closed. Only before the app runs, on the main thread.
#[cfg(not(target_os = "linux"))]
pub fn show_error(title: &str, text: &str) {
    rfd::MessageDialog::new().set_level(rfd::MessageLevel::Error).set_title(title).set_description(text).show();
}
