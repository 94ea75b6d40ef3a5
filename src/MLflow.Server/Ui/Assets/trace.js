// The trace page: which rows are drawn, zoom, marks of what is looked for, folding, the width of the panes. What is shown is in the address, so
// everything here ends in a link or an address; the rest is markup that reads without this file.
const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

function go(url) {
  if (window.Blazor?.navigateTo && find('#circuit')) window.Blazor.navigateTo(url);
  else location.href = new URL(url, document.baseURI);
}

// Rows: the server draws a window of them around what is seen. Their heights are fixed, so where each stands is arithmetic on both sides.
const scrollsInPane = () => getComputedStyle(find('.left')).overflowY !== 'visible';
let asked = 0;

function look() {
  const rows = find('.surf.win .vw');
  if (!rows) return;
  const style = getComputedStyle(rows);
  const [row, line] = [parseFloat(style.getPropertyValue('--rh')), parseFloat(style.getPropertyValue('--eh'))];
  const view = scrollsInPane() ? find('.left').getBoundingClientRect() : { top: 0, height: innerHeight };
  const top = Math.max(0, view.top - rows.getBoundingClientRect().top);
  const first = rows.getBoundingClientRect().top + parseFloat(style.paddingTop);
  const last = rows.getBoundingClientRect().bottom - parseFloat(style.paddingBottom);
  const margin = view.height / 2;
  const covered = (first <= view.top - margin || Number(rows.dataset.first) === 0)
    && (last >= view.top + view.height + margin || Number(rows.dataset.first) + Number(rows.dataset.count) >= Number(rows.dataset.rows));
  if (covered) return;
  const now = performance.now();
  const place = find('.vplace');
  if (place && find('#circuit') && now - asked > 60) {
    asked = now;
    place.value = `${top},${view.height},${row},${line}`;
    place.dispatchEvent(new Event('change', { bubbles: true }));
  }

  // Until the rows are there: the circuit may still be coming, or the reader scrolls on.
  setTimeout(look, 120);
}

// The width of the left pane, as the reader left it.
let width = 0;

// The circuit puts rows of its own in the place of those that came with the page; the reader stays where they were.
let pane = null;
let place = '';
let scrolled = 0;

function keepScroll() {
  const left = find('.left');
  if (left === pane) return;
  if (place === location.pathname) left.scrollTop = scrolled;
  else scrolled = 0;
  pane = left;
  place = location.pathname;
  if (width) setWidth(width);
}

addEventListener('scroll', event => {
  if (event.target === pane) scrolled = pane.scrollTop;
  look();
}, { capture: true, passive: true });
addEventListener('resize', look);

// A step that was chosen from elsewhere is scrolled to, once.
let chosen = null;

function showChosen() {
  const row = find('.srow[aria-selected="true"]');
  const id = row && find('.nm a', row).getAttribute('href').match(/[?&]span=([^&]*)/)?.[1];
  if (!row || id === chosen) return;
  const isFirst = chosen === null;
  chosen = id;
  if (!isFirst || /[?&]span=/.test(location.search)) row.scrollIntoView({ block: 'nearest' });
}

// Marks of what is looked for are drawn over the text; the markup stays the server's.
let marked = '';

function mark() {
  if (!window.CSS?.highlights) return;
  const left = find('.left');
  const text = left?.dataset.find?.toLowerCase() ?? '';
  CSS.highlights.clear();
  if (!text) {
    marked = '';
    return;
  }

  const ranges = [];
  let now = null;
  for (const root of [find('.pane .ph'), find('.pane .body'), left].filter(Boolean)) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node && ranges.length < 2000; node = walker.nextNode()) {
      const content = node.data.toLowerCase();
      for (let at = content.indexOf(text); at >= 0 && ranges.length < 2000; at = content.indexOf(text, at + text.length)) {
        const range = new Range();
        range.setStart(node, at);
        range.setEnd(node, Math.min(node.data.length, at + text.length));
        ranges.push(range);
        if (!now && root.matches('.body')) now = range;
      }
    }
  }

  CSS.highlights.set('hit', new Highlight(...ranges));
  if (!now) return;
  CSS.highlights.set('hit-now', new Highlight(now));
  const key = `${location.search}`;
  if (key === marked) return;
  marked = key;
  for (let element = now.startContainer.parentElement; element; element = element.parentElement) {
    if (element.matches('details')) element.open = true;
  }

  now.startContainer.parentElement.scrollIntoView({ block: 'nearest' });
}

let shown = null;

function showMessage() {
  const message = find('[data-target]');
  const key = message && location.search;
  if (message && key !== shown) message.scrollIntoView({ block: 'start' });
  shown = key;
}

const widthKey = 'mlflow-left';

function setWidth(wanted) {
  width = wanted;
  document.documentElement.style.setProperty('--left', `${width}px`);
  find('.grip')?.setAttribute('aria-valuenow', width);
}

function keepWidth(wanted) {
  const main = find('.main');
  const kept = Math.round(Math.max(360, Math.min(main.clientWidth - 360, wanted)));
  setWidth(kept);
  try {
    localStorage.setItem(widthKey, kept);
  } catch {
    // The width then lasts as long as the page.
  }
}

try {
  const kept = Number(localStorage.getItem(widthKey));
  if (kept >= 360) setWidth(kept);
} catch {
  // The usual width.
}

let settling = 0;

function settle() {
  settling = 0;
  if (!find('.main')) {
    chosen = null;
    return;
  }

  keepScroll();
  showChosen();
  showMessage();
  mark();
  look();
}

new MutationObserver(() => { settling ||= requestAnimationFrame(settle); })
  .observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['aria-selected', 'data-find', 'data-target'] });
settle();

// Zoom: the wheel and dragging on the ruler.
const scaleOf = ruler => JSON.parse(ruler.dataset.scale);

function timeAt(ruler, x) {
  const box = ruler.getBoundingClientRect();
  const percent = Math.max(0, Math.min(100, (x - box.left) / box.width * 100));
  const part = scaleOf(ruler).find(([, , , right]) => percent <= right) ?? scaleOf(ruler).at(-1);
  const [from, to, left, right] = part;
  return from + (percent - left) / Math.max(right - left, 0.001) * (to - from);
}

function zoomTo(ruler, from, to) {
  const whole = Number(ruler.dataset.whole.split('-')[1]);
  const [start, end] = [Math.max(0, from), Math.min(whole, to)];
  const text = start <= whole / 1000 && end >= whole * 0.999 ? '' : `${+start.toFixed(3)}-${+end.toFixed(3)}`;
  go(ruler.dataset.url.replace(text ? 'ZOOM' : /[?&]zoom=ZOOM&?/, text || (match => (match.endsWith('&') ? match[0] : ''))));
}

let wheel = null;
document.addEventListener('wheel', event => {
  const ruler = event.target.closest?.('.srow.h .tm[data-scale]');
  if (!ruler) return;
  event.preventDefault();
  if (wheel?.ruler !== ruler) {
    const scale = scaleOf(ruler);
    wheel = { ruler, from: scale[0][0], to: scale.at(-1)[1], timer: 0 };
  }

  const middle = timeAt(ruler, event.clientX);
  const factor = event.deltaY > 0 ? 1.5 : 1 / 1.5;
  wheel.from = middle - (middle - wheel.from) * factor;
  wheel.to = middle + (wheel.to - middle) * factor;
  clearTimeout(wheel.timer);
  wheel.timer = setTimeout(() => {
    zoomTo(wheel.ruler, wheel.from, wheel.to);
    wheel = null;
  }, 120);
}, { passive: false });

document.addEventListener('pointerdown', event => {
  const ruler = event.target.closest?.('.srow.h .tm[data-scale]');
  if (ruler && event.button === 0) drag(ruler, event);
  else if (event.target.matches?.('.grip')) dragGrip(event);
});

function drag(ruler, event) {
  const start = event.clientX;
  const box = ruler.getBoundingClientRect();
  const brush = find('.brush', ruler);
  const moved = move => {
    const [from, to] = [Math.min(start, move.clientX), Math.max(start, move.clientX)].map(x => Math.max(box.left, Math.min(box.right, x)) - box.left);
    brush.hidden = to - from < 4;
    brush.style.left = `${from}px`;
    brush.style.width = `${to - from}px`;
  };
  const done = move => {
    document.removeEventListener('pointermove', moved);
    document.removeEventListener('pointerup', done);
    brush.hidden = true;
    if (Math.abs(move.clientX - start) < 4) return;
    const times = [timeAt(ruler, start), timeAt(ruler, move.clientX)].sort((a, b) => a - b);
    zoomTo(ruler, times[0], times[1]);
  };
  event.preventDefault();
  document.addEventListener('pointermove', moved);
  document.addEventListener('pointerup', done);
}

function dragGrip(event) {
  const moved = move => keepWidth(move.clientX);
  const done = () => {
    document.removeEventListener('pointermove', moved);
    document.removeEventListener('pointerup', done);
  };
  event.preventDefault();
  document.addEventListener('pointermove', moved);
  document.addEventListener('pointerup', done);
}

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const target = event.target;
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step || !find('.surf')) return;
  if (target.matches('.grip')) {
    keepWidth(find('.left').getBoundingClientRect().width + step * 24);
    event.preventDefault();
    return;
  }

  if (target.matches('input, textarea, select, [contenteditable]') || target.closest('.body, .tabs, dialog[open]')) return;
  const row = find('.srow[aria-selected="true"]');
  const toggle = row && find(`.fd[data-fold="${step > 0 ? 'closed' : 'open'}"]`, row);
  if (toggle) toggle.click();
  else if (row && step < 0) {
    const level = Number(row.getAttribute('aria-level'));
    for (let above = row.previousElementSibling; above; above = above.previousElementSibling) {
      if (Number(above.getAttribute('aria-level')) < level) {
        find('.nm a', above).click();
        break;
      }
    }
  } else return;
  event.preventDefault();
});

document.addEventListener('click', event => {
  const button = event.target.closest?.('[data-do]');
  const what = button?.dataset.do;
  if (what === 'unfold' || what === 'fold') all('.cv .msg > details').forEach(details => { details.open = what === 'unfold'; });
  else if (what === 'link') {
    navigator.clipboard.writeText(new URL(button.dataset.url, document.baseURI).href);
    const words = button.textContent;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = words; }, 1500);
  }

  // An open menu closes when something else is clicked.
  all('details.flt[open]').forEach(menu => { if (!menu.contains(event.target)) menu.open = false; });
});
