//! A small stand-in for the crate `crc-fast`, with the part of its API that the AWS SDK's checksums
//! use.
//!
//! Why: the original carries over 700 kB of look-up tables for twenty algorithms into each Lambda
//! package, where they can't be compressed; of 4 MB that is a sixth. It is made for gigabytes a
//! second; a gate sends two reports and reads one suite. The work is done by the crate `crc`, with
//! tables of one or two kB. It must never be published.

use crc::{CRC_32_ISCSI, CRC_32_ISO_HDLC, CRC_64_NVME, Crc, Table};

static ISO_HDLC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);
static ISCSI: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISCSI);
static NVME: Crc<u64, Table<1>> = Crc::<u64, Table<1>>::new(&CRC_64_NVME);

/// The algorithms that S3 knows.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrcAlgorithm {
    /// CRC-32, as in zip and Ethernet.
    Crc32IsoHdlc,
    /// CRC-32C.
    Crc32Iscsi,
    /// CRC-64/NVME.
    Crc64Nvme,
}

/// A checksum that is being made.
pub struct Digest(Inner);

enum Inner {
    Short(crc::Digest<'static, u32, Table<1>>),
    Long(crc::Digest<'static, u64, Table<1>>),
}

impl Digest {
    /// Starts a checksum.
    pub fn new(algorithm: CrcAlgorithm) -> Self {
        Self(match algorithm {
            CrcAlgorithm::Crc32IsoHdlc => Inner::Short(ISO_HDLC.digest()),
            CrcAlgorithm::Crc32Iscsi => Inner::Short(ISCSI.digest()),
            CrcAlgorithm::Crc64Nvme => Inner::Long(NVME.digest()),
        })
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Inner::Short(digest) => digest.update(bytes),
            Inner::Long(digest) => digest.update(bytes),
        }
    }

    /// The checksum of all bytes so far; the digest can go on.
    pub fn finalize(&self) -> u64 {
        match &self.0 {
            Inner::Short(digest) => u64::from(digest.clone().finalize()),
            Inner::Long(digest) => digest.clone().finalize(),
        }
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({:x})", self.finalize())
    }
}

/// The checksum of `bytes`.
pub fn checksum(algorithm: CrcAlgorithm, bytes: &[u8]) -> u64 {
    let mut digest = Digest::new(algorithm);
    digest.update(bytes);
    digest.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [CrcAlgorithm; 3] = [
        CrcAlgorithm::Crc32IsoHdlc,
        CrcAlgorithm::Crc32Iscsi,
        CrcAlgorithm::Crc64Nvme,
    ];

    /// The catalogue's check values: <https://reveng.sourceforge.io/crc-catalogue/all.htm>
    #[test]
    fn check_values_are_those_of_the_catalogue() {
        let sums = ALL.map(|algorithm| checksum(algorithm, b"123456789"));
        assert_eq!(sums, [0xcbf4_3926, 0xe306_9283, 0xae8b_1486_0a79_9888]);
    }

    proptest! {
        #[test]
        fn pieces_give_the_checksum_of_the_whole(bytes: Vec<u8>, at: prop::sample::Index) {
            let at = at.index(bytes.len() + 1);
            for algorithm in ALL {
                let mut digest = Digest::new(algorithm);
                digest.update(&bytes[..at]);
                digest.update(&bytes[at..]);
                prop_assert_eq!(digest.finalize(), checksum(algorithm, &bytes));
            }
        }
    }
}
