//! Safety numbers: sixty digits that two people compare, over the telephone or side by side, to know that nobody
//! stands between their devices.

use peal_call::DeviceAddress;
use sha2::{Digest, Sha512};

use crate::DevicePublicKey;

/// Names the way a number is made; a later way has another name, so that its numbers never look like these.
const VERSION: &[u8] = b"peal safety number v1\n";
/// Hashes behind each half: a forger who searches a key whose number looks alike pays them for every try.
const ITERATIONS: usize = 5200;
/// Digits of one group, and groups of one half.
const GROUP_DIGITS: usize = 5;
const GROUPS: usize = 6;

/// The safety number of two devices: twelve groups of five digits, the same on both sides whoever asks.
///
/// Made as Signal's numeric fingerprint is (5200 rounds of SHA-512 over version, key and address for each device; of
/// the result five bytes per group, modulo 100000; the smaller half first), with a version of our own.
pub fn safety_number(
    mine: &DevicePublicKey,
    me: &DeviceAddress,
    theirs: &DevicePublicKey,
    them: &DeviceAddress,
) -> String {
    let mut halves = [half(mine, me), half(theirs, them)];
    halves.sort();
    halves.join(" ")
}

/// The thirty digits of one device.
fn half(key: &DevicePublicKey, address: &DeviceAddress) -> String {
    let key = key.to_bytes();
    let mut hash = Sha512::new()
        .chain_update(VERSION)
        .chain_update(key)
        .chain_update(address.to_string())
        .chain_update(key)
        .finalize();
    for _ in 1..ITERATIONS {
        hash = Sha512::new().chain_update(hash).chain_update(key).finalize();
    }
    let group = |bytes: &[u8]| {
        let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        format!("{:0GROUP_DIGITS$}", number % 10_u64.pow(GROUP_DIGITS as u32))
    };
    hash.chunks(5).take(GROUPS).map(group).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::address;

    fn device(user: &str, device: &str, byte: u8) -> (DevicePublicKey, DeviceAddress) {
        (DevicePublicKey::from_bytes([byte; 32]).expect("a key"), address(user, device).expect("names"))
    }

    fn number(one: &(DevicePublicKey, DeviceAddress), other: &(DevicePublicKey, DeviceAddress)) -> String {
        safety_number(&one.0, &one.1, &other.0, &other.1)
    }

    /// Made by a few lines of another language from the description alone.
    #[test]
    fn numbers_are_those_of_the_description() {
        let (ann, bob) = (device("ann", "desk", 0x11), device("bob", "phone", 0x22));
        let carol = device("carol@example.com", "front-gate.2", 0x7e);
        assert_eq!(number(&ann, &bob), "29674 39951 55675 80846 59724 52469 75333 37957 47930 00981 30338 94920");
        assert_eq!(number(&bob, &carol), "29674 39951 55675 80846 59724 52469 54985 82875 55955 73802 30542 62419");
        assert_eq!(number(&carol, &ann), "54985 82875 55955 73802 30542 62419 75333 37957 47930 00981 30338 94920");
    }

    #[test]
    fn both_sides_read_the_same_number() {
        let (ann, bob) = (device("ann", "desk", 0x11), device("bob", "phone", 0x22));
        let read = number(&ann, &bob);
        assert_eq!(read, number(&bob, &ann));
        let groups: Vec<&str> = read.split(' ').collect();
        assert_eq!(groups.len(), 12);
        assert!(groups.iter().all(|group| group.len() == 5 && group.bytes().all(|b| b.is_ascii_digit())), "{read}");
    }

    #[test]
    fn another_key_or_another_address_is_another_number() {
        let (ann, bob) = (device("ann", "desk", 0x11), device("bob", "phone", 0x22));
        let mut seen = vec![number(&ann, &bob)];
        for other in [
            device("bob", "phone", 0x23),
            device("bob", "phon", 0x22),
            device("bobp", "hone", 0x22),
            device("ann", "desk", 0x22),
        ] {
            let read = number(&ann, &other);
            assert!(!seen.contains(&read));
            seen.push(read);
        }
    }
}
