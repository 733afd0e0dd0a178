// How well text stands out from what is behind it, by WCAG 2.2, 1.4.3. What can't be computed is left out: nothing is guessed.
(() => {
  'use strict';
  const { deployHooks } = globalThis;
  if (deployHooks.contrast) return;
  const { clean, describe, isVisible, roots } = deployHooks.tools;

  const MAX_ELEMENTS = 20000;
  const MAX_PAIRS = 50;
  const MEDIA = 'img, picture, video, canvas, svg, iframe, frame, object, embed, input[type=image]';
  const UNDRAWN = 'script, style, noscript, template, title, textarea, select, option, svg, svg *';
  const FIELDS = 'input:not([type=hidden], [type=checkbox], [type=radio], [type=range], [type=color], [type=file], [type=image], '
    + '[type=password]), textarea, select';

  const parsed = new Map();
  // Red, green and blue of 255, and alpha; null of what is written in another way.
  const parse = written => {
    if (parsed.has(written)) return parsed.get(written);
    const number = '([\\d.e+-]+)';
    const legacy = written.match(new RegExp(`^rgba?\\(${number}, ${number}, ${number}(?:, ${number})?\\)$`));
    const srgb = written.match(new RegExp(`^color\\(srgb ${number} ${number} ${number}(?: / ${number})?\\)$`));
    const [, ...parts] = legacy ?? srgb ?? [null];
    const [red, green, blue] = parts.map(part => Number(part) * (srgb ? 255 : 1));
    const colour = legacy || srgb ? { rgb: [red, green, blue], alpha: parts[3] === undefined ? 1 : Number(parts[3]) } : null;
    const isOne = colour !== null && [...colour.rgb, colour.alpha].every(Number.isFinite);
    parsed.set(written, isOne ? colour : null);
    return parsed.get(written);
  };

  const luminance = rgb => {
    const [red, green, blue] = rgb.map(channel => {
      const value = Math.min(1, Math.max(0, channel / 255));
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };

  const ratioOf = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };

  const hex = rgb => `#${rgb.map(channel => Math.round(channel).toString(16).padStart(2, '0')).join('')}`;

  const above = node => {
    const parent = node.assignedSlot ?? node.parentNode;
    return parent instanceof ShadowRoot ? parent.host : parent;
  };

  // Itself, and what it is in, as it is drawn.
  const lineOf = element => {
    const line = [];
    for (let node = element; node instanceof Element; node = above(node)) line.push(node);
    return line;
  };

  // What makes colours others than they are said to be.
  const isBlended = style => Number(style.opacity) < 1 || style.filter !== 'none' || style.mixBlendMode !== 'normal'
    || (style.backdropFilter ?? 'none') !== 'none' || (style.maskImage ?? style.webkitMaskImage ?? 'none') !== 'none';

  const boxIn = box => ({
    left: box.left + scrollX, right: box.right + scrollX, top: box.top + scrollY, bottom: box.bottom + scrollY,
  });
  const meets = (one, other) => one.left < other.right - 1 && other.left < one.right - 1
    && one.top < other.bottom - 1 && other.top < one.bottom - 1;
  const holds = (outer, inner) => outer.left <= inner.left + 1 && outer.right >= inner.right - 1
    && outer.top <= inner.top + 1 && outer.bottom >= inner.bottom - 1;

  // Text that is there for assistive technology only.
  const isClipped = (line, boxes) => line.some(element => {
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const isCut = style.overflowX !== 'visible'
      && (box.width <= 1 || box.height <= 1 || !boxes.some(one => meets(one, boxIn(box))));
    return isCut || style.clip.startsWith('rect(') || style.clipPath !== 'none';
  });

  // What a style sheet draws before or after what is in an element, wherever that is.
  const isDrawnUpon = element => ['::before', '::after'].some(pseudo => {
    const style = getComputedStyle(element, pseudo);
    if (style.content === 'none' || style.content === 'normal') return false;
    return style.backgroundImage !== 'none' || parse(style.backgroundColor)?.alpha !== 0;
  });

  // What is in a closed shadow root is not seen from here.
  const mayBeClosed = element => element.localName.includes('-') && !element.shadowRoot;

  // What an element has of those it is in, found once for each of them: nothing changes while this runs.
  const inherited = (of, outermost) => {
    const known = new Map();
    return element => {
      const line = [];
      let node = element;
      while (node instanceof Element && !known.has(node)) {
        line.push(node);
        node = above(node);
      }
      let value = node instanceof Element ? known.get(node) : outermost;
      for (const one of line.reverse()) {
        value = of(one, value);
        known.set(one, value);
      }
      return value;
    };
  };

  const canvas = () => {
    const { colorScheme } = getComputedStyle(document.documentElement);
    const isLight = colorScheme === 'normal' || colorScheme.startsWith('light') || colorScheme.startsWith('only light');
    return isLight ? { rgb: [255, 255, 255], element: null } : null;
  };

  const looks = () => {
    const isInBlended = inherited((element, outer) => outer || isBlended(getComputedStyle(element)), false);
    // The nearest colour that lets nothing through, with whose it is; null where it can't be known.
    const behind = inherited((element, outer) => {
      const style = getComputedStyle(element);
      if (isBlended(style) || style.backgroundImage !== 'none') return null;
      const colour = parse(style.backgroundColor);
      if (!colour || (colour.alpha > 0 && colour.alpha < 1)) return null;
      if (colour.alpha === 0) return outer;
      // The blending of all that is around it changes both.
      return isInBlended(above(element)) ? null : { rgb: colour.rgb, element };
    }, canvas());
    const isOff = inherited((element, outer) => outer
      || element.matches(':disabled, [aria-disabled=true], [aria-hidden=true], [inert]'), false);
    const isExempt = element => isOff(element) || Boolean(element.closest('label')?.control?.disabled);
    return { behind, isExempt };
  };

  // Everything that paints something of its own.
  const painted = all => {
    const found = [];
    for (const element of all) {
      const style = getComputedStyle(element);
      const colour = parse(style.backgroundColor);
      const paints = element.matches(MEDIA) || style.backgroundImage !== 'none' || !colour || colour.alpha > 0
        || isDrawnUpon(element);
      if (!paints || !isVisible(element)) continue;
      found.push({ element, boxes: [...element.getClientRects()].map(boxIn) });
    }
    return found;
  };

  // What is written, where, and in which colour.
  const written = (root, found) => {
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    while (texts.nextNode()) {
      const node = texts.currentNode;
      const element = node.parentElement ?? root.host;
      // A separator is decoration.
      if (!element || !/[\p{L}\p{N}]/u.test(clean(node.data)) || element.matches(UNDRAWN)) continue;
      range.selectNodeContents(node);
      found.push({ element, boxes: [...range.getClientRects()], pseudo: null });
    }
    for (const element of root.querySelectorAll(FIELDS)) {
      const isEmpty = clean(element.value) === '';
      if (isEmpty && !clean(element.placeholder)) continue;
      found.push({ element, boxes: [element.getBoundingClientRect()], pseudo: isEmpty ? '::placeholder' : null });
    }
  };

  deployHooks.contrast = () => {
    const all = [];
    const parts = roots();
    for (const root of parts) all.push(...root.querySelectorAll('*'));
    if (all.length > MAX_ELEMENTS) return { complete: false, low: [] };
    const texts = [];
    for (const root of parts) written(root, texts);
    const { behind, isExempt } = looks();
    let paints = null;
    const pairs = new Map();
    let complete = true;
    for (const { element, boxes: drawn, pseudo } of texts) {
      const boxes = drawn.filter(box => box.width > 0 && box.height > 0).map(boxIn);
      const isOnPage = boxes.some(box => box.right > 0 && box.bottom > 0);
      if (!isOnPage || !isVisible(element)) continue;
      const style = getComputedStyle(element, pseudo);
      if (isExempt(element)) continue;
      const isDecorated = style.textShadow !== 'none' || parseFloat(style.webkitTextStrokeWidth) > 0;
      const colour = parse(style.webkitTextFillColor);
      if (isDecorated || !colour || colour.alpha < 1 || Number(style.opacity) < 1) continue;
      const back = behind(element);
      if (!back) continue;
      const size = parseFloat(style.fontSize);
      const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
      const ratio = ratioOf(colour.rgb, back.rgb);
      if (ratio >= needed) continue;
      const line = lineOf(element);
      if (isClipped(line, boxes) || line.some(one => mayBeClosed(one) || isDrawnUpon(one))) continue;
      const isAround = back.element && !back.element.matches('html, body');
      const outer = isAround ? boxIn(back.element.getBoundingClientRect()) : null;
      if (outer && !boxes.every(box => holds(outer, box))) continue;
      // Something else may lie between.
      paints ??= painted(all);
      const isBetween = paints.some(paint => !line.includes(paint.element)
        && paint.boxes.some(one => boxes.some(box => meets(one, box))));
      if (isBetween) continue;
      const key = `${hex(colour.rgb)} ${hex(back.rgb)} ${needed}`;
      const known = pairs.get(key);
      if (known) {
        known.count += 1;
      } else if (pairs.size < MAX_PAIRS) {
        pairs.set(key, {
          what: describe(element), ratio: Math.floor(ratio * 100) / 100, needed, colour: hex(colour.rgb), background: hex(back.rgb), count: 1,
        });
      } else {
        complete = false;
      }
    }
    return { complete, low: [...pairs.values()] };
  };
})();
