// Fragments that keep themselves current: an element with data-live is replaced by what that address answers, every three
// seconds while the page is looked at, until it comes without data-live.

const period = 3000;

export function live(root: ParentNode): void {
  for (const at of root.querySelectorAll<HTMLElement>("[data-live]")) {
    at.querySelector("[data-plain]")?.remove();
    setTimeout(() => refresh(at), period);
  }
}

async function refresh(at: HTMLElement): Promise<void> {
  if (!at.isConnected) return;
  if (document.hidden) {
    document.addEventListener("visibilitychange", () => refresh(at), { once: true });
    return;
  }
  let text = "";
  try {
    const answer = await fetch(at.dataset.live!, { redirect: "error" });
    if (answer.ok) text = await answer.text();
  } catch {
    // The server is away; the next round tries again.
  }
  const next = new DOMParser().parseFromString(text, "text/html").body.firstElementChild as HTMLElement | null;
  if (!next) {
    setTimeout(() => refresh(at), period);
    return;
  }
  const marks = at.querySelector(".marks");
  const fresh = next.querySelector(".marks");
  // Only what has changed is put in, so that a screen reader is not told the same again.
  if (marks && fresh && marks.innerHTML !== fresh.innerHTML) marks.innerHTML = fresh.innerHTML;
  if (next.dataset.live) setTimeout(() => refresh(at), period);
  else delete at.dataset.live;
}
