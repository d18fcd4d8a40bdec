//! The shell's few words. Everything else that a person reads is the interface's.

/// One language's words.
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    /// The notification's text, below the caller's name.
    pub incoming_call: &'static str,
    /// The same for a call with picture.
    pub incoming_video_call: &'static str,
    /// The notification's first button.
    pub answer: &'static str,
    /// The notification's second button.
    pub decline: &'static str,
    /// The tray's first entry.
    pub open: &'static str,
    /// The tray's last entry.
    pub quit: &'static str,
    /// The title of the dialog when Peal can't start.
    pub cannot_start: &'static str,
}

/// English.
pub const ENGLISH: Words = Words {
    incoming_call: "Incoming call",
    incoming_video_call: "Incoming video call",
    answer: "Answer",
    decline: "Decline",
    open: "Open Peal",
    quit: "Quit",
    cannot_start: "Peal can't start",
};

/// 简体中文.
pub const CHINESE: Words = Words {
    incoming_call: "来电",
    incoming_video_call: "视频来电",
    answer: "接听",
    decline: "拒绝",
    open: "打开 Peal",
    quit: "退出",
    cannot_start: "Peal 无法启动",
};

impl Words {
    /// The words of a language as the settings hold it: `en`, `zh-CN`, or `system`.
    pub fn of(language: &str) -> &'static Self {
        if language == "system" {
            Self::of_locale(&sys_locale::get_locale().unwrap_or_default())
        } else {
            Self::of_locale(language)
        }
    }

    /// The words of a locale such as `zh-Hans-CN` or `en_GB.UTF-8`; English for all that have none of their own.
    fn of_locale(locale: &str) -> &'static Self {
        let language = locale.split(['-', '_', '.']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("zh") { &CHINESE } else { &ENGLISH }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chinese_locale_reads_chinese_and_the_rest_english() {
        for locale in ["zh-CN", "zh_CN.UTF-8", "zh-Hans-CN", "zh"] {
            assert_eq!(Words::of_locale(locale), &CHINESE, "{locale}");
        }
        for locale in ["en", "en_GB.UTF-8", "de-DE", "C", "", "zhx"] {
            assert_eq!(Words::of_locale(locale), &ENGLISH, "{locale}");
        }
    }

    #[test]
    fn a_chosen_language_wins_over_the_systems() {
        assert_eq!(Words::of("zh-CN"), &CHINESE);
        assert_eq!(Words::of("en"), &ENGLISH);
    }
}
