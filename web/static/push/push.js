// Web Push in this browser: turned on and off by the user, and opening rooms from notifications.

const WORKER = new URL("./service-worker.js", import.meta.url);

/** Whether this browser can have pushes: pages from https:// and localhost, in most browsers. */
export const isPossible = () =>
  Boolean(navigator.serviceWorker && globalThis.PushManager && globalThis.Notification);

export class Push {
  #parley;

  /** `open(room)` shows a room: the user has clicked on its notification. */
  constructor(parley, open) {
    this.#parley = parley;
    if (!isPossible()) return;
    navigator.serviceWorker.addEventListener("message", ({ data }) => {
      if (data?.kind === "push.clicked" && data.room) open(data.room);
    });
    navigator.serviceWorker.startMessages();
  }

  /** Whether this browser is subscribed. */
  async isOn() {
    return Boolean(await this.#subscription());
  }

  /** Whether the deployment calls browsers. */
  async isOffered() {
    return Boolean((await this.#ask("GET")).public_key);
  }

  /**
   * Subscribes this browser, and asks the user whether it may notify: call it because of a click.
   * Resolves to whether it is subscribed: not where the user, or the deployment, does not want it.
   */
  async turnOn() {
    if (!isPossible() || (await Notification.requestPermission()) !== "granted") return false;
    return this.#subscribe();
  }

  /** Unsubscribes this browser. */
  async turnOff() {
    const subscription = await this.#subscription();
    if (!subscription) return;
    const { subscriptions } = await this.#ask("GET");
    const known = subscriptions.find(({ endpoint }) => endpoint === subscription.endpoint);
    await subscription.unsubscribe();
    if (known) await this.#ask("DELETE", `/${known.id}`);
  }

  /** For the start of the page: renews a subscription, which may be another user's, or outdated. */
  async refresh() {
    if (isPossible() && Notification.permission === "granted" && (await this.isOn())) {
      await this.#subscribe();
    }
  }

  /** Closes the notifications of a room, which is seen now. */
  async clear(room) {
    const registration = isPossible() && (await this.#registration());
    const shown = registration ? await registration.getNotifications({ tag: room }) : [];
    for (const notification of shown) notification.close();
  }

  async #subscribe() {
    const { public_key: key } = await this.#ask("GET");
    if (!key) return false;
    const { pushManager } = await navigator.serviceWorker.register(WORKER).then(activated);
    let subscription = await pushManager.getSubscription();
    if (subscription && !hasKey(subscription, key)) {
      await subscription.unsubscribe(); // the deployment has another key now
      subscription = null;
    }
    subscription ??= await pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: key,
    });
    await this.#ask("POST", "", subscription.toJSON());
    return true;
  }

  async #subscription() {
    const registration = isPossible() && (await this.#registration());
    return registration ? registration.pushManager.getSubscription() : null;
  }

  // A browser that may keep nothing for the page refuses service workers, too.
  async #registration() {
    return navigator.serviceWorker.getRegistration(WORKER).catch(() => null);
  }

  #ask(method, tail = "", body = undefined) {
    return this.#parley.request(method, `/v1/push/subscriptions${tail}`, body);
  }
}

// A registration whose worker runs: before that, a browser does not subscribe.
function activated(registration) {
  const worker = registration.active ?? registration.waiting ?? registration.installing;
  return new Promise((resolve) => {
    const look = () => worker.state === "activated" && resolve(registration);
    worker.addEventListener("statechange", look);
    look();
  });
}

function hasKey({ options }, key) {
  const bytes = new Uint8Array(options?.applicationServerKey ?? []);
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "") === key;
}
