// The bell: one tab of the browser holds the stream and tells the others, because browsers allow few connections.
const channel = "BroadcastChannel" in window ? new BroadcastChannel("academe-bell") : null;
let told = null;

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem("academe-unread"));
  } catch {
    return null; // storage can be switched off: the count then appears with the stream
  }
}

function show(bell, count) {
  const badge = bell.querySelector("[data-bell-count]");
  badge.hidden = count === 0;
  badge.textContent = count > 99 ? "99+" : String(count);
  const words = count === 0 ? "Notifications" : `Notifications, ${count} unread`;
  bell.setAttribute("aria-label", words);
  bell.title = words;
}

function take(bell, count) {
  show(bell, count);
  try {
    sessionStorage.setItem("academe-unread", JSON.stringify(count));
  } catch {
    // as above
  }
  const before = told;
  told = count;
  if (before === null || before === count) return;
  if (count > before) document.getElementById("announcer").textContent = bell.title;
  document.body.dispatchEvent(new CustomEvent("academe:unread"));
}

function follow(bell) {
  return new Promise((resolve) => {
    const stream = new EventSource(bell.dataset.bell);
    stream.addEventListener("unread", (event) => {
      const count = Number(event.data);
      take(bell, count);
      channel?.postMessage(count);
    });
    // A lost connection is made again by the browser; one that was refused, after signing out, is not.
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED) resolve();
    });
    // Whoever comes later in another tab asks what was told last.
    channel?.addEventListener("message", (event) => {
      if (event.data === "?" && told !== null) channel.postMessage(told);
    });
  });
}

export function enhance(element) {
  const bell = element.querySelector("[data-bell]");
  if (!bell) return;
  const count = remembered();
  if (count !== null) show(bell, count);
  channel?.addEventListener("message", (event) => {
    if (typeof event.data === "number") take(bell, event.data);
  });
  channel?.postMessage("?");
  if (navigator.locks && channel) navigator.locks.request("academe-bell", () => follow(bell));
  else follow(bell);
}
