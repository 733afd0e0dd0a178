// What is asked of a page, in a world of its own: it shares the document with the page's scripts, and nothing else.
(() => {
  'use strict';
  if (globalThis.deployHooks) return;

  const MAX_MATCHES = 200;
  const clean = text => String(text ?? '').replace(/\s+/g, ' ').trim();
  const short = (text, length) => (text.length > length ? text.slice(0, length) + '…' : text);

  // How the page came to be, as https://web.dev/vitals has it.
  const vitals = { lcp: null, cls: 0, longTask: 0 };
  const observe = (type, take) => {
    try {
      new PerformanceObserver(list => list.getEntries().forEach(take)).observe({ type, buffered: true });
    } catch {
      // An older browser does not know it; then nothing is known of it.
    }
  };
  observe('largest-contentful-paint', entry => { vitals.lcp = entry.startTime; });
  observe('longtask', entry => { vitals.longTask = Math.max(vitals.longTask, entry.duration); });
  const shifts = { sum: 0, first: 0, last: 0 };
  observe('layout-shift', entry => {
    if (entry.hadRecentInput) return;
    const goesOn = entry.startTime - shifts.last < 1000 && entry.startTime - shifts.first < 5000;
    if (!goesOn || shifts.sum === 0) {
      shifts.sum = 0;
      shifts.first = entry.startTime;
    }
    shifts.sum += entry.value;
    shifts.last = entry.startTime;
    vitals.cls = Math.max(vitals.cls, shifts.sum);
  });

  const isVisible = element => {
    if (!element.isConnected) return false;
    if (!element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })) return false;
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0;
  };

  // How people would name it.
  const describe = element => {
    const id = element.id ? `#${element.id}` : '';
    const classes = [...element.classList].slice(0, 2).map(name => `.${name}`).join('');
    const label = element.getAttribute('aria-label') || (element.matches('input, textarea, select') ? '' : element.innerText);
    const text = short(clean(label), 60);
    return element.localName + id + classes + (text ? ` "${text}"` : '');
  };

  // What an element says by its text nodes. What its scripts and styles are made of, it does not say.
  const UNSAID = 'script, style, noscript, template';
  const contentOf = element => {
    const texts = document.createTreeWalker(element, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, node => (
      node.nodeType === Node.ELEMENT_NODE && node.matches(UNSAID) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT));
    let content = '';
    while (texts.nextNode()) if (texts.currentNode.nodeType === Node.TEXT_NODE) content += texts.currentNode.data;
    return content;
  };

  const textsOf = element => {
    if (element.matches('input[type=submit], input[type=button], input[type=reset]')) return [clean(element.value)];
    return [clean(element.innerText), clean(contentOf(element))];
  };

  const meets = (texts, wanted) => texts.some(text => (wanted.contains === undefined
    ? text === wanted.equals
    : text.includes(wanted.contains)));

  // The innermost elements whose whole text is meant.
  const byText = wanted => {
    const needle = wanted.contains ?? wanted.equals;
    const found = [];
    for (const element of document.querySelectorAll('body, body *')) {
      if (element.matches(UNSAID)) continue;
      const raw = element.matches('input') ? element.value : element.textContent;
      if (!clean(raw).toLowerCase().includes(needle.toLowerCase())) continue;
      if (meets(textsOf(element), wanted)) found.push(element);
    }
    return found.filter(element => !found.some(other => other !== element && element.contains(other)));
  };

  const frame = () => new Promise(resolve => {
    const late = setTimeout(() => resolve(false), 1000);
    requestAnimationFrame(() => {
      clearTimeout(late);
      resolve(true);
    });
  });

  const boxOf = element => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return [x, y, width, height].join();
  };

  // A point of the element that is on the screen: the middle of its largest piece.
  const pointOf = element => {
    const [width, height] = [innerWidth, innerHeight];
    const pieces = [...element.getClientRects()].map(box => ({
      left: Math.max(0, box.left), right: Math.min(width, box.right),
      top: Math.max(0, box.top), bottom: Math.min(height, box.bottom),
    }));
    const size = piece => Math.max(0, piece.right - piece.left) * Math.max(0, piece.bottom - piece.top);
    const largest = pieces.sort((one, other) => size(other) - size(one))[0];
    if (!largest || size(largest) < 1) return null;
    return { x: (largest.left + largest.right) / 2, y: (largest.top + largest.bottom) / 2 };
  };

  const elementAt = point => {
    let hit = document.elementFromPoint(point.x, point.y);
    while (hit?.shadowRoot) {
      const inner = hit.shadowRoot.elementFromPoint(point.x, point.y);
      if (!inner || inner === hit) break;
      hit = inner;
    }
    return hit;
  };

  const holds = (element, other) => {
    for (let node = other; node; node = node.assignedSlot ?? node.parentNode ?? node.host) {
      if (node === element) return true;
    }
    return false;
  };

  const receives = (element, hit) => {
    if (!hit) return false;
    if (holds(element, hit)) return true;
    // A click on a label is one on what it labels.
    const label = hit.closest?.('label');
    return label?.control === element;
  };

  // What a secret was typed into, wherever it is.
  const typed = new Set();
  let found = [];

  const MAX_COVERS = 500;
  let covering = null;
  // The document, and what is in the open shadows of it; and closed ones that somebody else has found.
  const roots = (closed = []) => {
    const all = [document, ...closed];
    for (const root of all) {
      for (const element of root.querySelectorAll('*')) if (element.shadowRoot) all.push(element.shadowRoot);
    }
    return all;
  };

  globalThis.deployHooks = {
    tools: { clean, describe, isVisible, roots },
    // How many elements there are, and how many of them people see. What is seen is kept for what follows.
    find(css, text) {
      let all;
      if (css === null) {
        all = byText(text);
      } else {
        try {
          all = [...document.querySelectorAll(css)];
        } catch {
          return { invalid: true, all: 0, seen: 0 };
        }
      }
      found = all.filter(isVisible);
      return { all: all.length, seen: found.length };
    },
    // The same for elements that somebody else has found.
    take(...elements) {
      const all = elements.map(node => (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement)).filter(Boolean);
      found = all.filter(isVisible);
      return { all: all.length, seen: found.length };
    },
    // What the seen ones are like.
    look(attribute) {
      return found.slice(0, MAX_MATCHES).map(element => {
        if (attribute !== null) return element.getAttribute(attribute);
        const field = element.matches('input:not([type=password]), textarea, select');
        if (element.matches('input[type=password]')) return '';
        return clean(field ? element.value : element.innerText);
      });
    },
    // A selector that finds the first of them alone.
    selector() {
      const [element] = found;
      if (!element?.isConnected) return null;
      const finds = css => {
        const all = document.querySelectorAll(css);
        return all.length === 1 && all[0] === element;
      };
      if (element.id && finds(`#${CSS.escape(element.id)}`)) return `#${CSS.escape(element.id)}`;
      const parts = [];
      for (let node = element; node && node !== document.documentElement; node = node.parentElement) {
        if (node.id && document.querySelectorAll(`#${CSS.escape(node.id)}`).length === 1) {
          parts.unshift(`#${CSS.escape(node.id)}`);
          break;
        }
        const kind = [...(node.parentElement?.children ?? [])].filter(other => other.localName === node.localName);
        parts.unshift(kind.length > 1 ? `${node.localName}:nth-of-type(${kind.indexOf(node) + 1})` : node.localName);
      }
      const css = parts.join(' > ');
      return finds(css) ? css : null;
    },
    scroll(down) {
      scrollBy({ top: (down ? 1 : -1) * innerHeight * 0.8, behavior: 'instant' });
      return true;
    },
    back() {
      history.back();
      return true;
    },
    names() {
      return found.slice(0, 5).map(describe);
    },
    // Where to click, once people could; or why they can't.
    async ready(editable, pressed) {
      const [element] = found;
      if (!element?.isConnected) return { why: 'gone' };
      element.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
      if (!isVisible(element)) return { why: 'hidden' };
      // What moves is missed by a press; a choice is made wherever the element is.
      if (pressed) {
        const before = boxOf(element);
        if (!await frame()) return { why: 'frozen' };
        if (!await frame()) return { why: 'frozen' };
        if (boxOf(element) !== before) return { why: 'moving' };
      }
      if (element.matches(':disabled') || element.closest('[aria-disabled=true]')) return { why: 'disabled' };
      if (editable && (element.readOnly || element.getAttribute('aria-readonly') === 'true')) return { why: 'readonly' };
      const takesText = element.matches('input, textarea') || element.isContentEditable;
      if (editable && !takesText) return { why: 'no-field', by: describe(element) };
      const point = pointOf(element);
      if (!point) return { why: 'offscreen' };
      const hit = elementAt(point);
      if (!receives(element, hit)) return { why: 'covered', by: hit ? describe(hit) : 'nothing' };
      return point;
    },
    // Marks what is in a field, so that typing replaces it.
    replace(isSecret) {
      const [element] = found;
      if (isSecret) typed.add(element);
      element.focus();
      if (element.select) element.select();
      else getSelection().selectAllChildren(element);
      const { activeElement } = element.getRootNode();
      return activeElement === element || element.contains(activeElement);
    },
    choose(option) {
      const [element] = found;
      if (!(element instanceof HTMLSelectElement)) return { why: 'no-select', by: describe(element) };
      const options = [...element.options];
      const match = options.filter(one => clean(one.label) === option);
      const chosen = match[0] ?? options.find(one => one.value === option);
      if (!chosen) return { why: 'no-option', by: options.slice(0, 10).map(one => clean(one.label)).join(', ') };
      if (chosen.disabled) return { why: 'disabled' };
      if (!element.multiple) element.value = chosen.value;
      chosen.selected = true;
      element.dispatchEvent(new Event('input', { bubbles: true, composed: true }));
      element.dispatchEvent(new Event('change', { bubbles: true }));
      return {};
    },
    page() {
      const [entry] = performance.getEntriesByType('navigation');
      return {
        url: location.href,
        title: document.title,
        text: short(document.body?.innerText ?? '', 512 * 1024),
        ready: document.readyState === 'complete',
        lang: document.documentElement?.lang ?? '',
        ttfb: entry ? entry.responseStart : null,
        ...vitals,
      };
    },
    // What is wider than the screen, if the page is.
    overflow(width) {
      const whole = document.scrollingElement?.scrollWidth ?? 0;
      if (whole <= width + 1) return null;
      let widest = null;
      let right = width + 1;
      for (const element of document.querySelectorAll('body *')) {
        const box = element.getBoundingClientRect();
        const end = box.right + scrollX;
        if (box.width > 0 && box.height > 0 && end > right + 1 && isVisible(element)) {
          right = end;
          widest = element;
        }
      }
      return { width: whole, by: widest ? describe(widest) : 'the page' };
    },
    // Where a screenshot must show nothing: secrets, and what a suite names. Nobody looks into frames of other processes, so
    // that these are covered as soon as there is anything to hide.
    masked(selectors, secrets, closed, frames) {
      const boxes = [];
      const width = Math.max(innerWidth, document.documentElement.clientWidth);
      const height = Math.max(innerHeight, document.documentElement.clientHeight);
      const add = box => {
        const isOnScreen = box.right > 0 && box.bottom > 0 && box.left < width && box.top < height;
        if (box.width > 0 && box.height > 0 && isOnScreen) boxes.push([box.x, box.y, box.width, box.height]);
      };
      const addAll = element => [...element.getClientRects()].forEach(add);
      const shown = new Set(typed);
      const shows = text => secrets.some(secret => text.includes(secret));
      const all = roots(closed);
      const range = document.createRange();
      if (secrets.length + selectors.length > 0) for (const frame of frames) shown.add(frame);
      for (const root of all) {
        for (const element of root.querySelectorAll('input, textarea, [contenteditable]')) {
          if (element.matches('input[type=password]') || shows(element.value ?? '') || shows(element.placeholder ?? '')) shown.add(element);
        }
        const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
        while (secrets.length > 0 && texts.nextNode()) {
          const node = texts.currentNode;
          const element = node.parentElement ?? node.getRootNode().host;
          // A script may write a text in pieces.
          const pieces = element && [...node.parentNode.childNodes].filter(one => one.nodeType === Node.TEXT_NODE);
          if (!element || !shows(pieces.map(one => one.data).join(''))) continue;
          shown.add(element.closest('select') ?? element);
          if (element.closest('select') || element.getClientRects().length > 0) continue;
          // What draws no box of its own, such as a slot, has texts that do.
          range.selectNodeContents(node);
          const ink = parseFloat(getComputedStyle(element).fontSize) / 5;
          for (const box of range.getClientRects()) {
            // Letters reach beyond the place that they take.
            add(new DOMRect(box.x - ink, box.y - ink, box.width + 2 * ink, box.height + 2 * ink));
          }
        }
      }
      for (const selector of selectors) {
        try {
          for (const root of all) for (const element of root.querySelectorAll(selector)) shown.add(element);
        } catch {
          return { invalid: true, places: 0 };
        }
      }
      shown.forEach(addAll);
      // Better no picture than one that shows some of it.
      if (boxes.length > MAX_COVERS) return { invalid: false, places: boxes.length };
      if (!(document instanceof HTMLDocument)) {
        // A picture, or the like, which can't have a cover in it.
        covering = boxes.length === 0 ? document.documentElement : null;
        return { invalid: false, places: boxes.length, covered: covering !== null };
      }
      const cover = document.createElement('div');
      cover.id = 'deploy-hooks-mask';
      const root = cover.attachShadow({ mode: 'closed' });
      for (const [x, y, width, height] of boxes) {
        const box = document.createElement('div');
        box.style.cssText = `position:fixed;left:${x}px;top:${y}px;width:${width}px;height:${height}px;`
          + 'background:#777;z-index:2147483647;pointer-events:none';
        root.append(box);
      }
      document.documentElement.append(cover);
      // Dialogs and the like are above every z-index.
      try {
        cover.popover = 'manual';
        cover.style.cssText = 'all:initial;position:fixed;inset:0;width:auto;height:auto;background:none;border:0;overflow:visible;pointer-events:none';
        cover.showPopover();
      } catch {
        // An older browser has no such layer.
      }
      covering = cover;
      return { invalid: false, places: boxes.length, covered: true };
    },
    // Whether they were there until now: a page that went on meanwhile has none.
    unmask() {
      const wasThere = covering?.isConnected ?? false;
      if (covering !== document.documentElement) covering?.remove();
      covering = null;
      return wasThere;
    },
  };
})();
