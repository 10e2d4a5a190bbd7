// All of the page is there without this; it shows a chart's values sooner, and where a finger is.
(() => {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  let shown = null;

  // Or the browser would show them as well, a moment later.
  const words = new WeakMap();
  for (const title of document.querySelectorAll("svg .hit title")) {
    words.set(title.parentNode, title.textContent);
    title.remove();
  }

  const hide = () => {
    if (shown) shown.classList.remove("on");
    shown = null;
    tip.hidden = true;
  };
  const show = (event) => {
    const hit = words.has(event.target) ? event.target : null;
    if (!hit) return hide();
    if (hit !== shown) {
      hide();
      shown = hit;
      hit.classList.add("on");
      tip.textContent = words.get(hit);
      tip.hidden = false;
    }
    const gap = 14;
    const { width, height } = tip.getBoundingClientRect();
    const right = event.clientX + gap + width <= innerWidth;
    const left = right ? event.clientX + gap : event.clientX - gap - width;
    const top = Math.min(event.clientY + gap, innerHeight - height - 4);
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${Math.max(4, top)}px`;
  };
  document.addEventListener("pointermove", show);
  document.addEventListener("pointerdown", show);
  document.addEventListener("pointerleave", hide);
  addEventListener("scroll", hide, { passive: true });

  if (!navigator.clipboard) return;
  for (const command of document.querySelectorAll("pre.command")) {
    const text = command.textContent;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not allowed";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    command.prepend(button);
  }
})();
