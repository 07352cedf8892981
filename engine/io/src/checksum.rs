//! The internet checksum (RFC 1071). It is summed in native byte order; the result does not depend on that order.

/// A running one's-complement sum. Every part but the last must have an even length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum(u64);

impl Sum {
    /// Adds the bytes. A 64-bit sum holds the words of 2¹⁸ parts of 64 KiB without overflow.
    #[must_use]
    pub fn bytes(self, part: &[u8]) -> Self {
        let mut total = self.0;
        let words = part.chunks_exact(4);
        let tail = words.remainder();
        for word in words {
            total += u64::from(u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
        }
        let mut last = [0; 4];
        last[..tail.len()].copy_from_slice(tail);
        Self(total + u64::from(u32::from_ne_bytes(last)))
    }

    /// Adds the TCP or UDP pseudo-header. `addresses` are the address bytes of the IP header (8 or 32 bytes); `l4_len`
    /// ≤ 65,535.
    #[must_use]
    pub fn pseudo_header(self, addresses: &[u8], protocol: u8, l4_len: usize) -> Self {
        let [high, low] = (l4_len as u16).to_be_bytes();
        self.bytes(addresses).bytes(&[0, protocol, high, low])
    }

    /// The sum folded to 16 bits, as a header with a *partial* checksum contains it.
    pub fn partial(self) -> [u8; 2] {
        let mut total = self.0;
        while total > 0xffff {
            total = (total & 0xffff) + (total >> 16);
        }
        (total as u16).to_ne_bytes()
    }

    /// The finished checksum: the complement of the folded sum.
    pub fn finish(self) -> [u8; 2] {
        let [a, b] = self.partial();
        [!a, !b]
    }

    /// Like [`Sum::finish`], but sends 0 as FFFF: in UDP, 0 means that there is no checksum; elsewhere both values mean
    /// the same.
    pub fn finish_nonzero(self) -> [u8; 2] {
        match self.finish() {
            [0, 0] => [0xff, 0xff],
            done => done,
        }
    }

    /// True if the summed bytes included a correct checksum.
    pub fn is_valid(self) -> bool {
        self.partial() == [0xff, 0xff]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 1071, section 4.1, word by word.
    fn plain(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }

    #[test]
    fn the_example_of_rfc_1071() {
        let sum = Sum::default().bytes(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.partial(), [0xdd, 0xf2]);
        assert_eq!(sum.finish(), [0x22, 0x0d]);
    }

    #[test]
    fn zero_is_sent_as_ffff_where_zero_means_none() {
        let sum = Sum::default().bytes(&[0xff, 0xff]);
        assert_eq!((sum.finish(), sum.finish_nonzero()), ([0, 0], [0xff, 0xff]));
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_plain_form(bytes in proptest::collection::vec(any::<u8>(), 0..3000), cut in 0usize..3000) {
            let cut = cut.min(bytes.len()) & !1;
            let sum = Sum::default().bytes(&bytes[..cut]).bytes(&bytes[cut..]);
            prop_assert_eq!(u16::from_be_bytes(sum.finish()), plain(&bytes));
        }
    }
}
