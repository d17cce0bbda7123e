// Popups close with Escape and keep the focus inside; the menu of the signed-in user closes with Escape and a click
// elsewhere.

export function popups(): void {
  const dialog = document.querySelector<HTMLElement>("dialog[data-back]");
  if (dialog && !dialog.querySelector("[autofocus]")) dialog.querySelector<HTMLElement>("input:not([type=hidden]), select, .btn")?.focus();
  const menu = document.querySelector<HTMLDetailsElement>("details.menu");
  document.addEventListener("keydown", (e) => {
    if (e.key !== "Escape" || e.defaultPrevented) return;
    if (dialog) location.assign(dialog.dataset.back!);
    else if (menu?.open) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
  });
  document.addEventListener("click", (e) => {
    if (menu?.open && e.target instanceof Node && !menu.contains(e.target)) menu.open = false;
  });
}
