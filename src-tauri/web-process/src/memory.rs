//! Memory that one process writes a picture to, and another reads it from.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use rustix::fs::{MemfdFlags, memfd_create};

use crate::LONGEST;

/// What the system calls it.
const NAME: &str = "peal-picture";

/// Memory without a name in any file system, for as long as this lives.
#[derive(Debug)]
pub struct Memory {
    file: File,
    length: usize,
}

impl Memory {
    /// So many bytes of zeros, at most [`LONGEST`].
    ///
    /// # Errors
    /// What the system says; `InvalidInput` of a length that is not allowed.
    pub fn new(length: usize) -> io::Result<Self> {
        if length == 0 || length > LONGEST {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let file = File::from(memfd_create(NAME, MemfdFlags::CLOEXEC)?);
        file.set_len(length as u64)?;
        Ok(Self { file, length })
    }

    /// Bytes.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Where another process of the same person finds it.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd())
    }

    /// Puts these bytes at its beginning.
    ///
    /// # Errors
    /// `InvalidInput` if there are more of them than it has room for; what the system says.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > self.length {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.file.write_all_at(bytes, 0)
    }
}

/// Fills `into` from the beginning of the memory that [`Memory::path`] named. Nothing else is read, whatever the path says: it
/// may come from a page.
///
/// # Errors
/// `InvalidInput` if no such memory is there; `UnexpectedEof` if it is shorter; what the system says.
pub fn read(path: &str, into: &mut [u8]) -> io::Result<()> {
    // What a descriptor leads to: memory is said to have been deleted, for it never had a name.
    let leads_to = fs::read_link(path)?;
    if leads_to != Path::new(&format!("/memfd:{NAME} (deleted)")) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    File::open(path)?.read_exact_at(into, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_last_is_read_and_no_more_fits() {
        let memory = Memory::new(8).unwrap();
        let mut seen = [0; 4];
        read(&memory.path(), &mut seen).unwrap();
        assert_eq!(&seen, b"\0\0\0\0");
        memory.write(b"a").unwrap();
        memory.write(b"picture").unwrap();
        read(&memory.path(), &mut seen).unwrap();
        assert_eq!(&seen, b"pict");
        assert!(memory.write(b"a picture").is_err());
        assert_eq!(memory.length(), 8);
        assert_eq!(read(&memory.path(), &mut [0; 9]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn no_memory_and_too_much_of_it_are_refused() {
        for length in [0, LONGEST + 1, usize::MAX] {
            assert_eq!(Memory::new(length).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn nothing_but_such_memory_is_read() {
        let place = tempfile::tempdir().unwrap();
        let (secret, link) = (place.path().join("secret"), place.path().join("link"));
        fs::write(&secret, "secret").unwrap();
        std::os::unix::fs::symlink(&secret, &link).unwrap();
        let open = File::open(&secret).unwrap();
        let descriptor = format!("/proc/self/fd/{}", open.as_raw_fd());
        let other = File::from(memfd_create("other", MemfdFlags::CLOEXEC).unwrap());
        let other_memory = format!("/proc/self/fd/{}", other.as_raw_fd());
        let gone = { Memory::new(8).unwrap().path() };
        for path in
            [secret.to_str().unwrap(), link.to_str().unwrap(), &descriptor, &other_memory, &gone, "", "/etc/passwd"]
        {
            let mut into = [1; 4];
            assert!(read(path, &mut into).is_err(), "{path}");
            assert_eq!(into, [1; 4], "{path}");
        }
    }
}
