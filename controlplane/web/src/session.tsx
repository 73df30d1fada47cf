// SPDX-License-Identifier: BSD-3-Clause
// Who looks: by a client certificate, or by a token that is shown once.
import { useState } from "preact/hooks";
import { logIn, send, type Who } from "./api";
import { Problems, useAction } from "./parts";

export function Login({ ended, entered }: { ended: boolean; entered: () => unknown }) {
  const [token, setToken] = useState("");
  const { busy, problems, run } = useAction(() => undefined);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (await run(() => logIn(token.trim()))) await entered();
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
  const { busy, run } = useAction(left);
  return (
    <p class="who">
      {who.name}, {who.role}{" "}
      <button type="button" aria-disabled={busy} onClick={() => run(() => send("DELETE", "/v1/session"))}>
        Log out
      </button>
    </p>
  );
}
