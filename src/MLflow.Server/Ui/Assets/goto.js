// Ctrl-K: anywhere by name or id. And MLflow's own links, whose place is behind the hash.
const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const dialog = find('dialog.goto');
const input = find('input', dialog);
const list = find('ul', dialog);

function go(address) {
  dialog.close();
  location.assign(new URL(address, document.baseURI));
}

let asked = 0;
async function ask() {
  const now = ++asked;
  const text = input.value;
  const experiment = /\/experiments\/(\d+)/.exec(location.pathname)?.[1] ?? '';
  const answer = await fetch(new URL(`places?q=${encodeURIComponent(text)}&experiment=${experiment}`, document.baseURI), { headers: { Accept: 'application/json' } });
  if (now !== asked) return;
  const places = answer.ok ? (await answer.json()).places : [];
  if (now !== asked) return;
  list.replaceChildren(...places.map((place, i) => {
    const item = document.createElement('li');
    item.id = `goto-${i}`;
    item.setAttribute('role', 'option');
    item.setAttribute('aria-selected', String(i === 0));
    item.dataset.address = place.address;
    const title = document.createElement('span');
    title.className = 'el';
    title.textContent = place.title;
    const kind = document.createElement('small');
    kind.textContent = place.kind;
    item.append(title, kind);
    return item;
  }));
  find('.none', dialog).hidden = places.length > 0;
  input.toggleAttribute('aria-activedescendant', false);
  if (places.length > 0) input.setAttribute('aria-activedescendant', 'goto-0');

  // Not what stands there by now: Enter would choose among places that were found for something else.
  dialog.dataset.answered = text;
}

let waiting = 0;
function askSoon() {
  clearTimeout(waiting);
  waiting = setTimeout(ask, 120);
}

function open() {
  if (dialog.open) return;
  input.value = '';
  list.replaceChildren();
  dialog.showModal();
  ask();
}

function select(step) {
  const items = all('li', list);
  if (items.length === 0) return;
  const next = (items.findIndex(item => item.getAttribute('aria-selected') === 'true') + step + items.length) % items.length;
  items.forEach((item, i) => item.setAttribute('aria-selected', String(i === next)));
  items[next].scrollIntoView({ block: 'nearest' });
  input.setAttribute('aria-activedescendant', items[next].id);
}

document.addEventListener('keydown', event => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    open();
  }
});
input.addEventListener('input', askSoon);
input.addEventListener('keydown', async event => {
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') select(event.key === 'ArrowDown' ? 1 : -1);
  else if (event.key === 'Enter') {
    event.preventDefault();

    // What was pasted just now has not been answered yet.
    if (dialog.dataset.answered !== input.value) {
      clearTimeout(waiting);
      await ask();
    }
    const chosen = find('li[aria-selected="true"]', list);
    if (chosen) go(chosen.dataset.address);
    return;
  } else return;
  event.preventDefault();
});
list.addEventListener('click', event => {
  const item = event.target.closest('li');
  if (item) go(item.dataset.address);
});
document.addEventListener('click', event => {
  if (event.target.closest('[data-do="go"]')) open();
  if (event.target === dialog) dialog.close();
});

// #/experiments/1/traces?selectedEvaluationId=tr-…, #/experiments/1/chat-sessions/s-1 and the like.
function leaveHash() {
  const [, path, query] = /^#(\/[^?]*)\??(.*)$/.exec(location.hash) ?? [];
  if (!path) return;
  const parts = new URLSearchParams(query);
  const trace = parts.get('selectedEvaluationId') ?? parts.get('selectedTraceId') ?? parts.get('traceId');
  const [, id, rest = ''] = /^\/experiments\/(\d+)(?:\/(.*))?$/.exec(path) ?? [];
  let address = '';
  if (trace) address = `traces/${encodeURIComponent(trace)}`;
  else if (id) {
    const session = /^chat-sessions\/(.+)$/.exec(rest)?.[1];
    address = session ? `experiments/${id}/session?id=${session}` : `experiments/${id}${rest === 'overview' ? '/overview' : rest === 'chat-sessions' ? '/sessions' : ''}`;
  }
  location.replace(new URL(address || './', document.baseURI));
}
leaveHash();
addEventListener('hashchange', leaveHash);
