// SPDX-License-Identifier: BSD-3-Clause
// The bans that hold; operators add and lift them.
import { useState } from "preact/hooks";
import { type Bans as List, type Role, send } from "./api";
import { clock, focusOn, Part, Problems, Table, useAction, usePoll } from "./parts";

function Add({ again }: { again: () => unknown }) {
  const { busy, problems, run } = useAction(again);
  const [source, setSource] = useState("");
  const [lasts, setLasts] = useState("1h");
  const [reason, setReason] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    const body = { source: source.trim(), reason, ...(lasts ? { for: lasts } : {}) };
    if (await run(() => send("POST", "/v1/bans", body))) setSource("");
  };
  return (
    <form onSubmit={submit} class="row" aria-label="Ban a source">
      <label for="ban-source">Address or network</label>
      <input id="ban-source" required spellcheck={false} autocapitalize="off" value={source} onInput={(event) => setSource(event.currentTarget.value)} />
      <label for="ban-for">Lasts</label>
      <input id="ban-for" aria-describedby="ban-hint" value={lasts} onInput={(event) => setLasts(event.currentTarget.value)} />
      <label for="ban-reason">Reason</label>
      <input id="ban-reason" maxLength={200} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      <button id="ban-add" aria-disabled={busy}>
        Ban
      </button>
      <p id="ban-hint" class="key">
        198.51.100.7 or 198.51.100.0/24; lasts 1h30m, or for ever where nothing is said.
      </p>
      <Problems list={problems} />
    </form>
  );
}

export function Bans({ role }: { role: Role }) {
  const bans = usePoll<List>("/v1/bans?count=50", 3);
  const lifting = useAction(bans.again);
  const may = role !== "viewer";
  const lift = async (source: string) => {
    if (await lifting.run(() => send("DELETE", `/v1/bans/${source}`))) focusOn("bans-title"); // its button has gone
  };
  return (
    <Part id="bans" title={`Bans (${bans.value?.total ?? 0})`}>
      {may ? <Add again={bans.again} /> : null}
      <Problems list={[...bans.problems, ...lifting.problems]} />
      <Table label="Bans" head={["source", "until", "reason", "by", ...(may ? ["lift"] : [])]} empty={bans.value?.total === 0 && "No ban holds."}>
        {(bans.value?.bans ?? []).map((one) => (
          <tr key={one.source + one.origin} data-ban={one.source}>
            <th scope="row">{one.source}</th>
            <td class="when">{one.until ? clock(one.until) : "for ever"}</td>
            <td class="text">{one.reason}</td>
            <td class="text">{one.by_zone ? one.origin : `${one.origin}: ${one.author}`}</td>
            {may ? (
              <td>
                <button type="button" aria-disabled={lifting.busy} aria-label={`Lift ${one.source}`} onClick={() => lift(one.source)}>
                  Lift
                </button>
              </td>
            ) : null}
          </tr>
        ))}
      </Table>
    </Part>
  );
}
