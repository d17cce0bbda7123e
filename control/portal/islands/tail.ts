// The live view of decisions: a table that is marked with data-tail grows at its top with the rows that the server sends,
// and never beyond data-tail-rows. A hidden page does not listen.

export function tail(root: ParentNode): void {
  const at = root.querySelector<HTMLElement>("[data-tail]");
  const body = at?.querySelector("tbody");
  if (!at || !body) return;
  const most = Number(at.dataset.tailRows) || 50;
  const state = root.querySelector<HTMLElement>("[data-tail-state]");
  const buttons = root.querySelector<HTMLElement>("[data-tail-buttons]");
  let source: EventSource | null = null;
  let last = "";
  let paused = false;

  const say = (text: string) => {
    if (state && state.textContent !== text) state.textContent = text;
  };
  const stop = (text: string) => {
    source?.close();
    source = null;
    say(text);
  };
  const start = () => {
    if (source || paused || document.hidden) return;
    const address = new URL(at.dataset.tail!, location.href);
    if (last) address.searchParams.set("last", last);
    source = new EventSource(address);
    source.onopen = () => say("New decisions appear as they are taken.");
    source.onmessage = (e) => {
      last = e.lastEventId;
      at.querySelector("[data-tail-empty]")?.remove();
      const row = document.createElement("template");
      row.innerHTML = e.data;
      body.prepend(row.content);
      while (body.rows.length > most) body.rows[most].remove();
    };
    source.onerror = () => {
      // Closed means that the server refused: logged out, or too many views.
      if (source?.readyState === EventSource.CLOSED) stop("The live view was refused. Load the page anew.");
    };
  };

  buttons?.querySelector("[data-plain]")?.remove();
  const button = document.createElement("button");
  button.className = "btn";
  button.type = "button";
  button.textContent = "Pause";
  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? "Continue" : "Pause";
    if (paused) stop("Paused.");
    else start();
  });
  buttons?.append(button);
  document.addEventListener("visibilitychange", () => (document.hidden ? stop("Paused while the page is hidden.") : start()));
  start();
}
