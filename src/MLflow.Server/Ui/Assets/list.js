// The list: colouring and completing the filter, choosing a time, keys, widths of columns, and telling the server which rows are read.
const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const go = address => {
  const url = new URL(address, document.baseURI).href;
  if (find('#circuit') && window.Blazor) window.Blazor.navigateTo(url);
  else location.assign(url);
};

// Blazor hears a change of this field: the way in for what only the browser knows.
function tell(words) {
  const field = find('[data-tell]');
  if (!field) return;
  field.value = words;
  field.dispatchEvent(new Event('change', { bubbles: true }));
}

// The reader's columns: a cookie of the list's own address, so that the first picture has them already.
const cookieOf = id => `mlflow-cols-${id}`;
window.mlflowList = {
  usualColumns(id) {
    const found = document.cookie.split('; ').find(cookie => cookie.startsWith(`${cookieOf(id)}=`));
    return found ? decodeURIComponent(found.slice(cookieOf(id).length + 1)) : null;
  },
  rememberColumns(id, columns) {
    const path = new URL(`experiments/${id}`, document.baseURI).pathname;
    document.cookie = `${cookieOf(id)}=${encodeURIComponent(columns)}; path=${path}; max-age=31536000; samesite=lax`;
  },
};

// ---- the filter ----
const tokens = /\s+|'[^']*'?|"[^"]*"?|(?:[\p{L}\p{N}_.\-/:$@]|`[^`]*`?)+|!=|<=|>=|./gu;
const operators = /^(=|!=|<|>|<=|>=|LIKE|ILIKE|RLIKE|IN|IS|NULL|NOT)$/i;

function colour(field) {
  const input = find('input', field);
  const pre = find('pre', field);
  pre.replaceChildren(...(input.value.match(tokens) ?? []).map(text => {
    const span = document.createElement('span');
    span.textContent = text;
    span.className = /^(AND|OR)$/i.test(text) ? 'kw' : operators.test(text) ? 'op' : /^['"\d]/.test(text) ? 'vl' : /^[\p{L}_`]/u.test(text) ? 'fd' : '';
    return span;
  }));
  pre.scrollLeft = input.scrollLeft;
}

// What may follow: a field, an operator of it, one of its values, or AND.
function completions(field, before) {
  const fields = JSON.parse(field.dataset.fields);
  const known = JSON.parse(field.dataset.known);
  const words = (before.match(tokens) ?? []);
  const open = words.length && !/^\s/.test(words.at(-1)) ? words.at(-1) : '';
  const done = words.filter(word => word.trim()).slice(0, open ? -1 : undefined);
  const plain = name => name.replaceAll('`', '');
  const fieldOf = name => fields.find(f => plain(f.n) === plain(name)) ?? fields.find(f => f.n.endsWith('.') && plain(name).startsWith(f.n));
  const at = done.findLastIndex(word => /^(AND|OR|NOT|\()$/i.test(word)) + 1;
  const clause = done.slice(at);
  const quoted = name => /^[\w-]+$/.test(name) ? name : `\`${name}\``;
  const names = () => [
    ...fields.filter(f => !f.n.endsWith('.')).map(f => [f.n, f.t]),
    ...Object.keys(known).filter(name => !fields.some(f => plain(f.n) === name)).map(name => {
      const prefix = fields.find(f => f.n.endsWith('.') && name.startsWith(f.n))?.n ?? '';
      return [prefix + quoted(name.slice(prefix.length)), ''];
    }),
  ];
  let found;
  if (clause.length === 0) found = names();
  else if (clause.length === 1) found = (fieldOf(clause[0])?.o ?? []).map(o => [o, '']);
  else if (clause.length === 2 && !/^(IS|IN|NOT)$/i.test(clause[1])) found = (known[plain(clause[0])] ?? []).filter(v => !v.includes("'")).map(v => [fieldOf(clause[0])?.o.includes('>') && !isNaN(v) ? v : `'${v}'`, '']);
  else found = [['AND', ''], ['OR', '']];
  const wanted = open.replace(/^['"`]/, '').toLowerCase();
  const matches = found.filter(([text, title]) => plain(text).replace(/^'/, '').toLowerCase().includes(wanted) || title.toLowerCase().includes(wanted));
  return { start: before.length - open.length, found: matches.filter(([text]) => text !== open).slice(0, 12) };
}

function closeList(field) {
  find('ul', field).hidden = true;
  find('input', field).setAttribute('aria-expanded', 'false');
  find('input', field).removeAttribute('aria-activedescendant');
}

function openList(field) {
  const input = find('input', field);
  const list = find('ul', field);
  const { start, found } = completions(field, input.value.slice(0, input.selectionStart));
  list.dataset.start = start;
  list.replaceChildren(...found.map(([text, title], i) => {
    const item = document.createElement('li');
    item.id = `qlist-${i}`;
    item.setAttribute('role', 'option');
    item.dataset.text = text;
    item.textContent = text;
    if (title) {
      const small = document.createElement('small');
      small.textContent = title;
      item.append(small);
    }
    return item;
  }));
  list.hidden = found.length === 0;
  input.setAttribute('aria-expanded', String(found.length > 0));
  input.removeAttribute('aria-activedescendant');
}

function chooseItem(field, item) {
  const input = find('input', field);
  const start = Number(find('ul', field).dataset.start);
  const caret = input.selectionStart;
  input.setRangeText(`${item.dataset.text} `, start, caret, 'end');
  colour(field);
  openList(field);
  input.focus();
}

function onFilterKey(event, field) {
  const list = find('ul', field);
  const items = all('li', list);
  const current = items.findIndex(item => item.getAttribute('aria-selected') === 'true');
  if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && (!list.hidden || event.key === 'ArrowDown')) {
    if (list.hidden) {
      openList(field);
    } else {
      const next = (current + (event.key === 'ArrowDown' ? 1 : current < 0 ? 0 : -1) + items.length) % items.length;
      items.forEach((item, i) => item.setAttribute('aria-selected', String(i === next)));
      items[next].scrollIntoView({ block: 'nearest' });
      event.target.setAttribute('aria-activedescendant', items[next].id);
    }
  } else if ((event.key === 'Enter' || event.key === 'Tab') && !list.hidden && current >= 0) {
    chooseItem(field, items[current]);
  } else if (event.key === 'Escape' && !list.hidden) {
    closeList(field);
  } else {
    return false;
  }
  event.preventDefault();
  event.stopPropagation();
  return true;
}

document.addEventListener('input', event => {
  const field = event.target.closest('.qf');
  if (!field) return;
  colour(field);
  openList(field);
});
document.addEventListener('scroll', event => {
  if (event.target.matches?.('.qf input')) find('pre', event.target.parentElement).scrollLeft = event.target.scrollLeft;
}, true);
document.addEventListener('focusout', event => {
  const field = event.target.closest?.('.qf');
  if (field) closeList(field);
  if (event.target.closest?.('details.menu') && event.relatedTarget && !event.target.closest('details.menu').contains(event.relatedTarget)) event.target.closest('details.menu').open = false;
});
document.addEventListener('mousedown', event => {
  const item = event.target.closest?.('.qf li');
  if (item) {
    event.preventDefault();
    chooseItem(item.closest('.qf'), item);
  }
  all('details.menu[open]').filter(menu => !menu.contains(event.target)).forEach(menu => { menu.open = false; });
});
document.addEventListener('submit', event => {
  const form = event.target.closest('form.q');
  if (!form || !find('#circuit')) return;
  event.preventDefault();
  const parts = [...new FormData(form)].filter(([, value]) => value !== '').map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  go(`${form.getAttribute('action')}${parts.length ? `?${parts.join('&')}` : ''}`);
});
for (const [kind, on] of [['mouseover', true], ['mouseout', false]]) {
  document.addEventListener(kind, event => {
    const chip = event.target.closest?.('.chip[data-k]');
    if (chip) all(`.qf [data-c="${chip.dataset.k}"]`).forEach(piece => piece.classList.toggle('on', on));
  });
}

// ---- the time ----
const withTime = (list, from, to) => `${list}${list.includes('?') ? '&' : '?'}${[['from', from], ['to', to]].filter(([, v]) => v !== null).map(([n, v]) => `${n}=${v}`).join('&')}`;
document.addEventListener('click', event => {
  const button = event.target.closest?.('[data-do="own-time"]');
  if (!button) return;
  const address = new URL(location.href);
  for (const field of all('[data-own]', button.parentElement)) {
    const time = Date.parse(`${field.value}Z`);
    if (Number.isNaN(time)) address.searchParams.delete(field.dataset.own);
    else address.searchParams.set(field.dataset.own, time);
  }
  ['range', 'page', 'peek'].forEach(name => address.searchParams.delete(name));
  go(address.href);
});

let brush = null;
const bucketAt = (hist, x) => {
  const bars = find('.bars', hist).getBoundingClientRect();
  return Math.max(0, Math.min(Number(hist.dataset.count) - 1, Math.floor((x - bars.left) / bars.width * Number(hist.dataset.count))));
};
function drawBrush(x) {
  const { hist, from } = brush;
  const to = bucketAt(hist, x);
  const count = Number(hist.dataset.count);
  const mark = find('.brush', hist);
  mark.hidden = false;
  mark.style.left = `${Math.min(from, to) / count * 100}%`;
  mark.style.width = `${(Math.abs(to - from) + 1) / count * 100}%`;
  brush.to = to;
}
document.addEventListener('pointerdown', event => {
  const hist = event.target.closest?.('[data-hist] .bars')?.parentElement;
  if (!hist || event.button !== 0) return;
  brush = { hist, from: bucketAt(hist, event.clientX) };
  drawBrush(event.clientX);
  event.preventDefault();
});
document.addEventListener('pointermove', event => {
  if (brush) drawBrush(event.clientX);
});
document.addEventListener('pointerup', () => {
  if (!brush) return;
  const { hist, from, to } = brush;
  brush = null;
  find('.brush', hist).hidden = true;
  const start = Number(hist.dataset.start);
  const bucket = Number(hist.dataset.bucket);
  go(withTime(hist.dataset.list, start + Math.min(from, to) * bucket, start + (Math.max(from, to) + 1) * bucket));
});

// ---- widths ----
let drag = null;
function setWidth(handle, pixels) {
  const table = handle.closest('.lt');
  const head = handle.closest('.lrow');
  const cells = [...head.children].filter(cell => !cell.classList.contains('ckc') && getComputedStyle(cell).display !== 'none');
  const widths = getComputedStyle(head).gridTemplateColumns.split(' ');
  widths[cells.indexOf(handle.parentElement)] = `${pixels}px`;
  all('.lrow', table).forEach(row => { row.style.gridTemplateColumns = widths.join(' '); });
}
const clearWidths = table => all('.lrow', table).forEach(row => row.style.removeProperty('grid-template-columns'));
document.addEventListener('pointerdown', event => {
  const handle = event.target.closest?.('.rz');
  if (!handle) return;
  drag = { handle, x: event.clientX, from: handle.parentElement.getBoundingClientRect().width };
  handle.setPointerCapture(event.pointerId);
  event.preventDefault();
});
document.addEventListener('pointermove', event => {
  if (!drag) return;
  drag.pixels = Math.round(Math.max(40, drag.from + event.clientX - drag.x));
  setWidth(drag.handle, drag.pixels);
});
document.addEventListener('pointerup', () => {
  if (!drag) return;
  const { handle, pixels } = drag;
  drag = null;
  if (pixels === undefined) return;
  clearWidths(handle.closest('.lt'));
  tell(`width ${pixels} ${handle.dataset.col}`);
});

// ---- rows ----
let told = '';
function lookAtRows() {
  const table = find('.ls:not(.first) .lt');
  const gaps = table ? all('.gap', table) : [];
  if (gaps.length < 2 || !find('[data-tell]')) return;
  const rows = all('.lrow:not(.h)', table);
  if (rows.length === 0) return;
  const box = table.scrollHeight > table.clientHeight + 1 ? table.getBoundingClientRect() : { top: 0, bottom: innerHeight };
  const before = Number(gaps[0].style.getPropertyValue('--n'));
  const after = Number(gaps[1].style.getPropertyValue('--n'));
  const height = rows[0].getBoundingClientRect().height;
  const top = rows[0].getBoundingClientRect().top;
  const bottom = gaps[1].getBoundingClientRect().top;
  const margin = 20 * height;
  const more = after > 0 || find('.more', table) !== null;
  if ((before > 0 && box.top - top < margin) || (more && bottom - box.bottom < margin)) {
    const row = Math.max(0, Math.round(before + ((box.top + box.bottom) / 2 - top) / height));
    const words = `row ${row}`;
    const state = `${words} of ${rows[0].dataset.id} ${rows.length}`;
    if (state !== told) {
      told = state;
      tell(words);
    }
  }
}
let looking = 0;
const lookSoon = () => { looking ||= requestAnimationFrame(() => { looking = 0; lookAtRows(); }); };
document.addEventListener('scroll', lookSoon, true);
document.addEventListener('click', event => {
  // With a circuit, older rows come by themselves; the link is for pages without one.
  if (event.target.closest?.('.more a') && find('#circuit')) lookSoon();
});
new MutationObserver(lookSoon).observe(document.body, { childList: true, subtree: true });

// ---- looking into a trace by resting on its row ----
// Only a mouse rests: a finger opens. Rows that move under the pointer, as in scrolling, are not meant.
const rest = 420;
const restOnNext = 150;
const leave = 300;
const paneWidth = 584;
let at = null;
let hovered = null;
let hoveredAt = '';
let closed = null;
let resting = 0;
let leaving = 0;
const floating = () => find('.peek.float');
function stopResting() {
  clearTimeout(resting);
  resting = 0;
}
function stay() {
  clearTimeout(leaving);
  leaving = 0;
}
function hide() {
  stopResting();
  stay();
  if (hovered === null) return;
  hovered = null;
  tell('unhover');
}
const isBusy = () => brush || drag || find('.peek:not(.float), dialog[open], details.menu[open], .qf ul:not([hidden])') || !find('#circuit');
document.addEventListener('pointermove', event => {
  const moved = at === null || at[0] !== event.screenX || at[1] !== event.screenY;
  at = [event.screenX, event.screenY];
  if (event.pointerType !== 'mouse' || !moved) return;
  stopResting();
  if (!find('.ls:not(.first)')) {
    hovered = null;
    return;
  }
  // Of another list, nothing is looked into yet.
  if (location.href !== hoveredAt) hide();
  const row = event.target.closest?.('.lrow[data-id]');
  if (row?.dataset.id !== closed) closed = null;
  if (event.target.closest?.('.peek.float') || row && row.dataset.id === hovered) {
    stay();
    return;
  }
  // Further right the pane would cover what the pointer is at; in a narrow window that is everything.
  const opens = row && closed === null && event.buttons === 0 && !isBusy() && innerWidth > 760 && event.clientX <= innerWidth - paneWidth;
  if (!opens) {
    if (hovered !== null) leaving ||= setTimeout(hide, leave);
    return;
  }
  stay();
  resting = setTimeout(() => {
    if (!row.isConnected || isBusy()) return;
    hovered = row.dataset.id;
    hoveredAt = location.href;
    tell(`hover ${hovered}`);
  }, floating() ? restOnNext : rest);
}, { passive: true });
document.addEventListener('click', event => {
  // The server closes it. A row that the pointer is on still, it has to leave first.
  if (!event.target.closest?.('.peek.float [data-esc]')) return;
  stopResting();
  stay();
  closed = find('.lrow[data-id]:hover')?.dataset.id ?? null;
  hovered = null;
}, true);
document.addEventListener('scroll', event => {
  if (!event.target.closest?.('.peek')) hide();
}, true);
document.addEventListener('pointerdown', event => {
  stopResting();
  if (!event.target.closest?.('.peek')) hide();
}, true);
document.documentElement.addEventListener('pointerleave', hide);

// ---- keys ----
const currentRow = () => document.activeElement?.closest('.lrow[data-id]') ?? find('.lrow.cur');
let followed = 0;

// The cell that F filters by: ← and → choose one, which stays from row to row; otherwise it is the one under the pointer.
let chosenCell = -1;
let pointer = null;
const cellsOf = row => [...row.children].filter(cell => !cell.classList.contains('ckc') && cell.getClientRects().length > 0);
function chooseCell(row, cell) {
  const cells = cellsOf(row);
  chosenCell = Math.max(0, Math.min(cells.length - 1, cell));
  all('.lrow .cc').forEach(other => other.classList.remove('cc'));
  cells[chosenCell].classList.add('cc');
}
function filterByCell(row) {
  const cell = row && chosenCell >= 0 ? cellsOf(row)[chosenCell]
    : pointer && document.elementsFromPoint(...pointer).find(element => element.matches('.lrow[data-id] > :not(.ckc)'));
  if (!cell) return;
  const place = cellsOf(cell.parentElement).indexOf(cell);
  const column = cellsOf(find('.lrow.h'))[place]?.dataset.col;
  if (column) tell(`cell ${cell.parentElement.dataset.id} ${column}`);
}
document.addEventListener('pointermove', event => { pointer = [event.clientX, event.clientY]; }, { passive: true });
document.addEventListener('focusin', event => {
  const row = event.target.closest?.('.lrow[data-id]');
  if (row && chosenCell >= 0) chooseCell(row, chosenCell);
});
document.addEventListener('keydown', event => {
  const field = event.target.closest?.('.qf');
  if (field && onFilterKey(event, field)) return;
  if (event.ctrlKey || event.metaKey || event.altKey || !find('.ls:not(.first)') || find('dialog[open]')) return;
  if (event.key === 'Escape') {
    const menu = find('details.menu[open]');
    const closes = all('[data-esc]').sort((a, b) => b.dataset.esc - a.dataset.esc);
    if (menu) {
      menu.open = false;
      find('summary', menu).focus();
    } else if (!event.target.matches('.qf input') && closes.length) closes[0].click();
    else return;
    event.preventDefault();
    event.stopPropagation();
    return;
  }
  const popped = event.target.matches('input:not([type="checkbox"])') && event.target.closest('.pop');
  if (popped && event.key === 'Enter') {
    // Leaving the field gives its value to the page; the form around it must not be sent.
    event.preventDefault();
    event.stopPropagation();
    event.target.blur();
    find('.btn', popped).click();
    return;
  }
  const handle = event.target.closest?.('.rz');
  if (handle && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) {
    tell(`width ${Math.max(40, Number(handle.getAttribute('aria-valuenow')) + (event.key === 'ArrowLeft' ? -10 : 10))} ${handle.dataset.col}`);
    event.preventDefault();
    event.stopPropagation();
    return;
  }
  if (event.target.matches('input:not(.ck), textarea, select')) return;
  const row = currentRow() ?? all('.lrow[data-id]').find(each => each.dataset.id === floating()?.dataset.of);
  const key = event.key.toLowerCase();
  if (key === 'x' && row) {
    find('.ck', row)?.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, shiftKey: event.shiftKey }));
  } else if (key === ' ' && row && !event.target.matches('button, summary, input')) {
    if (find('.peek:not(.float)') && row.classList.contains('cur')) find('.peek [data-esc]').click();
    else tell(`peek ${row.dataset.id}`);
  } else if ((key === 'arrowleft' || key === 'arrowright') && row) {
    chooseCell(row, chosenCell < 0 ? 0 : chosenCell + (key === 'arrowleft' ? -1 : 1));
  } else if (key === 'f') {
    filterByCell(row);
  } else if ((key === 'j' || key === 'k' || key === 'arrowdown' || key === 'arrowup') && find('.peek:not(.float)')) {
    // The trace beside the list follows the row that is reached.
    const now = ++followed;
    setTimeout(() => {
      const reached = document.activeElement?.closest('.lrow[data-id]');
      if (now === followed && reached && find('.peek:not(.float)')) tell(`peek ${reached.dataset.id}`);
    });
    return;
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}, true);
