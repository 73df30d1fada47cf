// SPDX-License-Identifier: BSD-3-Clause
// Who looks: by a client certificate, or by a token that is shown once.
import { useState } from "preact/hooks";
import { logIn, logOut, type Who } from "./api";
import { Problems, useAction } from "./parts";

// Scripts cannot see the session's cookie, and a certificate has none to end: this browser notes that it has logged in.
const NOTE = "dam-session";

export function keepNote(begun: boolean) {
  try {
    if (begun) localStorage.setItem(NOTE, "1");
    else localStorage.removeItem(NOTE);
  } catch {
    // A browser that keeps nothing is offered an end of the session in any case.
  }
}

function mayHaveSession(): boolean {
  try {
    return localStorage.getItem(NOTE) !== null;
  } catch {
    return true;
  }
}

export function Login({ ended, entered }: { ended: boolean; entered: () => unknown }) {
  const [token, setToken] = useState("");
  const { busy, problems, run } = useAction(() => undefined);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!(await run(() => logIn(token.trim())))) return;
    keepNote(true);
    await entered();
  };
  return (
    <main>
      <form onSubmit={submit} class="login">
        <h2>Who are you?</h2>
        {ended ? <p role="status">Your session has ended: log in again, and the page goes on.</p> : null}
        <label for="token">Token</label>
        <input id="token" type="password" autocomplete="off" required autofocus value={token} onInput={(event) => setToken(event.currentTarget.value)} />
        <button id="enter" aria-disabled={busy}>
          Enter
        </button>
        <Problems list={problems} />
        <p class="key">
          An admin makes one on the dam: <code>damctl token add NAME --role viewer</code>. With a client certificate of{" "}
          <code>damctl enroll</code> in this browser no token is needed.
        </p>
      </form>
    </main>
  );
}

export function Badge({ who, left }: { who: Who; left: () => void }) {
  const { busy, problems, run } = useAction(left);
  const end = () =>
    run(async () => {
      await logOut();
      keepNote(false);
    });
  return (
    <div class="who">
      {who.name}, {who.role}{" "}
      {mayHaveSession() ? (
        <button type="button" aria-disabled={busy} onClick={end}>
          Log out
        </button>
      ) : null}
      <Problems list={problems} />
    </div>
  );
}
