// The canvas of a visual policy: cards are dragged by a grip, and the buttons of the form change the page in place. Without
// this script the same buttons load the page anew, and cards are moved with Up, Down, and "More".

let form = document.querySelector<HTMLFormElement>("form[data-cards]");
if (form) start(form);

function start(at: HTMLFormElement): void {
  form = at;
  for (const header of at.querySelectorAll<HTMLElement>("[data-card] > section > header")) header.prepend(grip());
  at.addEventListener("submit", submit);
}

function grip(): HTMLElement {
  const e = document.createElement("span");
  e.className = "grip";
  e.title = "Drag to move";
  e.setAttribute("aria-hidden", "true"); // the keyboard has Up, Down and More
  e.addEventListener("pointerdown", carry);
  return e;
}

// submit sends what a button asks for and puts the answer in the place of the form. Save and YAML lead to other pages.
async function submit(e: SubmitEvent): Promise<void> {
  const button = e.submitter as HTMLButtonElement | null;
  if (!form || !button || button.name !== "do" || button.value === "save" || button.value === "yaml") return;
  e.preventDefault();
  await ask(button.value);
}

async function ask(what: string): Promise<void> {
  const at = form!;
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(at)) if (typeof value === "string") body.append(name, value);
  body.append("do", what);
  at.classList.add("busy");
  let next: HTMLFormElement | null = null;
  try {
    const answer = await fetch(at.action, { method: "POST", body, redirect: "error" });
    if (answer.ok) next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("form[data-cards]");
  } catch {
    // The browser's own way says what is wrong.
  }
  at.classList.remove("busy");
  if (!next) {
    const hidden = document.createElement("input");
    Object.assign(hidden, { type: "hidden", name: "do", value: what });
    at.append(hidden);
    at.submit();
    return;
  }
  const fresh = document.importNode(next, true);
  at.replaceWith(fresh);
  start(fresh);
  const focus = fresh.querySelector<HTMLElement>("[autofocus]") ?? fresh.querySelector<HTMLElement>("summary");
  focus?.focus({ preventScroll: false });
}

// carry follows the pointer with one card and shows where it would go.
function carry(down: PointerEvent): void {
  if (down.button !== 0 || !form) return;
  down.preventDefault();
  const handle = down.currentTarget as HTMLElement;
  const item = handle.closest<HTMLElement>("[data-card]")!;
  const mark = document.createElement("li");
  mark.className = "drop";
  handle.setPointerCapture(down.pointerId);
  item.classList.add("carried");
  form.classList.add("carrying");
  let target: { list: string; at: number } | undefined;

  const move = (e: PointerEvent) => {
    const edge = 60;
    if (e.clientY < edge) window.scrollBy(0, -12);
    else if (e.clientY > window.innerHeight - edge) window.scrollBy(0, 12);
    target = undefined;
    mark.remove();
    const list = document.elementFromPoint(e.clientX, e.clientY)?.closest<HTMLElement>(".branch, form[data-cards], .sticky");
    const deck = list?.querySelector<HTMLElement>(":scope > [data-list]");
    if (!deck || item.contains(deck)) return;
    const cards = [...deck.children].filter((c): c is HTMLElement => c instanceof HTMLElement && c.dataset.card !== undefined);
    let at = cards.findIndex((c) => {
      const box = c.getBoundingClientRect();
      return e.clientY < box.top + box.height / 2;
    });
    if (at < 0) at = cards.length;
    // Before or behind itself is where it is.
    const own = cards.indexOf(item);
    if (own >= 0 && (at === own || at === own + 1)) return;
    target = { list: deck.dataset.list!, at };
    deck.insertBefore(mark, cards[at] ?? null);
  };
  const end = (drop: boolean) => {
    handle.removeEventListener("pointermove", move);
    handle.removeEventListener("pointerup", up);
    handle.removeEventListener("pointercancel", cancel);
    document.removeEventListener("keydown", key, true);
    mark.remove();
    item.classList.remove("carried");
    form?.classList.remove("carrying");
    if (drop && target) void ask(`move ${item.dataset.card} ${target.list} ${target.at}`);
  };
  const up = () => end(true);
  const cancel = () => end(false);
  const key = (e: KeyboardEvent) => {
    if (e.key !== "Escape") return;
    e.preventDefault();
    e.stopPropagation();
    end(false);
  };
  handle.addEventListener("pointermove", move);
  handle.addEventListener("pointerup", up);
  handle.addEventListener("pointercancel", cancel);
  document.addEventListener("keydown", key, true);
}
