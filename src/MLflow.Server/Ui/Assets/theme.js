// Runs before the first paint, so that a remembered theme does not flash. Without a choice the system's preference rules (CSS color-scheme).
(() => {
  const root = document.documentElement;
  root.classList.add('js');
  try {
    const theme = localStorage.getItem('mlflow-theme');
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  } catch {
    // Storage may be switched off.
  }
})();
