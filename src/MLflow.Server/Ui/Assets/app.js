// Keys, theme, copying and the replay of a stream. Everything else is links and markup, so the page reads without this file.
const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  try {
    localStorage.setItem('mlflow-theme', root.dataset.theme);
  } catch {
    // The choice then lasts as long as the page.
  }
}

async function copy(button) {
  const text = find('pre', button.parentElement).textContent;
  await navigator.clipboard.writeText(text);
  const words = button.textContent;
  button.textContent = button.dataset.done ?? 'Copied';
  setTimeout(() => { button.textContent = words; }, 1500);
}

// Moves through rows. On the list that is focus only; on a trace a row is also opened in the pane.
function move(step, selector, open) {
  const links = all(selector);
  if (links.length === 0) return;
  const current = links.findIndex(link => link === document.activeElement || link.closest('[aria-selected="true"]'));
  const next = links[Math.max(0, Math.min(links.length - 1, current < 0 ? (step > 0 ? 0 : links.length - 1) : current + step))];
  next.focus({ preventScroll: true });
  next.closest('.lrow, .srow, .turn').scrollIntoView({ block: 'nearest' });
  if (open) next.click();
}

// After the last turn that failed comes the first.
function nextFailed() {
  const turns = all('.turns .turn');
  const now = turns.indexOf(document.activeElement?.closest('.turn'));
  const failed = turns.filter(turn => find('.fail.err', turn));
  const next = failed.find(turn => turns.indexOf(turn) > now) ?? failed[0];
  if (!next) return;
  find('a.u', next).focus({ preventScroll: true });
  next.scrollIntoView({ block: 'nearest' });
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const target = event.target;
  if (target.matches('input:not([type="range"]), textarea, select, [contenteditable]')) {
    if (event.key === 'Escape') target.blur();
    return;
  }

  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const onList = find('.lrow a.rq') !== null;
  const onTrace = find('.main .left') !== null;
  const onSession = find('.turns a.u') !== null;
  const scrolls = target.matches('input[type="range"]') || target.closest('.body, dialog[open]') !== null;
  const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[key];
  if (step && onList) move(step, '.lrow a.rq', false);
  else if (step && onTrace && key.startsWith('Arrow') && !scrolls) move(step, '.srow .nm a', true);
  else if (step && onSession && key.startsWith('Arrow')) move(step, '.turns a.u', false);
  else if (onSession && key === 'e') nextFailed();
  else if (onTrace && /^[1-7]$/.test(key)) all('.tabs a')[key - 1]?.click();
  else if (onTrace && key === 'Enter' && target.closest('.srow')) { find('.body')?.focus(); }
  else if (key === '/' && find('.qf input, .find, .finder input')) find('.qf input, .find, .finder input').focus();
  else if (key === '?') find('dialog.keys')?.showModal();
  else if (key === ' ' && find('.pl') && !target.closest('a, button, input, summary')) find('.pl').click();
  else if ((key === ',' || key === '.') && find('.stm')) stepChunk(key === '.' ? 1 : -1);
  else {
    const named = all('[data-key]').find(element => element.dataset.key.split(' ').includes(key));
    if (!named) return;
    named.click();
  }

  event.preventDefault();
}

// Replay: the head, the text and the table stand at one instant.
const chunkTimes = stream => all('tr[data-at]', stream).map(row => Number(row.dataset.at));
let replay = 0;

function setHead(stream, time) {
  const end = Number(stream.dataset.end);
  const first = Number(stream.dataset.first);
  const input = find('input[type="range"]', stream);
  const rows = all('tr[data-at]', stream);
  const arrived = rows.filter(row => Number(row.dataset.at) <= time + 0.5).length;
  input.value = time;
  find('.head', stream).style.left = `${time / end * 100}%`;
  find('.head', stream).hidden = time >= end;
  rows.forEach((row, i) => {
    if (i === arrived - 1 && time < end) row.setAttribute('aria-current', 'true');
    else row.removeAttribute('aria-current');
  });
  all('[data-i]', stream).forEach(piece => {
    const there = Number(piece.dataset.i) < arrived;
    piece.classList.toggle('f', !there);
    piece.toggleAttribute('aria-hidden', !there);
    piece.classList.toggle('cur', time < end && Number(piece.dataset.i) === arrived - 1);
  });
  const rate = time > first ? Math.round(arrived / ((time - first) / 1000)) : 0;
  const words = `${Math.round(time).toLocaleString('en')} ms, ${arrived} of ${rows.length} chunks`;
  input.setAttribute('aria-valuetext', words);
  find('.read', stream).textContent = `${words}${rate && Number.isFinite(rate) ? `, ${rate} chunks/s so far` : ''}`;
}

function stopReplay(stream) {
  cancelAnimationFrame(replay);
  replay = 0;
  const button = stream && find('.pl', stream);
  if (button) button.textContent = '▶';
}

function play(stream) {
  if (replay) {
    stopReplay(stream);
    return;
  }

  const end = Number(stream.dataset.end);
  const input = find('input[type="range"]', stream);
  const from = Number(input.value) >= end ? 0 : Number(input.value);
  const started = performance.now();
  find('.pl', stream).textContent = '❚❚';
  const frame = now => {
    if (!stream.isConnected) {
      stopReplay(null);
      return;
    }

    const time = Math.min(end, from + (now - started) * Number(find('.speed [aria-pressed="true"]', stream)?.dataset.speed ?? 1));
    setHead(stream, time);
    if (time < end) replay = requestAnimationFrame(frame);
    else stopReplay(stream);
  };
  replay = requestAnimationFrame(frame);
}

function stepChunk(step) {
  const stream = find('.stm');
  const times = chunkTimes(stream);
  const now = Number(find('input[type="range"]', stream).value);
  const arrived = times.filter(time => time <= now + 0.5).length;
  const target = times[Math.max(0, Math.min(times.length - 1, arrived - 1 + step))];
  if (target !== undefined) setHead(stream, target);
}

const isAway = () => find('.components-reconnect-failed, .components-reconnect-rejected') !== null;

document.addEventListener('keydown', onKey);
document.addEventListener('input', event => {
  const stream = event.target.closest('.stm');
  if (stream) setHead(stream, Number(event.target.value));
});
document.addEventListener('click', event => {
  const row = event.target.closest('.stm tr[data-at]');
  if (row) setHead(row.closest('.stm'), Number(row.dataset.at));
  const button = event.target.closest('[data-do]');
  if (button?.dataset.do === 'theme') toggleTheme();
  else if (button?.dataset.do === 'keys') find('dialog.keys')?.showModal();
  else if (button?.dataset.do === 'copy') copy(button);
  else if (button?.dataset.do === 'play') play(button.closest('.stm'));
  else if (button?.dataset.do === 'speed') {
    // What has been played stays where it is; the rest goes on at the new pace.
    const stream = button.closest('.stm');
    const isPlaying = replay !== 0;
    stopReplay(stream);
    all('.speed button', stream).forEach(other => other.setAttribute('aria-pressed', String(other === button)));
    if (isPlaying) play(stream);
  }

  // Without a circuit a link must still lead somewhere: leave by the address bar.
  const link = event.target.closest('a[href]');
  if (link && isAway() && !event.ctrlKey && !event.metaKey && event.button === 0) {
    event.preventDefault();
    event.stopImmediatePropagation();
    location.href = link.href;
  }
}, true);

// The server has forgotten this circuit: everything is in the URL, so the page can be had again.
// The cross-hair of the overview: one instant, read in all lanes.
function readLanes(lanes, index) {
  const times = JSON.parse(lanes.dataset.times);
  const at = Math.max(0, Math.min(times.length - 1, index));
  const hair = find('#xh', lanes);
  hair.style.setProperty('--f', (at + 0.5) / times.length);
  hair.setAttribute('aria-valuenow', at);
  const words = [times[at]];
  all('.now', lanes).forEach(now => {
    const [figure, more, isBad] = JSON.parse(now.dataset.readings)[at];
    const [first, second] = now.children;
    first.firstChild.nodeValue = figure || '\u00a0';
    second.firstChild.nodeValue = more || '\u00a0';
    second.className = isBad ? 'err' : '';
    if (figure) words.push(`${find('h2', now.parentElement).textContent} ${figure}${more ? `, ${more}` : ''}`);
  });
  hair.setAttribute('aria-valuetext', words.join('; '));
  find('#at').firstChild.nodeValue = times[at];
}

const laneAt = (lanes, event) => {
  const plot = find('.plot', lanes).getBoundingClientRect();
  const share = (event.clientX - plot.left) / plot.width;
  return share >= 0 && share < 1 ? Math.floor(share * JSON.parse(lanes.dataset.times).length) : null;
};

function openLane(lanes, index) {
  if (!lanes.dataset.list) return;
  const start = Number(lanes.dataset.start) + index * Number(lanes.dataset.bucket);
  const filter = `timestamp_ms >= ${start} AND timestamp_ms < ${start + Number(lanes.dataset.bucket)}`;
  location.assign(new URL(`${lanes.dataset.list}?q=${encodeURIComponent(filter)}`, document.baseURI));
}

document.addEventListener('pointermove', event => {
  const lanes = event.target.closest?.('[data-lanes]');
  const index = lanes ? laneAt(lanes, event) : null;
  if (index !== null) readLanes(lanes, index);
});

document.addEventListener('click', event => {
  const lanes = event.target.closest('[data-lanes]');
  const index = lanes && !event.target.closest('a') ? laneAt(lanes, event) : null;
  if (index !== null) openLane(lanes, index);
});

document.addEventListener('keydown', event => {
  if (event.target.id !== 'xh') return;
  const lanes = event.target.closest('[data-lanes]');
  const now = Number(event.target.getAttribute('aria-valuenow'));
  const next = { ArrowLeft: now - 1, ArrowRight: now + 1, PageDown: now - 10, PageUp: now + 10, Home: 0, End: Infinity }[event.key];
  if (next !== undefined) readLanes(lanes, Math.min(next, Number(event.target.getAttribute('aria-valuemax'))));
  else if (event.key === 'Enter') openLane(lanes, now);
  else return;
  event.preventDefault();
});

find('#components-reconnect-modal')?.addEventListener('components-reconnect-state-changed', event => {
  if (event.detail?.state === 'rejected') location.reload();
});
