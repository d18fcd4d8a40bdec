//! The pointer over a screen.

/// Where the pointer is, and how it looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointer {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) width: usize,
    pub(super) height: usize,
    /// Premultiplied, blue in the lowest byte, alpha in the highest.
    pub(super) pixels: Vec<u32>,
}

impl Pointer {
    /// Draws it over a picture of four bytes for a pixel.
    pub(super) fn draw(&self, pixels: &mut [u8], width: usize, height: usize) {
        for (row, line) in self.pixels.chunks_exact(self.width.max(1)).enumerate() {
            let Some(y) = usize::try_from(self.top + row as i32).ok().filter(|y| *y < height) else {
                continue;
            };
            for (column, over) in line.iter().enumerate() {
                let Some(x) = usize::try_from(self.left + column as i32).ok().filter(|x| *x < width) else {
                    continue;
                };
                let over = over.to_le_bytes();
                let left = 255 - u32::from(over[3]);
                for (under, over) in pixels[(y * width + x) * 4..][..3].iter_mut().zip(over) {
                    *under = (u32::from(over) + u32::from(*under) * left / 255).min(255) as u8;
                }
            }
        }
    }
}
