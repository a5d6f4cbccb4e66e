// Sets the reader's theme before the first paint; the policy allows nothing inline.
(function () {
  try {
    var theme = localStorage.getItem('theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch (refused) {
    // Without storage the system's theme holds.
  }
})();
