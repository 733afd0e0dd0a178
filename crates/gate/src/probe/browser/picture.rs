//! Two pictures of a page, compared as people see them: by the mean colour of small squares, so that letters may be drawn
//! otherwise, but no colour and no place be another. Pure.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

/// The side of a square, in pixels.
const SQUARE_PIXELS: usize = 8;
/// By how much two squares may differ in a channel, of 255.
const COLOUR_TOLERANCE: u32 = 12;
/// What is read of a picture, in pixels. The largest screen of a suite has as many.
const MAX_PIXELS: usize = 3_840 * 3_840;

/// A picture, as red, green and blue of each pixel.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

/// How much of two pictures differs, in percent.
pub(super) fn difference(one: &Picture, other: &Picture) -> f64 {
    let width = one.width.max(other.width).div_ceil(SQUARE_PIXELS);
    let height = one.height.max(other.height).div_ceil(SQUARE_PIXELS);
    let mut differing = 0_u32;
    for y in 0..height {
        for x in 0..width {
            differing += u32::from(!is_same(one.mean(x, y), other.mean(x, y)));
        }
    }
    let all = u32::try_from(width * height).unwrap_or(u32::MAX).max(1);
    f64::from(differing) * 100.0 / f64::from(all)
}

fn is_same(one: Option<[u32; 3]>, other: Option<[u32; 3]>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one
            .iter()
            .zip(other)
            .all(|(one, other)| one.abs_diff(other) <= COLOUR_TOLERANCE),
        (one, other) => one == other,
    }
}

impl Picture {
    /// Reads a PNG as browsers write them: eight bits a channel, not interlaced. None of any other.
    pub(super) fn read(png: &[u8]) -> Option<Self> {
        let mut rest = png.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
        let mut head = None;
        let mut packed = Vec::new();
        while let Some((length, after)) = rest.split_at_checked(4) {
            let length = usize::try_from(u32::from_be_bytes(length.try_into().ok()?)).ok()?;
            let (kind, after) = after.split_at_checked(4)?;
            let (data, after) = after.split_at_checked(length)?;
            match kind {
                b"IHDR" => head = Some(data),
                b"IDAT" => packed.extend_from_slice(data),
                b"IEND" => break,
                _ => {}
            }
            rest = after.get(4..)?;
        }
        let head = head?;
        let number = |at: usize| {
            let bytes = head.get(at..at + 4)?.try_into().ok()?;
            usize::try_from(u32::from_be_bytes(bytes)).ok()
        };
        let (width, height) = (number(0)?, number(4)?);
        let channels = match head.get(8..13)? {
            [8, 2, 0, 0, 0] => 3,
            [8, 6, 0, 0, 0] => 4,
            _ => return None,
        };
        if width == 0 || height == 0 || width.checked_mul(height)? > MAX_PIXELS {
            return None;
        }
        let line = width * channels;
        let mut lines = Vec::with_capacity((line + 1) * height);
        let unpacking = ZlibDecoder::new(packed.as_slice());
        let all = u64::try_from((line + 1) * height).ok()?;
        unpacking.take(all).read_to_end(&mut lines).ok()?;
        unfiltered(&lines, (width, height), channels)
    }

    /// The mean of a square; none beyond the picture.
    fn mean(&self, x: usize, y: usize) -> Option<[u32; 3]> {
        let (left, top) = (x * SQUARE_PIXELS, y * SQUARE_PIXELS);
        if left >= self.width || top >= self.height {
            return None;
        }
        let (right, bottom) = (
            (left + SQUARE_PIXELS).min(self.width),
            (top + SQUARE_PIXELS).min(self.height),
        );
        let mut sums = [0_u32; 3];
        for row in top..bottom {
            let from = (row * self.width + left) * 3;
            let to = (row * self.width + right) * 3;
            for pixel in self.rgb.get(from..to)?.chunks_exact(3) {
                for (sum, channel) in sums.iter_mut().zip(pixel) {
                    *sum += u32::from(*channel);
                }
            }
        }
        let count = u32::try_from((right - left) * (bottom - top)).ok()?;
        Some(sums.map(|sum| sum / count))
    }
}

/// <https://www.w3.org/TR/png-3/#9Filters>
fn unfiltered(lines: &[u8], (width, height): (usize, usize), channels: usize) -> Option<Picture> {
    let length = width * channels;
    let mut above = vec![0_u8; length];
    let mut rgb = Vec::with_capacity(width * height * 3);
    for line in lines.chunks_exact(length + 1) {
        let (filter, line) = line.split_first()?;
        let mut current = line.to_vec();
        for at in 0..length {
            let left = if at >= channels {
                current[at - channels]
            } else {
                0
            };
            let upper_left = if at >= channels {
                above[at - channels]
            } else {
                0
            };
            let added = match filter {
                0 => 0,
                1 => left,
                2 => above[at],
                3 => u8::try_from(u16::midpoint(u16::from(left), u16::from(above[at]))).ok()?,
                4 => paeth(left, above[at], upper_left),
                _ => return None,
            };
            current[at] = current[at].wrapping_add(added);
        }
        for pixel in current.chunks_exact(channels) {
            rgb.extend_from_slice(&pixel[..3]);
        }
        above = current;
    }
    (rgb.len() == width * height * 3).then_some(Picture { width, height, rgb })
}

fn paeth(left: u8, above: u8, upper_left: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(above), i16::from(upper_left));
    let estimate = a + b - c;
    let (to_a, to_b, to_c) = (
        (estimate - a).abs(),
        (estimate - b).abs(),
        (estimate - c).abs(),
    );
    if to_a <= to_b && to_a <= to_c {
        left
    } else if to_b <= to_c {
        above
    } else {
        upper_left
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    /// A PNG of these lines, each with its filter.
    fn png(width: u32, height: u32, kind: u8, lines: &[u8]) -> Vec<u8> {
        let mut packer = ZlibEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(lines).unwrap();
        let data = packer.finish().unwrap();
        let mut head = width.to_be_bytes().to_vec();
        head.extend(height.to_be_bytes());
        head.extend([8, kind, 0, 0, 0]);
        let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
        for (name, data) in [(b"IHDR", head), (b"IDAT", data), (b"IEND", Vec::new())] {
            png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
            png.extend(name);
            png.extend(data);
            png.extend([0; 4]);
        }
        png
    }

    fn plain(width: u32, height: u32, colour: [u8; 3]) -> Picture {
        let line = [vec![0], colour.repeat(width as usize)].concat();
        let lines = line.repeat(height as usize);
        Picture::read(&png(width, height, 2, &lines)).unwrap()
    }

    #[test]
    fn a_picture_is_read_whatever_its_filters() {
        // Two pixels a line, in four channels: as they are, by the left, by what is above, by their mean, and by Paeth.
        let lines = [
            0, 10, 20, 30, 255, 40, 50, 60, 255, //
            1, 10, 20, 30, 255, 30, 30, 30, 0, //
            2, 0, 0, 0, 0, 0, 0, 0, 0, //
            3, 5, 10, 15, 128, 15, 15, 15, 0, //
            4, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        let picture = Picture::read(&png(2, 5, 6, &lines)).unwrap();
        assert_eq!(picture.rgb, [10, 20, 30, 40, 50, 60].repeat(5));
    }

    #[test]
    fn what_is_no_picture_is_none() {
        let good = png(1, 1, 2, &[0, 1, 2, 3]);
        assert!(Picture::read(&good).is_some());
        for cut in 0..good.len() - 16 {
            assert_eq!(Picture::read(&good[..cut]), None, "{cut}");
        }
        assert_eq!(Picture::read(&png(1, 1, 3, &[0, 1])), None);
        assert_eq!(Picture::read(&png(1, 1, 2, &[9, 1, 2, 3])), None);
        assert_eq!(Picture::read(&png(60_000, 60_000, 2, &[0])), None);
    }

    #[test]
    fn pictures_differ_by_squares() {
        let grey = plain(80, 40, [200, 200, 200]);
        assert!(difference(&grey, &plain(80, 40, [205, 195, 200])) < 0.01);
        assert!((difference(&grey, &plain(80, 40, [0, 200, 200])) - 100.0).abs() < 0.01);
        // A fifth more of the page.
        assert!((difference(&grey, &plain(80, 48, [200, 200, 200])) - 100.0 / 6.0).abs() < 0.01);
    }
}
