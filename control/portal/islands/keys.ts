// The key / goes to the search of the workspace, unless something is being typed.

export function keys(): void {
  document.addEventListener("keydown", (e) => {
    if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey) return;
    const at = e.target as HTMLElement;
    if (at.isContentEditable || at.closest("input, textarea, select, [contenteditable], dialog")) return;
    const field = document.querySelector<HTMLInputElement>("[data-find] input");
    if (!field || field.closest("[inert]")) return;
    e.preventDefault();
    field.focus();
    field.select();
  });
}
