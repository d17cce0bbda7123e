// Copy buttons: beside every element with data-copy (its value or text), on every data-copy-block, and beside every form
// with data-copy-secret, which asks the server for the secret and puts it on the clipboard without showing it.

export function copyButtons(root: ParentNode): void {
  for (const at of root.querySelectorAll<HTMLElement>("[data-copy]")) {
    const name = at.id ? document.querySelector(`label[for="${CSS.escape(at.id)}"]`)?.textContent?.trim() : "";
    after(at, name || at.textContent || "", () => Promise.resolve(at instanceof HTMLInputElement ? at.value : at.textContent || ""), !(at instanceof HTMLInputElement));
  }
  for (const block of root.querySelectorAll<HTMLElement>("[data-copy-block]")) {
    const pre = block.querySelector("pre");
    if (!pre) continue;
    const b = button(pre.getAttribute("aria-label") || "", () => Promise.resolve(pre.textContent || ""));
    b.classList.add("small");
    block.append(b);
  }
  for (const form of root.querySelectorAll<HTMLFormElement>("form[data-copy-secret]")) {
    after(form, "secret", () => secret(form), false);
  }
}

async function secret(form: HTMLFormElement): Promise<string> {
  const answer = await fetch(form.action, { method: "POST", headers: { Accept: "text/plain" }, redirect: "error" });
  if (!answer.ok || !answer.headers.get("Content-Type")?.startsWith("text/plain")) throw new Error(`the server answered ${answer.status}`);
  return answer.text();
}

function after(at: HTMLElement, name: string, text: () => Promise<string>, small: boolean): void {
  const b = button(name, text);
  if (small) b.classList.add("small", "quiet");
  at.after(b);
}

function button(name: string, text: () => Promise<string>): HTMLButtonElement {
  const b = document.createElement("button");
  b.type = "button";
  b.className = "btn";
  b.textContent = "Copy";
  b.setAttribute("aria-label", `Copy ${name}`.trim());
  b.addEventListener("click", async () => {
    let said = "Copied";
    try {
      await navigator.clipboard.writeText(await text());
    } catch {
      said = "Not copied";
    }
    b.textContent = said;
    announce(said);
    setTimeout(() => (b.textContent = "Copy"), 2000);
  });
  return b;
}

let speaker: HTMLElement | undefined;

function announce(text: string): void {
  if (!speaker) {
    speaker = document.createElement("div");
    speaker.className = "sr";
    speaker.setAttribute("role", "status");
    document.body.append(speaker);
  }
  speaker.textContent = text;
}
