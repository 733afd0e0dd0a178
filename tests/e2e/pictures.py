"""Pictures of pages, compared with those that are kept.

Machines draw the same letters a little differently: smoother, bolder, a pixel further. So pictures are not compared
by pixels. Both are cut into squares of eight pixels; of each square the mean of red, green and blue is taken, where
such differences are small; and a square is another one if some mean is off by more than `MEAN_OFF` of 255. Pictures
are the same if they have the same size and at most `SHARE_OFF` of their squares are others. Chromium itself computes
that, as it reads PNG and has a canvas."""

import base64
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from browser import program
from playwright.sync_api import Browser, Page, sync_playwright

SQUARE = 8
MEAN_OFF = 40
SHARE_OFF = 0.0005

# The font that Debian's Chromium comes with: another one would break lines elsewhere.
FONTS = """
*, *::before, *::after { font-family: "DejaVu Sans" !important; }
pre, .request, .value, .cell, .target td { font-family: "DejaVu Sans Mono" !important; }
"""

COMPARE = """async ([one, other, size]) => {
    const squares = async (png) => {
        const image = new Image();
        image.src = 'data:image/png;base64,' + png;
        await image.decode();
        const [width, height] = [image.width, image.height];
        const context = new OffscreenCanvas(width, height).getContext('2d');
        context.drawImage(image, 0, 0);
        const pixels = context.getImageData(0, 0, width, height).data;
        const [columns, rows] = [Math.ceil(width / size), Math.ceil(height / size)];
        const [sums, counts] = [new Float64Array(columns * rows * 3), new Uint32Array(columns * rows)];
        for (let y = 0; y < height; y++) {
            for (let x = 0; x < width; x++) {
                const square = Math.floor(y / size) * columns + Math.floor(x / size);
                counts[square]++;
                for (let c = 0; c < 3; c++) sums[square * 3 + c] += pixels[(y * width + x) * 4 + c];
            }
        }
        return { width, height, columns, means: sums.map((sum, at) => sum / counts[Math.floor(at / 3)]) };
    };
    const [a, b] = [await squares(one), await squares(other)];
    const sizes = [[a.width, a.height], [b.width, b.height]];
    if (a.width !== b.width || a.height !== b.height) return { sizes, off: [], squares: 1 };
    const found = [];
    for (let square = 0; square < a.means.length / 3; square++) {
        let off = 0;
        for (let c = 0; c < 3; c++) off = Math.max(off, Math.abs(a.means[square * 3 + c] - b.means[square * 3 + c]));
        found.push({ off, x: (square % a.columns) * size, y: Math.floor(square / a.columns) * size });
    }
    return { sizes, off: found, squares: found.length };
}"""


# The colours that a picture has most of; every pixel as the number of the one that is nearest to its own.
REDUCE = """async (png) => {
    const image = new Image();
    image.src = 'data:image/png;base64,' + png;
    await image.decode();
    const [width, height] = [image.width, image.height];
    const context = new OffscreenCanvas(width, height).getContext('2d');
    context.drawImage(image, 0, 0);
    const colours = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
    const counts = new Map();
    for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1);
    const palette = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, 256).map((entry) => entry[0]);
    const parts = (colour) => [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255];
    const known = palette.map(parts);
    const numbers = new Map();
    const number = (colour) => {
        const [red, green, blue] = parts(colour);
        let [best, least] = [0, Infinity];
        known.forEach(([r, g, b], at) => {
            const off = (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2;
            if (off < least) [best, least] = [at, off];
        });
        return best;
    };
    for (const colour of counts.keys()) numbers.set(colour, number(colour));
    let text = '';
    for (const colour of colours) text += String.fromCharCode(numbers.get(colour));
    return { width, height, palette: known, pixels: btoa(text) };
}"""


@dataclass(frozen=True)
class Difference:
    """How two pictures differ."""

    sizes: tuple[tuple[int, int], tuple[int, int]]
    share: float
    # The squares that differ most: where, and by how much.
    worst: list[str]

    @property
    def is_the_same(self) -> bool:
        return self.sizes[0] == self.sizes[1] and self.share <= SHARE_OFF

    def __str__(self) -> str:
        if self.sizes[0] != self.sizes[1]:
            return f"its size is {self.sizes[1]}, and {self.sizes[0]} was kept"
        return (
            f"{self.share:.3%} of its squares differ (at most {SHARE_OFF:.3%} may); the worst: {'; '.join(self.worst)}"
        )


@contextmanager
def photographer() -> Iterator[Browser]:
    """A browser that draws as far as possible alike everywhere."""
    drawing = ("--font-render-hinting=none", "--disable-lcd-text", "--force-color-profile=srgb", "--hide-scrollbars")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=["--no-sandbox", *drawing])
        try:
            yield browser
        finally:
            browser.close()


def photographed(browser: Browser, html: str, width: int, scheme: str, style: str = "") -> bytes:
    """The whole page as PNG, so wide, with a colour scheme `light` or `dark`."""
    with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.set_content(html)
        page.add_style_tag(content=FONTS + style)
        overflowing = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflowing <= 0, f"at {width} pixels the page is {overflowing} too wide"
        return page.screenshot(full_page=True)


def compared(browser: Browser, kept: bytes, taken: bytes) -> Difference:
    """How the picture that was taken differs from the one that was kept."""
    page: Page = browser.new_page()
    try:
        texts = [base64.b64encode(png).decode() for png in (kept, taken)]
        found = page.evaluate(COMPARE, [*texts, SQUARE])
    finally:
        page.close()
    off = sorted((one for one in found["off"] if one["off"] > MEAN_OFF), key=lambda one: -one["off"])
    worst = [f"at {one['x']},{one['y']} by {one['off']:.0f}" for one in off[:3]]
    kept_size, size = found["sizes"]
    return Difference((tuple(kept_size), tuple(size)), len(off) / found["squares"], worst)


def reduced(browser: Browser, png: bytes) -> bytes:
    """The same picture in at most 256 colours, which is a third of the bytes."""
    page: Page = browser.new_page()
    try:
        found = page.evaluate(REDUCE, base64.b64encode(png).decode())
    finally:
        page.close()
    width, height, pixels = found["width"], found["height"], base64.b64decode(found["pixels"])
    # Each row begins with its filter: none.
    rows = b"".join(b"\0" + pixels[at : at + width] for at in range(0, width * height, width))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", bytes(part for colour in found["palette"] for part in colour)),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def save(path: Path, png: bytes) -> None:
    """Writes a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png)
